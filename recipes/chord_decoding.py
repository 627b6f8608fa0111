"""What a change of chord, and a bass other than its root, should cost, on validation songs, folder by folder.

The grids that `chords.recognise.SWITCH` and `BASS` were read from; the second is of SWITCH as it stands.

python recipes/chord_decoding.py BUNDLE --val renders/val --val renders/val909
"""

import argparse
from itertools import product
from pathlib import Path

import torch

from earmark import audio
from earmark.console import progress
from earmark.tasks.chord import collection, predictions, scores, spectrogram
from earmark.tasks.chord.networks.pitch_net import ChordLogits
from earmark.tasks.chord.notation import lab

SHOWN = (
    "root",
    "majmin",
    "sevenths",
    "tetrads",
    "bass",
    "tetrads_inv",
    "overseg",
    "underseg",
    "transition_f1",
    "class_balanced_tetrads",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--val", type=Path, action="append", required=True)
    args = parser.parse_args()
    read = predictions.Recogniser(args.bundle)
    chosen = predictions.SWITCH, predictions.BASS
    for folder in args.val:
        table = collection.table_of([folder])
        heard = [listened(read, path) for path in progress(table.path, len(table), "listening")]
        truth = [lab.read(path) for path in table.lab]
        seconds = [audio.check(path).duration_s for path in table.path]
        recordings = list(zip(truth, heard, seconds, strict=True))
        predictions.SWITCH, predictions.BASS = chosen
        print(f"{folder.name}\nbase  weight  reach  " + "  ".join(SHOWN))
        for base, weight, reach in product((1.0, 2.0, 3.0, 4.0, 6.0), (0.0, 0.5, 1.0), (0, 1)):
            if weight or not reach:
                predictions.SWITCH = {"base": base, "weight": weight, "reach": reach}
                print(f"{base:4}  {weight:6}  {reach:5}  " + judged(recordings, read), flush=True)
        predictions.SWITCH = chosen[0]
        print("inversion  foreign  " + "  ".join(SHOWN))
        for inversion, more in product((0.0, 2.0, 4.0, 8.0, 12.0, 16.0), (0.0, 4.0, 8.0, 16.0)):
            predictions.BASS = {"inversion": inversion, "foreign": inversion + more}
            print(f"{inversion:9}  {inversion + more:7}  " + judged(recordings, read), flush=True)


def listened(read: predictions.Recogniser, path: Path) -> ChordLogits:
    return read.heard(torch.from_numpy(spectrogram.of(path, read.features)))


def judged(recordings: list, read: predictions.Recogniser) -> str:
    """A row of figures over (truth, what the network says, seconds)."""
    songs = [
        scores.Song(str(i), truth, predictions.song(heard, read.features.hop_s, seconds).segments, str(i))
        for i, (truth, heard, seconds) in enumerate(recordings)
    ]
    found = scores.evaluate(songs, n_draws=1)
    return "  ".join(f"{found[k]:.4f}" for k in SHOWN)


if __name__ == "__main__":
    main()
