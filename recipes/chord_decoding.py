"""What a change of chord should cost, on validation songs: the grid that `chords.recognise.SWITCH` was read from.

python recipes/chord_decoding.py BUNDLE --val renders/val --val renders/val909
"""

import argparse
from itertools import product
from pathlib import Path

import torch

from earmark import audio
from earmark.chords import collection, lab, recognise, scores, spectrogram
from earmark.console import progress

SHOWN = ("majmin", "sevenths", "tetrads", "bass", "overseg", "underseg", "transition_f1", "class_balanced_tetrads")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--val", type=Path, action="append", required=True)
    args = parser.parse_args()
    table = collection.table_of(args.val)
    read = recognise.Recogniser(args.bundle)
    heard = [
        recognise.said(read.model, torch.from_numpy(spectrogram.of(path, read.features)))
        for path in progress(table.path, len(table), "listening")
    ]
    truth = [lab.read(path) for path in table.lab]
    seconds = [audio.check(path).duration_s for path in table.path]
    print("base  weight  reach  " + "  ".join(SHOWN))
    for base, weight, reach in product((1.0, 2.0, 3.0, 4.0, 6.0), (0.0, 0.5, 1.0), (0, 1)):
        if weight or not reach:
            recognise.SWITCH = {"base": base, "weight": weight, "reach": reach}
            songs = [
                scores.Song(str(i), t, recognise.song(h, read.features.hop_s, s).segments, str(i))
                for i, (t, h, s) in enumerate(zip(truth, heard, seconds, strict=True))
            ]
            found = scores.evaluate(songs, n_draws=1)
            print(f"{base:4}  {weight:6}  {reach:5}  " + "  ".join(f"{found[k]:.4f}" for k in SHOWN), flush=True)


if __name__ == "__main__":
    main()
