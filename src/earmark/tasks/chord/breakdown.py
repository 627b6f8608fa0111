"""Where chords go wrong: by quality, by length, which is taken for which, and which differ in name only."""

from itertools import pairwise

import numpy as np
import pandas as pd

from earmark.tasks.chord.notation import harte
from earmark.tasks.chord.notation.vocabulary import IGNORED, NARROW, Vocabulary
from earmark.tasks.chord.scores import OUTSIDE, ScoredPieces, comparisons

SHOWN = ("root", "majmin", "sevenths", "tetrads", "bass", "chord529_accuracy")
LENGTHS_S = (0.0, 0.5, 1.0, 2.0, 4.0, np.inf)  # edges of the classes of chord length


def by_quality(cut: ScoredPieces) -> pd.DataFrame:
    """WCSR by the truth's quality as written: a row each, the longest first, X left out; NaN where nothing counts."""
    written = np.array([harte.quality_of(t) for t, _ in cut.pairs])[cut.pair]
    table = _table(cut, written, sorted(set(written) - {"X"}), "quality")
    return table.sort_values("seconds", ascending=False, kind="stable", ignore_index=True)


def by_length(cut: ScoredPieces) -> pd.DataFrame:
    """WCSR by the length of the true chord, a row each class of LENGTHS_S, lower edge included; X left out."""
    names = [f"{low:g} to {high:g} s" for low, high in pairwise(LENGTHS_S[:-1])]
    names.append(f"{LENGTHS_S[-2]:g} s or more")
    place = np.searchsorted(LENGTHS_S, cut.chord_s + 1e-9, side="right") - 1  # 1e-9: differences of times round
    known = np.array([t != "X" for t, _ in cut.pairs])[cut.pair]
    return _table(cut, np.where(known, np.array(names)[place], "X"), names, "length")


def _table(cut: ScoredPieces, kind: np.ndarray, names: list[str], column: str) -> pd.DataFrame:
    """A row for each of `names`, from the pieces of that kind: seconds, and WCSR by the measures of SHOWN."""
    scores = {m: score[cut.pair] for m, score in comparisons(cut.pairs).items() if m in SHOWN}
    rows = []
    for name in names:
        there = kind == name
        found = {m: _wcsr(scores[m][there], cut.seconds[there]) for m in SHOWN}
        rows.append({column: name, "seconds": cut.seconds[there].sum()} | found)
    return pd.DataFrame(rows, columns=[column, "seconds", *SHOWN])


def _wcsr(score: np.ndarray, seconds: np.ndarray) -> float:
    counts = seconds * (score > OUTSIDE)
    return float((score * counts).sum() / counts.sum()) if counts.sum() > 0 else np.nan


def confusion_of_qualities(cut: ScoredPieces, vocabulary: Vocabulary = NARROW, same_root: bool = False) -> np.ndarray:
    """Seconds of each true quality (rows) under each estimated one, N last: (qualities + 1, qualities + 1).

    A chord outside of the vocabulary counts as its nearest class; an estimate of X as N. same_root: only where the
    root is right (N counts), which tells a wrong quality from a wrong chord.
    """
    true, estimated = _classes(cut, vocabulary)
    known = true != IGNORED
    if same_root:
        known &= _roots(true, vocabulary) == _roots(estimated, vocabulary)
    size = len(vocabulary.qualities) + 1
    return _confusion((true // 12)[known], (estimated // 12)[known], cut.seconds[known], size)


def confusion_of_roots(cut: ScoredPieces) -> np.ndarray:
    """Seconds of each true root (rows) under each estimated one, N last: (13, 13)."""
    true, estimated = _classes(cut, NARROW)
    known = true != IGNORED
    roots = (_roots(c[known], NARROW) for c in (true, estimated))
    return _confusion(*roots, cut.seconds[known], 13)


def _classes(cut: ScoredPieces, vocabulary: Vocabulary) -> tuple[np.ndarray, np.ndarray]:
    """True and estimated class of every piece, (n,) each."""
    classes = np.array([[harte.class_of(harte.parse(label), vocabulary) for label in pair] for pair in cut.pairs])
    true, estimated = classes[cut.pair].T
    return true, np.where(estimated == IGNORED, vocabulary.none, estimated)


def _roots(classes: np.ndarray, vocabulary: Vocabulary) -> np.ndarray:
    return np.where(classes == vocabulary.none, 12, classes % 12)


def _confusion(true: np.ndarray, estimated: np.ndarray, seconds: np.ndarray, size: int) -> np.ndarray:
    return np.bincount(true * size + estimated, seconds, size * size).reshape(size, size)


def normalized(confusion: np.ndarray) -> np.ndarray:
    """Rows as shares of the true class; NaN in rows that nothing supports, so that pictures leave them blank."""
    support = confusion.sum(1, keepdims=True)
    return np.divide(confusion, support, out=np.full_like(confusion, np.nan, dtype=float), where=support > 0)


def taken_for(cut: ScoredPieces, words: Vocabulary = NARROW) -> pd.DataFrame:
    """Which chord is taken for which, bass included, all true roots put on G, longest first.

    Columns truth and estimate in Harte's notation, the same as lead sheets write it (`G7sus4` taken for `F/G`, the
    example of ChordNet's text), seconds, and their share of the time that the true quality sounds. Truths of X and N
    are left out.
    """
    found: dict[tuple[str, str], float] = {}
    sounding: dict[str, float] = {}
    seconds = np.bincount(cut.pair, cut.seconds, len(cut.pairs))
    for (truth, estimate), lasting in zip(cut.pairs, seconds, strict=True):
        true = harte.parse(truth)
        if true.root < 0:
            continue
        sounding[harte.quality_of(truth)] = sounding.get(harte.quality_of(truth), 0.0) + lasting
        if true != harte.parse(estimate):
            pair = tuple(harte.spell_out(harte.transposed(label, 7 - true.root)) for label in (truth, estimate))
            found[pair] = found.get(pair, 0.0) + lasting
    rows = []
    for pair, lasting in sorted(found.items(), key=lambda item: -item[1]):
        sheet = [harte.lead_sheet(label, words) for label in pair]
        rows.append((*pair, *sheet, lasting, lasting / sounding[harte.quality_of(pair[0])]))
    return pd.DataFrame(rows, columns=["truth", "estimate", "truth_sheet", "estimate_sheet", "seconds", "share"])


def same_but_in_name(cut: ScoredPieces) -> pd.DataFrame:
    """Estimates with the notes and the bass of the truth under another label, all roots put on C, longest first.

    Columns truth, estimate, seconds: `C:maj6`, `A:min7/b3` and how long the one stood for the other.
    """
    found: dict[tuple[str, str], float] = {}
    seconds = np.bincount(cut.pair, cut.seconds, len(cut.pairs))
    for (truth, estimate), lasting in zip(cut.pairs, seconds, strict=True):
        true, named = harte.parse(truth), harte.parse(estimate)
        if true != named and true.root >= 0 and harte.same_notes(truth, estimate):
            onto_c = tuple(harte.transposed(label, -true.root) for label in (truth, estimate))
            found[onto_c] = found.get(onto_c, 0.0) + lasting
    rows = [(*pair, lasting) for pair, lasting in sorted(found.items(), key=lambda item: -item[1])]
    return pd.DataFrame(rows, columns=["truth", "estimate", "seconds"])
