"""The listening report of a speaker evaluation: trials to hear for oneself, who is taken for whom, who sounds alike."""

from collections.abc import Iterable, Mapping
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from earmark.audio import Root
from earmark.evaluation.listening import page
from earmark.evaluation.listening.clips import Clips
from earmark.tasks.speaker import report
from earmark.tasks.speaker.trials import enrolment
from earmark.tasks.speaker.trials.trial_set import Answers

TRIALS = 500  # mistakes of each kind that are listed
A_PAIR = 2  # of them, trials of the same two speakers (or of one) that come first
RIGHT = 200  # right trials listed: half of them the least certain, half drawn
HEARD_S = 6.0  # of each utterance
BINS = 40
NEAREST = 5
FIGURES = ("eer", "baseline_mfcc_eer", "baseline_lda_eer", "min_dcf")
SAID = {True: "same", False: "different"}


def listening(
    path: Path,
    test: Answers,
    threshold: float,
    root: Root,
    found: Mapping[str, Any],
    queries: pd.DataFrame,
    drawn: report.Map,
) -> None:
    """Write the page. found: the evaluation's figures. queries: as `enrolment.identify` gives them.

    root: the folder below which the utterances' paths are files. drawn: the map's utterances, which stand first.
    """
    trials = listed(test, threshold)
    nearest = [_nearest_of(test, query) for query in queries.itertuples()]
    heard = [*chain.from_iterable(test.trials.at[trials]), *chain.from_iterable(nearest)]
    order = list(dict.fromkeys([*map(int, drawn.shown), *map(int, heard)]))
    place, clips = {at: i for i, at in enumerate(order)}, Clips("mel")
    for at in heard:
        _clip(test, int(at), root, clips)
    counts = report.most_confused(enrolment.confusion(queries), report.CONFUSED)
    rows = [_trial(test, t, threshold, place) for t in trials]
    rows += [_query(test, q, pair, counts, place) for q, pair in zip(queries.itertuples(), nearest, strict=True)]
    page.write(
        path,
        page.ListeningReport(
            task="speaker",
            title="Whom the model mistook: speakers",
            intro=_intro(test, threshold, trials, clips),
            figures=page.figures(found, FIGURES),
            kinds={"trial": "trials", "query": "queries: which of those enrolled is it?"},
            recordings=[_recording(test, at, clips.places.get(at)) for at in order],
            rows=rows,
            clips=clips.made,
            matrix=_matrix(counts),
            pairs=_scale(test, threshold),
            map=_map(test, order, drawn),
            labels=sorted(set(test.trials.utterances.label)),
            score="cosine",
        ),
    )


