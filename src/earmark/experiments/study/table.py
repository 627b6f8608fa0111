"""What a study found: one row a cell, and the main effect of every factor. Pure: frames in, frames out."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from earmark.evaluation import metrics
from earmark.experiments.study.figure import GroupDraws, ShareFigure, StudyFigure

COMPARED = 3  # so many figures are compared between cells, the headline first


@dataclass(frozen=True)
class CellOutcome:
    """A cell's finished trainings.

    results: one dict a training, as jobs.result gives them, with `seed` and `test` (names of folds).
    answers: one row a recording and training: recording, group, fold, seed, and for every figure right_<figure> and
        of_<figure>, whose sums over recordings make the figure; where a recording has one class, also label,
        predicted and p_<class>. Of speakers one row a trial and training.
    refused: why the cell has no figures; empty where it has. n_refused: trainings that ended without a figure.
    figure: what reads figures of the answers. trained: hash of all that the trainings share, whatever their seed.
    """

    levels: dict[str, str]
    split: str
    results: list[dict]
    answers: pd.DataFrame
    refused: str = ""
    reference: dict | None = None
    figure: type[StudyFigure] = ShareFigure
    n_refused: int = 0
    trained: str = ""


def rights(answers: pd.DataFrame) -> pd.DataFrame:
    """Per recording, in order of its name: `right`, the share of its trainings that knew its class, and `group`."""
    judged = answers.assign(right=(answers.predicted == answers.label).astype(float))
    return judged.groupby("recording").agg(right=("right", "mean"), group=("group", "first"))


def table(outcomes: list[CellOutcome], draws: GroupDraws) -> pd.DataFrame:
    """One row a cell, in the study's order; figures are missing where a cell was refused."""
    return pd.DataFrame([row(outcome, draws) for outcome in outcomes])


def row(outcome: CellOutcome, draws: GroupDraws) -> dict:
    """A cell's row of the table.

    The headline figure is over the recordings of the pooled test folds (means over seeds), [low, high] its 95 %
    interval over groups, sd_folds the standard deviation of its folds; every further figure has
    <figure>_low and <figure>_high. Where crops are drawn, sd_crops, crops_low and crops_high say how far it goes from
    draw to draw: deviation, least and most. last_lr is the learning rate of the last epoch, the mean over trainings:
    it shows whether a schedule moved. Seconds are of one training, and so is epochs_to_60 (the median training;
    missing when that one never got there).
    """
    found = {**outcome.levels, "split_by": outcome.split}
    if not outcome.refused:
        found |= _judged(outcome, draws) | _trained(outcome.results) | _drawn(outcome.results)
    source = outcome.reference or {}
    found |= {f"reference_{k}": source[k] for k in ("test", "val", "epochs_to_60", "note") if k in source}
    return found | {"refused": outcome.refused}


def _judged(outcome: CellOutcome, draws: GroupDraws) -> dict:
    answers, figure = outcome.answers, outcome.figure
    headline, *others = figure.names(answers)
    found = {"folds": int(answers.fold.nunique()), "seeds": int(answers.seed.nunique())}
    found |= dict(zip((headline, "low", "high"), _figure(figure.read(answers, headline), draws), strict=True))
    by_fold = pd.Series([figure.read(one, headline).value for _, one in answers.groupby("fold")])
    found["sd_folds"] = float(by_fold.std(ddof=1))
    for name in others:
        columns = (name, f"{name}_low", f"{name}_high")
        found |= dict(zip(columns, _figure(figure.read(answers, name), draws), strict=True))
    if "predicted" in answers:
        by_seed = [figures(one) for _, one in answers.groupby("seed")]
        found |= {name: float(np.mean([f[name] for f in by_seed])) for name in ("macro_f1", "ece")}
    return found


def _figure(found: StudyFigure, draws: GroupDraws) -> tuple[float, float, float]:
    """A figure and its interval."""
    low, high = found.interval(draws.settings)
    return found.value, low, high


