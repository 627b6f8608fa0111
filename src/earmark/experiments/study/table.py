"""What a study found: one row a cell, and the main effect of every factor. Pure: frames in, frames out."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from earmark.evaluation import metrics, paired
from earmark.evaluation.settings import EvaluateSettings

COMPARED = 3  # so many figures are compared between cells, the headline first


@dataclass(frozen=True)
class Outcome:
    """A cell's finished trainings.

    results: one dict a training, as jobs.result gives them, with `seed` and `test` (names of folds).
    answers: one row a recording and training: recording, group, fold, seed, and for every figure right_<figure> and
        of_<figure>, whose sums over recordings make the figure; where a recording has one class, also label,
        predicted and p_<class>.
    refused: why the cell has no figures; empty where it has.
    """

    levels: dict[str, str]
    split: str
    results: list[dict]
    answers: pd.DataFrame
    refused: str = ""
    reference: dict | None = None


class Draws:
    """Random weights of groups, as in `evaluation.paired`, made once for each set of recordings."""

    def __init__(self, settings: EvaluateSettings):
        self.settings, self.made = settings, {}

    def of(self, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The weights of every recording, (draws, recordings), and of a group that nobody has seen, (draws,)."""
        key = tuple(groups)
        if key not in self.made:
            names, place = np.unique(groups, return_inverse=True)
            rng = np.random.default_rng(self.settings.seed)
            shares = rng.standard_exponential((self.settings.bootstrap, len(names) + 1))
            self.made[key] = shares[:, 1:][:, place], shares[:, 0]
        return self.made[key]

    def interval(self, right: np.ndarray, of: np.ndarray, groups: np.ndarray) -> list[float]:
        """95 % interval [low, high] of right.sum() / of.sum(), (recordings,) each; NaN where nothing counts."""
        if not of.sum() > 0:
            return [np.nan, np.nan]
        return paired.share_interval(right, of, groups, draws=self.settings.bootstrap, seed=self.settings.seed)


def names(answers: pd.DataFrame) -> list[str]:
    """The figures that answers hold."""
    return [c.removeprefix("right_") for c in answers if c.startswith("right_")]


def parts(answers: pd.DataFrame, name: str) -> pd.DataFrame:
    """Per recording, in order of its name: what was `right` and `of` how much, means over its trainings; `group`."""
    songs = answers.groupby("recording")
    return songs.agg(right=(f"right_{name}", "mean"), of=(f"of_{name}", "mean"), group=("group", "first"))


def rights(answers: pd.DataFrame) -> pd.DataFrame:
    """Per recording, in order of its name: `right`, the share of its trainings that knew its class, and `group`."""
    judged = answers.assign(right=(answers.predicted == answers.label).astype(float))
    return judged.groupby("recording").agg(right=("right", "mean"), group=("group", "first"))


def quotient(right: np.ndarray, of: np.ndarray) -> np.ndarray:
    """right / of, NaN where nothing counts."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(of > 0, right / of, np.nan)


def table(outcomes: list[Outcome], draws: Draws) -> pd.DataFrame:
    """One row a cell, in the study's order; figures are missing where a cell was refused."""
    return pd.DataFrame([row(outcome, draws) for outcome in outcomes])


def row(outcome: Outcome, draws: Draws) -> dict:
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
        found |= _judged(outcome.answers, draws) | _trained(outcome.results) | _drawn(outcome.results)
    source = outcome.reference or {}
    found |= {f"reference_{k}": source[k] for k in ("test", "val", "epochs_to_60", "note") if k in source}
    return found | {"refused": outcome.refused}


def _judged(answers: pd.DataFrame, draws: Draws) -> dict:
    headline, *others = names(answers)
    found = {"folds": int(answers.fold.nunique()), "seeds": int(answers.seed.nunique())}
    found |= dict(zip((headline, "low", "high"), _figure(answers, headline, draws), strict=True))
    by_fold = answers.groupby("fold")[[f"right_{headline}", f"of_{headline}"]].sum()
    found["sd_folds"] = float((by_fold.iloc[:, 0] / by_fold.iloc[:, 1]).std(ddof=1))
    for name in others:
        columns = (name, f"{name}_low", f"{name}_high")
        found |= dict(zip(columns, _figure(answers, name, draws), strict=True))
    if "predicted" in answers:
        by_seed = [figures(one) for _, one in answers.groupby("seed")]
        found |= {name: float(np.mean([f[name] for f in by_seed])) for name in ("macro_f1", "ece")}
    return found


