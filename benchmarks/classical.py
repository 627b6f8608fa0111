"""How far a classifier without a network gets on a corpus with official folds: the classical baseline of genre.

    python benchmarks/classical.py -S data.source=esc10 -S data.root=~/ESC-50
    python benchmarks/classical.py -S data.source=folder -S data.root=FOLDER --seeds 5 -S features.max_seconds=10

Settings are those of tasks.genre in params.yaml. For every fold the classifier is chosen on the others alone, in inner
folds by group; the test folds' answers are pooled. The interval is over groups. A seed deals the inner folds and grows
the trees. Features are computed anew each time.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from earmark import config, console
from earmark.evaluation import intervals
from earmark.evaluation.settings import EvaluateSettings
from earmark.experiments import crossval
from earmark.tasks import catalog
from earmark.tasks.genre import baselines, features


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-S", dest="overrides", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--k", type=int, default=5, help="folds, where the recordings name none")
    args = parser.parse_args()
    settings = config.load_task(Path("params.yaml"), "genre", [f"tasks.genre.{o}" for o in args.overrides])
    table, root = crossval.recordings(catalog.task("genre"), settings.data, args.k, console.warn, console.progress)
    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        features.beside(table, root, settings.features, Path(folder), console.progress, workers=1)
        x = np.load(Path(folder) / baselines.CLASSICAL)
    seconds = time.process_time() - began
    print(f"{table.duration_s.sum():.0f} s of audio in {seconds:.1f} s of one core")
    rows = [(f"{seed}", *judged(table, x, seed)) for seed in range(1, args.seeds + 1)]
    console.table(("seed", "accuracy", "95 % interval", "chosen"), rows, f"{len(table)} recordings")


def judged(table: pd.DataFrame, x: np.ndarray, seed: int) -> tuple[str, str, str]:
    """Accuracy over all folds, its interval, and what was chosen for each. x: features (recordings, n)."""
    y, group = pd.factorize(table.label, sort=True)[0], table.group.to_numpy()
    right, chosen = np.zeros(len(table)), []
    for fold in sorted(table.fold.unique()):
        test = np.flatnonzero(table.fold == fold)
        rest = np.flatnonzero(table.fold != fold)
        answer, choice = baselines.classical(x, y, group, rest, test, seed)
        right[test] = answer == y[test]
        chosen.append(f"{fold} {choice.name}")
    found = intervals.share("accuracy", right, 1.0, group, EvaluateSettings(1000, 1))
    low, high = found["accuracy_ci95"]
    return f"{found['accuracy']:.4f}", f"{low:.3f} to {high:.3f}", "; ".join(chosen)


if __name__ == "__main__":
    main()
