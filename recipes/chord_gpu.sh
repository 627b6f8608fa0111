#!/usr/bin/env bash
# The network of chord.sh from random weights on a machine with a GPU: the same songs 40 times, in larger batches. Its
# arguments and variables are those of chord.sh; written into models/chord_gpu, beside what the package ships.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${OUT:-data/renders}

recipes/chord_renders.sh "$@"
python recipes/chord.py --set train.epochs=40 --set train.batch_size=64 --set train.lr=0.006 \
  --train "$out/songs" --train "$out/pop909" --val "$out/val" --val "$out/val909" --out models/chord_gpu \
  --words "The songs of recipes/chord_renders.sh."
