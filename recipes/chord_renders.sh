#!/usr/bin/env bash
# The songs that the chord models are trained on and chosen by, from notes: 59 h, about an hour of one core.
#
#   recipes/chord_renders.sh POP909_FOLDER VALIDATION.sf2 TRAINING.sf2...
#
# Below $OUT (data/renders): songs and pop909 to train, val and val909 in a SoundFont of their own to choose.
set -euo pipefail
cd "$(dirname "$0")/.."
pop909=$1 unheard=$2
shift 2
fonts=("${@/#/--soundfont=}")
out=${OUT:-data/renders}

earmark render chords "$out/songs" --songs 3600 --seconds 36 --seed 1 "${fonts[@]}"
earmark render chords "$out/pop909" --songs 2100 --seconds 40 --seed 1 --pop909 "$pop909" --songs-of 1-700 "${fonts[@]}"
earmark render chords "$out/val" --songs 60 --seconds 36 --seed 1000 --split val --soundfont "$unheard"
earmark render chords "$out/val909" --songs 60 --seconds 40 --seed 1000 --split val --pop909 "$pop909" --songs-of 800-909 \
  --soundfont "$unheard"
