"""Who tells speakers apart best: the released model, MFCC baselines, and any other embeddings, on the same trials.

    python benchmarks/speakers.py VOICES OTHERS@FOLD --list utterances.csv        # what another system is to embed
    python benchmarks/speakers.py VOICES OTHERS@FOLD --also Resemblyzer=FILE.parquet

Each folder as recipes/join.py reads it. The baselines learn from the training speakers of all folders, thresholds
come from the validation speakers. Another system's file has `utterance` and `embedding`, as
benchmarks/speaker_tools/run_resemblyzer.py writes it in an environment of its own.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from earmark import console
from earmark.evaluation.settings import EvaluateSettings
from earmark.release import bundle
from earmark.tasks.speaker import collection, metrics
from earmark.tasks.speaker.predictions import Embedder
from earmark.tasks.speaker.trials import baseline, trial_set, utterances
from earmark.tasks.speaker.trials.trial_set import Answers, TrialSet

SETTINGS = EvaluateSettings(1000, 1)
SHOWN = ("eer", "min_dcf", "auc", "mr_at_k", "mr_at_threshold", "accuracy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("voices", nargs="+")
    parser.add_argument("--model", type=Path, default=bundle.folder("speaker"))
    parser.add_argument("--also", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--list", type=Path, dest="listed")
    args = parser.parse_args()
    folders = [collection.read(name, console.warn, console.progress) for name in args.voices]
    table, trials = collection.together(folders)
    val = trial_set.judged(table, trials, "val")
    found = {f.name: trial_set.of_split(f.table, f.trials, "test") for f in folders}
    tests = {name: test for name, test in found.items() if test}
    if args.listed:
        heard = pd.concat([e.utterances for e in (val, *tests.values())]).drop_duplicates("id")
        rows = pd.DataFrame({"utterance": heard.id, "paths": heard.paths.map(";".join)})
        rows.to_csv(args.listed, index=False)
        return
    systems = systems_of(args, table)
    for name, test in tests.items():
        shown = [(system, *_row(embed, val, test)) for system, embed in systems.items()]
        console.table(("", *SHOWN), shown, f"{name}: {len(test.pairs)} trials of {test.speakers.max() + 1} speakers")


def systems_of(args, table: pd.DataFrame) -> dict:
    """Name -> what embeds a table of utterances, (n, d) L2-normalised."""
    train = utterances.to_learn(table)
    learnt = baseline.measured(train, Path())
    statistics, lda = baseline.Statistics(learnt), baseline.Lda(learnt, train.label.to_numpy())
    systems = {
        "MFCC statistics": lambda of: statistics(baseline.measured(of, Path())),
        "MFCC + LDA": lambda of: lda(baseline.measured(of, Path())),
    }
    for named in args.also:
        name, _, file = named.partition("=")
        found = pd.read_parquet(file).set_index("utterance").embedding
        systems[name] = lambda of, found=found: np.stack(found[of.id])
    embedder = Embedder(args.model)
    return systems | {"earmark": lambda of: np.stack([embedder.of_files(paths) for paths in of.paths])}


def _row(embed, val: TrialSet, test: TrialSet) -> list[str]:
    figures = metrics.figures(Answers(val, embed(val.utterances)), Answers(test, embed(test.utterances)), {}, SETTINGS)
    cells = []
    for name in SHOWN:
        low, high = figures.get(f"{name}_ci95", (None, None))
        cells.append(f"{figures[name]:.3f}" + ("" if low is None else f" [{low:.3f}, {high:.3f}]"))
    return cells


if __name__ == "__main__":
    main()