def _trained(results: list[dict]) -> dict:
    def mean(key: str) -> float:
        return float(pd.Series([r[key] for r in results], dtype=float).mean())

    reached = float(np.median([metrics.epochs_to(r["history"]) for r in results]))
    return {
        "val_accuracy": mean("val_accuracy"),
        "best_epoch": mean("best_epoch"),
        "last_lr": float(pd.Series([r["history"][-1].get("train/lr") for r in results], dtype=float).mean()),
        "epochs_to_60": reached if np.isfinite(reached) else np.nan,
        "cpu_seconds": mean("cpu_seconds"),
        "wall_seconds": mean("wall_seconds"),
        "parameters": results[0]["parameters"],
    }


def _drawn(results: list[dict]) -> dict:
    """How far the accuracy over all test folds goes from one draw of the crops to another; {} where none are drawn."""
    drawn = [r for r in results if r.get("crop_accuracies")]
    if not drawn:
        return {}
    weights = [r["n_test"] for r in drawn]
    pooled = np.average([r["crop_accuracies"] for r in drawn], axis=0, weights=weights)
    spread = {"sd_crops": pooled.std(ddof=1), "crops_low": pooled.min(), "crops_high": pooled.max()}
    return {name: float(value) for name, value in spread.items()}


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


def effects(outcomes: list[CellOutcome], factors: dict[str, list[str]], draws: GroupDraws) -> pd.DataFrame:
    """The main effect of each factor on the first COMPARED figures: every level against the factor's first.

    The difference is taken between cells that agree in all other factors, over the recordings that both judged, and
    averaged over those pairs of cells; the interval is over groups, with the same weights on both sides.
    A pair with a refused cell is left out.
    """
    whole = [o for o in outcomes if not o.refused]
    compared = whole[0].figure.names(whole[0].answers)[:COMPARED] if whole else [""]
    known = {
        name: [(o.levels, o.figure.read(o.answers, name)) for o in whole if name in o.figure.names(o.answers)]
        for name in compared
    }
    rows = []
    for factor, (first, *others) in factors.items():
        for level, name in product(others, compared):
            pairs = [a.common(b) for a, b in _matched(known[name], factor, first, level)]
            named = {"factor": factor, "level": level, "against": first, "figure": name}
            rows.append(named | _effect([pair for pair in pairs if len(pair[0].recordings)], draws))
    columns = ["factor", "level", "against", "figure", "pairs", "recordings", "difference", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def _matched(
    whole: list[tuple[dict, StudyFigure]], factor: str, first: str, level: str
) -> Iterator[tuple[StudyFigure, StudyFigure]]:
    """Pairs of cells that differ in the factor alone: (with its first level, with the other)."""
    alike: dict[tuple, dict[str, StudyFigure]] = {}
    for levels, known in whole:
        rest = tuple((name, each) for name, each in levels.items() if name != factor)
        alike.setdefault(rest, {})[levels[factor]] = known
    yield from ((cells[first], cells[level]) for cells in alike.values() if {first, level} <= set(cells))


def _effect(pairs: list[tuple[StudyFigure, StudyFigure]], draws: GroupDraws) -> dict:
    if not pairs:
        return {"pairs": 0, "recordings": 0}
    groups = np.unique(np.concatenate([a.groups for a, _ in pairs]))
    recordings = set().union(*(a.recordings for a, _ in pairs))
    drawn = draws.of(groups)
    gap = np.mean([b.value - a.value for a, b in pairs])
    ends = [np.mean([_over(b, drawn, groups, i) - _over(a, drawn, groups, 1 - i) for a, b in pairs], 0) for i in (0, 1)]
    found = {"pairs": len(pairs), "recordings": len(recordings), "difference": float(gap)}
    return found | {"low": float(np.quantile(ends[0], 0.025)), "high": float(np.quantile(ends[1], 0.975))}


def _over(one: StudyFigure, drawn: np.ndarray, groups: np.ndarray, end: int) -> np.ndarray:
    """A figure under every draw's weights of `groups`, (draws,)."""
    columns = np.concatenate([[0], 1 + np.searchsorted(groups, one.groups)])
    return one.under(drawn[:, columns], end)