def listed(test: Answers, threshold: float) -> list[int]:
    """Trials: mistakes of both kinds in turn, the worst first, then the least certain right ones, then some by chance.

    Of the mistakes those come first in which no two speakers (or one) stand more than `A_PAIR` times.
    """
    taken_for_one = ~test.trials.same & (test.score >= threshold)
    taken_for_two = test.trials.same & (test.score < threshold)
    both = worst(test, taken_for_one, -test.score), worst(test, taken_for_two, test.score)
    mistakes = [trial for pair in zip_longest(*both) for trial in pair if trial is not None]
    right = np.flatnonzero(~taken_for_one & ~taken_for_two)
    right = right[np.argsort(np.abs(test.score[right] - threshold), kind="stable")]
    unsure, rest = right[: RIGHT // 2], right[RIGHT // 2 :]
    drawn = np.random.default_rng(0).permutation(rest)[: RIGHT // 2]
    return [*mistakes, *map(int, unsure), *map(int, drawn)]


def worst(test: Answers, wrong: np.ndarray, order: np.ndarray) -> list[int]:
    """The wrong trials by `order` (both (trials,)), lowest first; no two speakers more than `A_PAIR` times, until there
    are no others."""
    pairs = np.sort(test.trials.speakers[test.trials.at], axis=1)
    seen: dict[tuple, int] = {}
    first: list[int] = []
    later: list[int] = []
    for trial in np.lexsort((np.arange(len(order)), order)):
        if wrong[trial]:
            pair = tuple(pairs[trial])
            seen[pair] = seen.get(pair, 0) + 1
            (first if seen[pair] <= A_PAIR else later).append(int(trial))
    return (first + later)[:TRIALS]


def _nearest_of(test: Answers, query: Any) -> tuple[int, int]:
    """A query, and the utterance of whom it was taken for that is most like it."""
    names = test.trials.utterances.label.to_numpy()
    others = np.flatnonzero(names == query.taken_for)
    others = others[others != query.at]
    if not len(others):  # of one with a single utterance, which is the query itself
        return int(query.at), int(query.at)
    return int(query.at), int(others[(test.embeddings[others] @ test.embeddings[query.at]).argmax()])


def _clip(test: Answers, at: int, root: Root, clips: Clips) -> None:
    paths = test.trials.utterances.paths.iloc[at]
    clips.place(at, [root / name for name in paths], 0.0, HEARD_S)


def _recording(test: Answers, at: int, clip: int | None) -> page.ReportRecording:
    of = test.trials.utterances.iloc[at]
    return page.ReportRecording(of.id, list(of.paths), of.label, round(float(of.duration_s), 3), clip)


def _trial(test: Answers, trial: int, threshold: float, place: Mapping[int, int]) -> page.ReportRow:
    same, score = bool(test.trials.same[trial]), round(float(test.score[trial]), 4)
    accepted = bool(test.score[trial] >= threshold)
    of, sure = [place[int(at)] for at in test.trials.at[trial]], round(abs(score - threshold), 4)
    doubt = round(max(0.0, threshold - score), 4) if same else 0.0
    return page.ReportRow(of, "trial", SAID[same], SAID[accepted], same == accepted, score, sure, doubt)


def _query(
    test: Answers, query: Any, pair: tuple[int, int], counts: pd.DataFrame, place: Mapping[int, int]
) -> page.ReportRow:
    own, other = (_best(test, query.at, label) for label in (True, False))
    row = counts.index.get_indexer([query.label])[0]
    column = counts.columns.get_indexer([query.taken_for])[0]
    column = column if column >= 0 else counts.columns.get_indexer([report.OTHERS])[0]
    cell = (int(row), int(column)) if row >= 0 and column >= 0 else None
    score = round(float(test.embeddings[pair[0]] @ test.embeddings[pair[1]]), 4)
    of = [place[pair[0]], place[pair[1]]] if pair[0] != pair[1] else [place[pair[0]]]
    right, doubt = bool(query.label == query.taken_for), round(other - own, 4)
    return page.ReportRow(of, "query", query.label, query.taken_for, right, score, abs(doubt), doubt, cell)


def _best(test: Answers, at: int, own: bool) -> float:
    """The cosine of an utterance and the nearest other one of its own speaker, or of another."""
    names = test.trials.utterances.label.to_numpy()
    there = np.flatnonzero((names == names[at]) == own)
    there = there[there != at]
    return float((test.embeddings[there] @ test.embeddings[at]).max()) if len(there) else -1.0


def _matrix(counts: pd.DataFrame) -> dict[str, Any]:
    shape = {"rows": list(counts.index), "columns": list(counts.columns), "values": counts.to_numpy().tolist()}
    return {"title": "Who is taken for whom"} | shape | {"unit": "queries"}


def _scale(test: Answers, threshold: float) -> dict[str, Any]:
    """Scores of all trials as two histograms, shares of their kind, on one axis with the threshold."""
    low, high = min(float(test.score.min()), threshold), max(float(test.score.max()), threshold)
    edges = np.linspace(low - 1e-6, high + 1e-6, BINS + 1)
    shares = [np.histogram(test.score[of], edges)[0] / max(of.sum(), 1) for of in (test.trials.same, ~test.trials.same)]
    same, different = (share.round(4).tolist() for share in shares)
    return {"threshold": threshold, "edges": edges.round(5).tolist(), "same": same, "different": different}


def _map(test: Answers, order: list[int], drawn: report.Map) -> dict[str, Any]:
    """Where the first recordings stand, and the nearest ones of all, among those in the page."""
    embeddings, neighbours = test.embeddings[order], []
    for i, one in enumerate(embeddings):
        scores = embeddings @ one
        scores[i] = -2.0
        nearest = np.argsort(-scores, kind="stable")[: min(NEAREST, len(order) - 1)]
        neighbours.append([[int(j), round(float(scores[j]), 4)] for j in nearest])
    x, y = drawn.places.astype(float).round(3).T.tolist()
    return {"x": x, "y": y, "neighbours": neighbours}


def _intro(test: Answers, threshold: float, trials: Iterable[int], clips: Clips) -> list[str]:
    different, same = int((~test.trials.same).sum()), int(test.trials.same.sum())
    accepted = int((~test.trials.same & (test.score >= threshold)).sum())
    missed = int((test.trials.same & (test.score < threshold)).sum())
    return [
        f"At a score (cosine) of {threshold:.3f} and above two utterances are taken for one speaker's; this threshold "
        "was chosen on the validation speakers.",
        (
            f"Different speakers were mistaken for one in {accepted} of {different} trials, one speaker for two in "
            f"{missed} of {same}."
        ),
        (
            f"{len(list(trials))} trials are listed: up to {TRIALS} mistakes of each kind, the worst first and at "
            f"most {A_PAIR} of the same speakers while there are others, then the least certain right ones and some "
            "at random."
        ),
        f"{len(clips.made)} utterances can be played here, up to {HEARD_S:g} s of each; levels are evened out.",
    ]
