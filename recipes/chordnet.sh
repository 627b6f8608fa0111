#!/usr/bin/env bash
# ChordNet at its width on a machine with a GPU, which renders its songs itself; arguments as of chord.sh:
#
#   recipes/chordnet.sh POP909_FOLDER UNHEARD.sf2 TRAINING.sf2...
#
# The settings of chordnet.yaml, but for all of the songs, 40 times, in larger batches. Takes 6 GB for the spectrograms.
set -euo pipefail
cd "$(dirname "$0")/.."

recipes/chord_renders.sh "$@"
earmark use chord data/renders --recipe recipes/chordnet.yaml
dvc exp run publish@chord -S tasks.chord.train.epochs=40 -S tasks.chord.train.batch_size=16
