"""What a study found: one row a cell, and the main effect of every factor. Pure: frames in, frames out."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from earmark import metrics
from earmark.settings.evaluation import EvaluateSettings


@dataclass(frozen=True)
class Outcome:
    """A cell's finished trainings.

    results: one dict a training, as jobs.result gives them, with `seed` and `test` (names of folds).
    answers: one row a recording and training: recording, label, group, fold, predicted, p_<class>, seed.
    refused: why the cell has no figures; empty where it has.
    """

    levels: dict[str, str]
    split: str
    results: list[dict]
    answers: pd.DataFrame
    refused: str = ""
    reference: dict | None = None


class Draws:
    """Bootstrap draws over groups, made once for each set of recordings."""

    def __init__(self, settings: EvaluateSettings):
        self.settings, self.made = settings, {}

    def of(self, groups: np.ndarray) -> list[np.ndarray]:
        """Row indices of each draw; groups: (recordings,)."""
        key = tuple(groups)
        if key not in self.made:
            self.made[key] = metrics.resamples(groups, self.settings.bootstrap, self.settings.seed)
        return self.made[key]

    def interval(self, figure: Callable[[np.ndarray], float], groups: np.ndarray) -> list[float]:
        """95 % interval [low, high] of a figure of row indices."""
        return metrics.interval(figure, self.of(groups))


def rights(answers: pd.DataFrame) -> pd.DataFrame:
    """Per recording, in order of its name: `right`, the share of its trainings that knew it, and `group`."""
    judged = answers.assign(right=(answers.predicted == answers.label).astype(float))
    return judged.groupby("recording").agg(right=("right", "mean"), group=("group", "first"))


def table(outcomes: list[Outcome], draws: Draws) -> pd.DataFrame:
    """One row a cell, in the study's order; figures are missing where a cell was refused."""
    return pd.DataFrame([row(outcome, draws) for outcome in outcomes])


def row(outcome: Outcome, draws: Draws) -> dict:
    """A cell's row of the table.

    accuracy is the mean over recordings (and seeds) of the pooled test folds, [low, high] its 95 % interval by
    bootstrap over groups; sd_folds the standard deviation of the folds' accuracies; seconds are of one
    training, and so is epochs_to_60 (the median training; missing when that one never got there).
    """
    found = {**outcome.levels, "split_by": outcome.split}
    if not outcome.refused:
        found |= _judged(outcome.answers, draws) | _trained(outcome.results)
    source = outcome.reference or {}
    found |= {f"reference_{k}": source[k] for k in ("test", "val", "note") if k in source}
    return found | {"refused": outcome.refused}


def _judged(answers: pd.DataFrame, draws: Draws) -> dict:
    songs = rights(answers)
    right = songs.right.to_numpy()
    low, high = draws.interval(lambda rows: right[rows].mean(), songs.group.to_numpy())
    by_fold = answers.assign(right=answers.predicted == answers.label).groupby("fold").right.mean()
    by_seed = [figures(one) for _, one in answers.groupby("seed")]
    return {
        "folds": len(by_fold),
        "seeds": len(by_seed),
        "accuracy": float(right.mean()),
        "low": low,
        "high": high,
        "sd_folds": float(by_fold.std(ddof=1)),
        "macro_f1": float(np.mean([f["macro_f1"] for f in by_seed])),
        "ece": float(np.mean([f["ece"] for f in by_seed])),
    }


def _trained(results: list[dict]) -> dict:
    def mean(key: str) -> float:
        return float(pd.Series([r[key] for r in results], dtype=float).mean())

    reached = float(np.median([metrics.epochs_to(r["history"]) for r in results]))
    return {
        "val_accuracy": mean("val_accuracy"),
        "best_epoch": mean("best_epoch"),
        "epochs_to_60": reached if np.isfinite(reached) else np.nan,
        "cpu_seconds": mean("cpu_seconds"),
        "wall_seconds": mean("wall_seconds"),
        "parameters": results[0]["parameters"],
    }


def figures(answers: pd.DataFrame) -> dict[str, float]:
    """accuracy, macro_f1 and ece of one answer a recording."""
    columns = [c for c in answers if c.startswith("p_")]
    classes = [c.removeprefix("p_") for c in columns]
    labels, predicted = (answers[c].map(classes.index).to_numpy() for c in ("label", "predicted"))
    right = labels == predicted
    return {
        "accuracy": float(right.mean()),
        "macro_f1": metrics.macro_f1(predicted, labels),
        "ece": metrics.ece(answers[columns].to_numpy().max(1), right),
    }


def effects(outcomes: list[Outcome], factors: dict[str, list[str]], draws: Draws) -> pd.DataFrame:
    """The main effect of each factor: every level against the factor's first, and the interval.

    The difference in accuracy is taken recording by recording between cells that agree in all other factors, and
    averaged over those pairs of cells and then over recordings; the interval is by bootstrap over groups.
    A pair with a refused cell is left out.
    """
    whole = [(o.levels, rights(o.answers)) for o in outcomes if not o.refused]
    rows = []
    for factor, (first, *others) in factors.items():
        for level in others:
            gaps = [b.right - a.right for a, b in _matched(whole, factor, first, level)]
            groups = pd.concat([r.group for _, r in whole]) if whole else None
            rows.append({"factor": factor, "level": level, "against": first} | _effect(gaps, groups, draws))
    columns = ["factor", "level", "against", "pairs", "recordings", "difference", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def _matched(whole: list[tuple[dict, pd.DataFrame]], factor: str, first: str, level: str):
    """Pairs of cells that differ in the factor alone: (with its first level, with the other)."""
    alike: dict[tuple, dict[str, pd.DataFrame]] = {}
    for levels, known in whole:
        rest = tuple((name, each) for name, each in levels.items() if name != factor)
        alike.setdefault(rest, {})[levels[factor]] = known
    yield from ((cells[first], cells[level]) for cells in alike.values() if {first, level} <= set(cells))


def _effect(gaps: list[pd.Series], groups: pd.Series | None, draws: Draws) -> dict:
    if not gaps:
        return {"pairs": 0, "recordings": 0}
    gap = pd.concat(gaps, axis=1).mean(axis=1).dropna()
    values, group = gap.to_numpy(), groups[~groups.index.duplicated()].loc[gap.index].to_numpy()
    low, high = draws.interval(lambda rows: values[rows].mean(), group)
    found = {"pairs": len(gaps), "recordings": len(gap), "difference": float(values.mean())}
    return found | {"low": low, "high": high}
