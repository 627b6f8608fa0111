#!/usr/bin/env bash
# ChordNet at its width on a machine with a GPU, which renders its songs itself; arguments as of chord.sh:
#
#   recipes/chordnet.sh POP909_FOLDER VALIDATION.sf2 TRAINING.sf2...
#
# The settings of chordnet.yaml, but for all of the songs, 40 times, in larger batches. Takes 6 GB for the spectrograms.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${OUT:-data/renders}

recipes/chord_renders.sh "$@"
python recipes/chord.py --recipe recipes/chordnet.yaml --set train.epochs=40 --set train.batch_size=16 \
  --train "$out/songs" --train "$out/pop909" --val "$out/val" --val "$out/val909" --out models/chordnet \
  --words "The songs of recipes/chord_renders.sh."
