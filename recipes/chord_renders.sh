#!/usr/bin/env bash
# The songs that the chord models are trained on, chosen by and tested on, from notes: 56 h, an hour of a core.
#
#   VOICES=SPEECH_FOLDER SOUNDS=NOISE_FOLDER:SPLITS VAL_SOUNDS=NOISE_FOLDER:SPLIT TEST_SOUNDS=NOISE_FOLDER:SPLIT \
#     recipes/chord_renders.sh POP909_FOLDER UNHEARD.sf2 TRAINING.sf2...
#
# Below data/renders: songs and pop909 to train; val and val909 to choose by and test and test909, of other songs, in a
# SoundFont that the training does not hear. VOICES and the SOUNDS are mixed in as `earmark render chords --help` says;
# without them nobody speaks, and noises are generated.
set -euo pipefail
cd "$(dirname "$0")/.."
pop909=$1 unheard=$2
shift 2
fonts=("${@/#/--soundfont=}")
out=data/renders
speech=(${VOICES:+--voices="$VOICES"})
learnt=("${speech[@]}" ${SOUNDS:+--sounds="$SOUNDS"})

earmark render chords "$out/songs" --songs 3600 --seconds 36 --seed 3 "${fonts[@]}" "${learnt[@]}"
earmark render chords "$out/pop909" --songs 1500 --seconds 40 --seed 3 --pop909 "$pop909" --songs-of 1-700 "${fonts[@]}" \
  "${learnt[@]}"
kept_out() { # split, seed, songs of POP909, sounds
  local mixed=(--split "$1" --seed "$2" --songs 60 --soundfont "$unheard" "${speech[@]}" ${4:+--sounds="$4"})
  earmark render chords "$out/$1" --seconds 36 "${mixed[@]}"
  earmark render chords "$out/${1}909" --seconds 40 --pop909 "$pop909" --songs-of "$3" "${mixed[@]}"
}
kept_out val 1000 800-909 "${VAL_SOUNDS:-}"
kept_out test 2000 701-799 "${TEST_SOUNDS:-}"
python recipes/join.py chord "$out" songs pop909 val val909 test test909
