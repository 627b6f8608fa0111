"""Trials: pairs of utterances, of one speaker or of two, on which verification is judged.

A table of trials has columns a and b (ids of utterances) and same (boolean, or 1 and 0 beside a manifest).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from earmark.errors import EarmarkError
from earmark.tasks.speaker.trials import utterances

if TYPE_CHECKING:  # else a change of how networks are set would prepare anew
    from earmark.tasks.speaker.settings import SpeakerDataSettings

JUDGED = ("val", "test")  # the splits that have trials
MOST = 5000  # trials of each kind where no settings say how many

Say = Callable[[str], None]


def complete(
    table: pd.DataFrame, given: pd.DataFrame | None, data: "SpeakerDataSettings", say: Say
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A split manifest with its utterances as they are judged, and the trials `of_manifest`.

    given: the trials that the source brings, or None; they name utterances, so that none are joined where there are
    any. say: told what makes trials easy.
    """
    table = table if given is not None else utterances.join_recordings(table, data.utterance_s)
    return table, of_manifest(table, given, data.trials, data.seed, say)


def of_manifest(table: pd.DataFrame, given: pd.DataFrame | None, most: int, seed: int, say: Say) -> pd.DataFrame:
    """The trials of every judged split that has recordings: split, a, b (utterances), same (1 or 0).

    Of a split that `given` (`lists.usable`) names its own, of another at most `most` of each kind drawn with a seed.
    """
    everyone, found = utterances.utterances_of(table), []
    for split in (s for s in JUDGED if (table["split"] == s).any()):
        own = given is not None and (given["split"] == split).any()
        part = everyone[everyone["split"] == split]
        pairs = _both_kinds(given, split) if own else draw(part, split, most, seed, say)
        found.append(pairs[["a", "b"]].assign(split=split, same=pairs.same.astype(int)))
    return pd.concat(found, ignore_index=True)[["split", "a", "b", "same"]]


def draw(part: pd.DataFrame, split: str, most: int, seed: int, say: Say) -> pd.DataFrame:
    """As many same-speaker as different-speaker trials, at most `most` of each, drawn with a seed.

    Same-speaker trials are of different groups wherever a speaker has several, and spread evenly over the speakers;
    else they are of utterances of one group, which `say` is told. EarmarkError where there are none of either kind.
    part: the split's utterances, as `utterances_of` gives them.
    """
    rows = part.sort_values(["label", "group"], kind="stable").reset_index(drop=True)
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
    _refuse_empty(split, n_same, n_different)
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


def _refuse_empty(split: str, n_same: int, n_different: int) -> None:
    if not n_same:
        raise EarmarkError(
            f"No speaker of {split} has two utterances, so there are no same-speaker trials; give some speaker more "
            "recordings, or lower tasks.speaker.data.utterance_s, which joins them."
        )
    if not n_different:
        raise EarmarkError(
            f"The split {split} has only one speaker; give it at least two, or there are no different-speaker trials."
        )


def _both_kinds(given: pd.DataFrame, split: str) -> pd.DataFrame:
    """The given trials of a split, refused where they lack one of the two kinds."""
    own = given[given["split"] == split]
    for same, word in ((1, "same"), (0, "different")):
        if not (own.same == same).any():
            raise EarmarkError(
                f"The list of trials has no {word}-speaker trials (same is {same}) for {split}; add some."
            )
    return own


def places(everyone: pd.DataFrame, trials: pd.DataFrame) -> np.ndarray:
    """Where the two utterances of each trial stand among the utterances `everyone`: (trials, 2) int64."""
    at = pd.Series(np.arange(len(everyone)), index=everyone.id.to_numpy())
    return np.stack([at[trials.a].to_numpy(), at[trials.b].to_numpy()], axis=1)


def score(embeddings: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Cosine of each trial: (trials,) float64. embeddings: (utterances, d), L2-normalised; at: `places`."""
    e = embeddings.astype(np.float64)
    return np.einsum("td,td->t", e[at[:, 0]], e[at[:, 1]])
