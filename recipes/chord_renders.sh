#!/usr/bin/env bash
# The songs that the chord models are trained on and chosen by, from notes: 55 h, an hour of a core.
#
#   VOICES=SPEECH_FOLDER SOUNDS=NOISE_FOLDER:SPLITS VAL_SOUNDS=NOISE_FOLDER:SPLIT \
#     recipes/chord_renders.sh POP909_FOLDER VALIDATION.sf2 TRAINING.sf2...
#
# Below $OUT (data/renders): songs and pop909 to train, val and val909 in a SoundFont of their own to choose. VOICES and
# SOUNDS are mixed in as `earmark render chords --help` says; without them nobody speaks, and noises are generated.
set -euo pipefail
cd "$(dirname "$0")/.."
pop909=$1 unheard=$2
shift 2
fonts=("${@/#/--soundfont=}")
out=${OUT:-data/renders}
learnt=(${VOICES:+--voices="$VOICES"} ${SOUNDS:+--sounds="$SOUNDS"})
chosen=(${VOICES:+--voices="$VOICES"} ${VAL_SOUNDS:+--sounds="$VAL_SOUNDS"})

earmark render chords "$out/songs" --songs 3600 --seconds 36 --seed 3 "${fonts[@]}" "${learnt[@]}"
earmark render chords "$out/pop909" --songs 1500 --seconds 40 --seed 3 --pop909 "$pop909" --songs-of 1-700 "${fonts[@]}" \
  "${learnt[@]}"
earmark render chords "$out/val" --songs 60 --seconds 36 --seed 1000 --split val --soundfont "$unheard" "${chosen[@]}"
earmark render chords "$out/val909" --songs 60 --seconds 40 --seed 1000 --split val --pop909 "$pop909" --songs-of 800-909 \
  --soundfont "$unheard" "${chosen[@]}"
