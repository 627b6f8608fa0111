"""How the network's word becomes chords, on validation songs: what SWITCH, BASS and TONES of `chord.predictions` are.

python recipes/chord_decoding.py BUNDLE --val renders/val --val renders/val909 [--choose] [--workers 2]

The network hears every song once. Every constant is tried in turn, the others as they stand, and every row has its
figures on each folder. With --choose each constant is then set to what was best, and the round is made again until
nothing changes: best is the mean of the figures GOAL over the folders, and what gains less than LEAST is not taken.
"""

import argparse
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from earmark import audio
from earmark.console import progress
from earmark.tasks.chord import collection, predictions, scores, spectrogram
from earmark.tasks.chord.networks.pitch_net import ChordLogits
from earmark.tasks.chord.notation import lab

GOAL = ("majmin", "sevenths", "tetrads", "bass", "tetrads_inv", "seg", "transition_f1", "class_balanced_tetrads")
LEAST = 0.0005  # of that mean; less is within what chance does
TRIED = {
    ("SWITCH", "base"): (1.0, 2.0, 3.0, 4.0, 5.0, 6.0),
    ("SWITCH", "weight"): (0.0, 0.5, 1.0, 1.5),
    ("SWITCH", "reach"): (0, 1),
    ("BASS", "weight"): (0.25, 0.5, 0.75, 1.0, 1.5, 2.0),
    ("BASS", "inversion"): (0.0, 1.0, 2.0, 4.0, 6.0, 8.0, 12.0, 16.0),
    ("BASS", "foreign"): (4.0, 6.0, 8.0, 12.0, 16.0, 24.0),
    ("TONES", "weight"): (0.0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0),
    ("TONES", "most"): (2.0, 4.0, 6.0, 8.0, 12.0),
}

Constants = dict[tuple[str, str], float]
Recording = tuple[list[lab.LabSegment], ChordLogits, float]  # truth, what the network says, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--val", type=Path, action="append", required=True)
    parser.add_argument("--choose", action="store_true")
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    with ProcessPoolExecutor(args.workers, get_context("fork"), torch.set_num_threads, (1,)) as pool:
        hear = partial(listened, args.bundle)
        folders = [list(progress(pool.map(hear, *rows(f)), len(rows(f)[0]), f"listening to {f}")) for f in args.val]
    constants = {key: getattr(predictions, key[0])[key[1]] for key in TRIED}
    print(f"{'folder':12}  " + "  ".join(name[:9].rjust(9) for name in GOAL))
    with ProcessPoolExecutor(args.workers, get_context("fork"), keep, (args.bundle, folders)) as pool:
        rated = partial(figures, pool, [f.name for f in args.val])
        while (found := round_of(constants, rated)) != constants and args.choose:
            constants = found
    for table in ("SWITCH", "BASS", "TONES"):
        print(table, {name: value for (of, name), value in constants.items() if of == table})


def rows(folder: Path) -> tuple[list[Path], list[Path]]:
    table = collection.table_of([folder])
    return list(table.path), list(table.lab)


def round_of(constants: Constants, rated: Callable[[Constants, str], float]) -> Constants:
    """Every constant in turn; the constants with what was best of each."""
    constants = dict(constants)
    best = rated(constants, "as it stands")
    for (table, name), values in TRIED.items():
        others = [v for v in values if v != constants[table, name]]
        tried = {v: rated(constants | {(table, name): v}, f"{table} {name} {v:g}") for v in others}
        value, mean = max(tried.items(), key=lambda one: one[1])
        if mean > best + LEAST:
            constants[table, name], best = value, mean
    return constants


def figures(pool: ProcessPoolExecutor, names: list[str], constants: Constants, title: str) -> float:
    """GOAL's mean over the folders, whose figures are printed."""
    found = np.array(list(pool.map(partial(judged, constants), range(len(names)))))
    print(f"{title}: {found.mean():.4f}")
    for name, row in zip(names, found, strict=True):
        print(f"{name[:12]:12}  " + "  ".join(f"{v:9.4f}" for v in row), flush=True)
    return float(found.mean())


def listened(bundle: Path, path: Path, lab_path: Path) -> Recording:
    read = reader(bundle)
    heard = read.heard(torch.from_numpy(spectrogram.spectrogram_of(path, read.features)))
    return lab.read(lab_path), heard, audio.check(path).duration_s


@cache
def reader(bundle: Path) -> predictions.Recogniser:
    """The model of a folder, read once a process."""
    return predictions.Recogniser(bundle)


HELD: list = []  # of a process that decodes: the reader, and the recordings of every folder


def keep(bundle: Path, folders: list[list[Recording]]) -> None:
    torch.set_num_threads(1)
    HELD[:] = [reader(bundle), folders]


def judged(constants: Constants, folder: int) -> list[float]:
    """The figures GOAL of a folder's recordings with these constants."""
    read, folders = HELD
    for (table, name), value in constants.items():
        getattr(predictions, table)[name] = value
    songs = [
        scores.ScoredSong(str(i), truth, predictions.song(heard, read.features.hop_s, seconds).segments, str(i))
        for i, (truth, heard, seconds) in enumerate(folders[folder])
    ]
    found = scores.evaluate(songs, n_draws=0)
    return [found[name] for name in GOAL]


if __name__ == "__main__":
    main()
