#!/usr/bin/env bash
# The network of chord.sh from random weights on a machine with a GPU: the same songs 40 times, in larger batches. Its
# arguments and variables are those of chord.sh.
set -euo pipefail
cd "$(dirname "$0")/.."

recipes/chord_renders.sh "$@"
earmark use chord data/renders --recipe recipes/chord.yaml
dvc exp run publish@chord -S tasks.chord.train.epochs=40 -S tasks.chord.train.batch_size=64 -S tasks.chord.train.lr=0.006 \
  -S tasks.chord.train.initial_model=null -S tasks.chord.train.initial_sha256=null