def _figure(answers: pd.DataFrame, name: str, draws: Draws) -> tuple[float, float, float]:
    """A figure and its interval."""
    songs = parts(answers, name)
    right, of, group = (songs[c].to_numpy() for c in ("right", "of", "group"))
    return float(quotient(right.sum(), of.sum())), *draws.interval(right, of, group)


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


def effects(outcomes: list[Outcome], factors: dict[str, list[str]], draws: Draws) -> pd.DataFrame:
    """The main effect of each factor on the first COMPARED figures: every level against the factor's first.

    The difference is taken between cells that agree in all other factors, over the recordings that both judged, and
    averaged over those pairs of cells; the interval is over groups, with the same weights on both sides.
    A pair with a refused cell is left out.
    """
    whole = [o for o in outcomes if not o.refused]
    compared = names(whole[0].answers)[:COMPARED] if whole else [""]
    known = {name: [(o.levels, parts(o.answers, name)) for o in whole] for name in compared}
    rows = []
    for factor, (first, *others) in factors.items():
        for level, name in product(others, compared):
            pairs = list(_matched(known[name], factor, first, level))
            named = {"factor": factor, "level": level, "against": first, "figure": name}
            rows.append(named | _effect(pairs, draws))
    columns = ["factor", "level", "against", "figure", "pairs", "recordings", "difference", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def _matched(whole: list[tuple[dict, pd.DataFrame]], factor: str, first: str, level: str):
    """Pairs of cells that differ in the factor alone: (with its first level, with the other)."""
    alike: dict[tuple, dict[str, pd.DataFrame]] = {}
    for levels, known in whole:
        rest = tuple((name, each) for name, each in levels.items() if name != factor)
        alike.setdefault(rest, {})[levels[factor]] = known
    yield from ((cells[first], cells[level]) for cells in alike.values() if {first, level} <= set(cells))


def _effect(pairs: list[tuple[pd.DataFrame, pd.DataFrame]], draws: Draws) -> dict:
    both = [(a.loc[a.index.intersection(b.index)], b.loc[a.index.intersection(b.index)]) for a, b in pairs]
    both = [pair for pair in both if len(pair[0])]
    if not both:
        return {"pairs": 0, "recordings": 0}
    group = pd.concat([a.group for a, _ in both])
    group = group[~group.index.duplicated()].sort_index()
    drawn = draws.of(group.to_numpy())
    gap = np.mean([_figure_of(b) - _figure_of(a) for a, b in both])
    ends = [np.mean([_over(b, drawn, group, i) - _over(a, drawn, group, 1 - i) for a, b in both], 0) for i in (0, 1)]
    found = {"pairs": len(both), "recordings": len(group), "difference": float(gap)}
    return found | {"low": float(np.quantile(ends[0], 0.025)), "high": float(np.quantile(ends[1], 0.975))}


def _figure_of(songs: pd.DataFrame) -> float:
    return float(quotient(songs.right.sum(), songs.of.sum()))


def _over(songs: pd.DataFrame, drawn: tuple[np.ndarray, np.ndarray], group: pd.Series, end: int) -> np.ndarray:
    """A figure under every draw's weights, (draws,), in the unseen group of which all is right (1) or nothing (0).

    drawn: as `Draws.of` gives it, of the recordings of `group`.
    """
    right, of = (songs[side].reindex(group.index).fillna(0).to_numpy() for side in ("right", "of"))
    sizes = pd.Series(of).groupby(group.to_numpy()).sum()
    weights, unseen = drawn
    extra = unseen * quotient((sizes**2).sum(), sizes.sum())
    return quotient(weights @ right + end * extra, weights @ of + extra)
