"""The second half of a nested study: the chosen cells trained with every seed, and judged on their outer folds."""

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from earmark.data import manifest
from earmark.errors import EarmarkError
from earmark.experiments.study import jobs, nested
from earmark.experiments.study.jobs import TrainingJob
from earmark.features import store as feature_store
from earmark.tasks.genre import baselines, report
from earmark.tasks.genre.dataset import gather
from earmark.training.key import recipe

if TYPE_CHECKING:
    from earmark.experiments.study.study import Study


def judge(study: "Study", workers: int, out: Path) -> tuple[dict, list[Path]]:
    """Choose a cell for every outer fold, train it on all other folds with every seed, and judge it there.

    Returns the figures and the files that hold them. Raises EarmarkError when a chosen training fails.
    """
    scores = inner(study)
    chosen = nested.choose(scores)
    named = trainings(study, chosen)
    study.execute(named, workers, lambda: None)
    for name, job in named:
        if sentence := jobs.result(job, study.folder)["refused"]:
            raise EarmarkError(f"{name}, {job.test[0]}, seed {job.train.seed}: {sentence}")
    answers = study.answers([job for _, job in named]).drop(columns="pair")
    baseline = pd.concat([baseline_of(job) for job in {job.test: job for _, job in named}.values()])
    found = {"chosen": {fold: study.cells[i].cell.name for fold, i in chosen.items()}}
    found |= nested.outcome(answers, baseline, study.draws) | release_recipe(study, chosen)
    _say(study, found)
    return found, _write(study, out, scores, chosen, answers, found)


def release_recipe(study: "Study", chosen: dict[str, int]) -> dict:
    """What a release holds itself to: the recipe chosen for most folds, and the recordings."""
    often = Counter(chosen.values()).most_common(1)[0][0]
    settings = study.cells[often].settings
    table = study.preparer.recordings(settings.data)[0]
    return {
        "recipe": recipe(settings),
        "data_sha256": manifest.digest(table),
        "folds": sorted(chosen),
        "n_seeds": len(study.plan.seeds),
    }


def inner(study: "Study") -> pd.DataFrame:
    """Inner scores of all cells that were trained without refusal, for the outer folds of the study."""
    outcomes = [study.outcome(ready)[0] for ready in study.cells]
    judged = [
        o.answers.assign(cell=i, right=o.answers.predicted == o.answers.label)
        for i, o in enumerate(outcomes)
        if not o.refused
    ]
    if not judged:
        raise EarmarkError(f"No cell is left to choose from; the first was refused: {outcomes[0].refused}")
    scores = nested.inner_scores(pd.concat(judged, ignore_index=True))
    return scores[scores.outer.isin(study.preparer.folds(study.settings.data))]


def trainings(study: "Study", chosen: dict[str, int]) -> list[tuple[str, TrainingJob]]:
    """The outer trainings, each with the name it is reported by: all folds but one, every seed."""
    return [
        (f"chosen {ready.cell.name}", study.preparer.job(ready.cell, ready.settings, (fold,), seed))
        for fold, ready in ((fold, study.cells[i]) for fold, i in chosen.items())
        for seed in study.plan.seeds
    ]


def baseline_of(job: TrainingJob) -> pd.DataFrame:
    """The scikit-learn baseline's answer for every recording of the job's test fold."""
    dataset = gather(job.task, job.split.table, feature_store.load(job.features))
    test = dataset.rows("test")
    rest = np.setdiff1d(np.arange(len(dataset.table)), test)
    statistics = np.load(job.features / "statistics.npy", allow_pickle=False)
    guess = baselines.regression(dataset, statistics, rest, test).argmax(1)
    predicted = [dataset.classes[i] for i in guess]
    return pd.DataFrame({"recording": dataset.table.path.to_numpy()[test], "predicted": predicted})


def _write(
    study: "Study", out: Path, scores: pd.DataFrame, chosen: dict, answers: pd.DataFrame, found: dict
) -> list[Path]:
    """nested.csv (inner accuracy of every cell for every outer fold), nested.json, predictions and pictures."""
    names = [ready.cell.name for ready in study.cells]
    picked = [chosen[fold] == cell for fold, cell in zip(scores.outer, scores.cell, strict=True)]
    mean = scores.groupby("cell").accuracy.transform("mean")
    shown = scores.assign(mean=mean, chosen=picked, cell=scores.cell.map(lambda i: names[i]))
    shown.to_csv(out / "nested.csv", index=False)
    answers.to_parquet(out / "predictions.parquet", index=False)
    (out / "nested.json").write_text(json.dumps(found, indent=2) + "\n")
    seen = answers.rename(columns={"predicted": "recording_predicted"}).assign(window=0)
    seen["recording_probability"] = answers[[c for c in answers if c.startswith("p_")]].max(axis=1)
    report.confusion(out / "confusion.png", seen, sorted(answers.label.unique()))
    report.reliability(out / "reliability.png", seen)
    made = ("nested.csv", "nested.json", "predictions.parquet", "confusion.png", "reliability.png")
    return [out / name for name in made]


def _say(study: "Study", found: dict) -> None:
    for fold, name in found["chosen"].items():
        study.say(f"chosen for {fold}, on the other folds alone: {name}")
    for name in ("accuracy", "ensemble_accuracy", "baseline_accuracy", "accuracy_minus_baseline"):
        low, high = found[f"{name}_ci95"]
        study.say(f"nested {name}: {found[name]:.3f} [{low:.3f}, {high:.3f}]")
