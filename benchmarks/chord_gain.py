"""By how much one chord bundle is better than another on the same songs, paired, with 95 % intervals.

    OMP_NUM_THREADS=1 python benchmarks/chord_gain.py NEW FORMER FOLDER [FOLDER ...] [--out gain.csv]

NEW and FORMER are model folders; each FOLDER has a manifest.csv (path, lab, key, group), as `earmark render chords`
writes it. Intervals are bootstrapped over groups (`evaluation/paired.py`); a figure is pooled over all songs by
duration, and class-balanced tetrads are the mean over the truth's qualities.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from earmark import console
from earmark.evaluation import paired
from earmark.tasks.chord import collection, metrics, scores
from earmark.tasks.chord.notation import lab
from earmark.tasks.chord.predictions import Recogniser

SHOWN = ("root", "majmin", "sevenths", "tetrads", "tetrads_inv", "bass", "seg", scores.BALANCED, "key_accuracy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("new", type=Path)
    parser.add_argument("former", type=Path)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    table = collection.table_of(args.folders)
    new, former = (heard(folder, table) for folder in (args.new, args.former))
    rows = [row(name, new, former, table.group.to_numpy()) for name in SHOWN]
    head = ("figure", "new", "former", "gain", "low", "high")
    shown = [(name, *(f"{value:+.4f}" if i > 1 else f"{value:.4f}" for i, value in enumerate(r))) for name, *r in rows]
    console.table(head, shown, f"{len(table)} songs")
    if args.out:
        pd.DataFrame(rows, columns=head).to_csv(args.out, index=False)


def heard(folder: Path, table: pd.DataFrame) -> scores.Sums:
    """What the bundle of a folder gets right of the songs."""
    read, rows = Recogniser(folder), console.progress(table.itertuples(), len(table), f"recognising with {folder}")
    return scores.summed([metrics.scored_song(row, lab.read(row.lab), read(row.path)) for row in rows])


def row(name: str, new: scores.Sums, former: scores.Sums, group: np.ndarray) -> tuple:
    """A figure of both, and how much larger the first one's is, with bounds of 2.5 % either way."""
    (ours, weight), (theirs, _) = new.of(name), former.of(name)
    gain = paired.share_difference(ours, theirs, weight, group, level=0.025)
    return (name, new.figure(name), former.figure(name), *gain)


if __name__ == "__main__":
    main()
