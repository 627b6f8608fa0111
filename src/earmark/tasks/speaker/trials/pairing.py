"""Trials: pairs of utterances, of one speaker or of two, on which verification is judged.

A table of trials has columns a and b (ids of utterances) and same (boolean).
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from earmark.errors import EarmarkError

REQUIRED = ("split", "a", "b", "same")


def of(
    utterances: pd.DataFrame,
    split: str,
    most: int,
    seed: int,
    given: pd.DataFrame | None = None,
    say: Callable[[str], None] = lambda sentence: None,
) -> pd.DataFrame:
    """The trials of a split: those of a trial list that names it, else drawn.

    utterances: all of them, as `utterances.of` gives them. given: trials.csv as strings, index the line.
    say: told in a sentence where same-speaker trials stay inside of one session.
    """
    part = utterances[utterances["split"] == split].reset_index(drop=True)
    if given is not None and (given["split"] == split).any():
        return _checked(given[given["split"] == split], part, split)
    return draw(part, split, most, seed, say)


def draw(
    utterances: pd.DataFrame, split: str, most: int, seed: int, say: Callable[[str], None] = lambda sentence: None
) -> pd.DataFrame:
    """As many same-speaker as different-speaker trials, at most `most` of each, drawn with a seed.

    Same-speaker trials are of different groups wherever a speaker has several, and spread evenly over the speakers;
    else they are of utterances of one group. EarmarkError where there are none of either kind.
    """
    rows = utterances.sort_values(["label", "group"], kind="stable").reset_index(drop=True)
    n, place = len(rows), np.arange(len(rows))
    after_speaker = _ends(rows.label)
    after_group = _ends(rows.label + "\0" + rows.group)
    if (after_group == after_speaker).all():
        after_group = place + 1
        if (after_speaker > after_group).any():
            say(
                f"No speaker of {split} has recordings of several groups: its same-speaker trials pair utterances of "
                "one session and are easier than real use."
            )
    per_speaker = pd.Series(after_speaker - after_group).groupby(rows.label, sort=False)
    counts, sizes = per_speaker.sum(), per_speaker.size()
    n_same, n_different = int(counts.sum()), int((n - after_speaker).sum())
    _refuse_empty(split, n, n_same, n_different)
    take = min(most, n_same, n_different)
    rng = np.random.default_rng(seed)
    pairs, start = [], 0
    for wanted, stop in zip(fair(counts, take), sizes.cumsum(), strict=True):
        first, second = _pairs(after_group[start:stop], after_speaker[start:stop], wanted, rng)
        pairs.append(np.stack([first + start, second]))
        start = stop
    pairs.append(_pairs(after_speaker, np.full(n, n), take, rng))
    a, b = rows.id.to_numpy()[np.concatenate(pairs, axis=1)]
    return pd.DataFrame({"a": a, "b": b, "same": np.arange(2 * take) < take})


def _ends(keys: pd.Series) -> np.ndarray:
    """For each row of sorted keys, where the run of its key ends: (rows,)."""
    change = np.flatnonzero(np.append(keys.to_numpy()[1:] != keys.to_numpy()[:-1], True)) + 1
    return change[np.searchsorted(change, np.arange(len(keys)), side="right")]


def fair(counts: pd.Series, n: int) -> pd.Series:
    """Shares of `n` among those who have `counts`, as even as they allow; n is at most the sum of counts."""
    shares = counts * 0
    order = counts.sort_values(kind="stable").index
    for i, name in enumerate(order):  # who has least is served first, the rest share what is left
        shares[name] = min(int(counts[name]), (n - int(shares.sum())) // (len(order) - i))
    return shares


def _pairs(first: np.ndarray, stop: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """`n` of the pairs (i, j) with first[i] <= j < stop[i], none twice: (2, n). Nothing but their numbers is listed."""
    ends = np.cumsum(stop - first)
    chosen = np.sort(rng.choice(int(ends[-1]), n, replace=False, shuffle=False))
    i = np.searchsorted(ends, chosen, side="right")
    return np.stack([i, stop[i] - (ends[i] - chosen)])


def _refuse_empty(split: str, n: int, n_same: int, n_different: int) -> None:
    if not n:
        raise EarmarkError(f"No recording is in the split '{split}', which speakers are judged on; give it some.")
    if not n_same:
        raise EarmarkError(
            f"No speaker of {split} has two utterances, so there are no same-speaker trials; give some speaker more "
            "recordings, or lower evaluate.utterance_s, which joins them."
        )
    if not n_different:
        raise EarmarkError(f"The split {split} has one speaker alone; give it at least two, or nobody can be mistaken.")


def _checked(given: pd.DataFrame, part: pd.DataFrame, split: str) -> pd.DataFrame:
    """A given list, refused where it names what is not there or lacks one of the two kinds."""
    known = set(part.id)
    for column in ("a", "b"):
        unknown = given[~given[column].isin(known)]
        if len(unknown):
            raise EarmarkError(
                f"trials.csv, line {unknown.index[0]}: {split} has no utterance '{unknown[column].iloc[0]}'; "
                "correct the list, or add the recording to the manifest."
            )
    wrong = given[~given.same.astype(str).isin(["0", "1"])]
    if len(wrong):
        raise EarmarkError(f"trials.csv, line {wrong.index[0]}: 'same' is '{wrong.same.iloc[0]}'; write 1 or 0.")
    same = given.same.astype(str) == "1"
    for there, word, sign in ((same.any(), "same", 1), ((~same).any(), "different", 0)):
        if not there:
            raise EarmarkError(f"trials.csv has no trials of {word} speakers ({sign}) for {split}; add some.")
    return given[["a", "b"]].assign(same=same).reset_index(drop=True)


def places(utterances: pd.DataFrame, trials: pd.DataFrame) -> np.ndarray:
    """Where the two utterances of each trial stand among `utterances`: (trials, 2) int64."""
    at = pd.Series(np.arange(len(utterances)), index=utterances.id.to_numpy())
    return np.stack([at[trials.a].to_numpy(), at[trials.b].to_numpy()], axis=1)


def score(embeddings: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Cosine of each trial: (trials,) float64. embeddings: (utterances, d), L2-normalised; at: `places`."""
    e = embeddings.astype(np.float64)
    return np.einsum("td,td->t", e[at[:, 0]], e[at[:, 1]])
