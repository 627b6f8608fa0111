"""Who is it of those who are enrolled? Closed-set identification of utterances, answered as `predict --enroll` does.

Each speaker is enrolled with the first half of the sessions, by name, or of the utterances where there is one session;
the others are queries. Who has a single utterance is enrolled with it, and nobody asks for them.
"""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from earmark.tasks.speaker.trials.trial_set import Answers


def voiceprint(embeddings: np.ndarray) -> np.ndarray:
    """A speaker (d,) from embeddings (n, d) of recordings: the mean, L2-normalised."""
    mean = embeddings.mean(0)
    return mean / max(float(np.linalg.norm(mean)), 1e-12)


def later(groups: np.ndarray) -> np.ndarray:
    """Which of a speaker's utterances, of sessions `groups` (n,), lie in the second half: (n,) booleans; of one none.

    Of an odd number the middle is in the first.
    """
    _, order = np.unique(groups, return_inverse=True)
    place = order if order.any() else np.arange(len(order))
    return place >= (place.max() + 1) / 2


def identify(test: "Answers") -> pd.DataFrame:
    """One row a query: at (its place among the utterances), id, label, taken_for (who is nearest by cosine)."""
    utterances, who = test.trials.utterances, test.trials.speakers
    names, groups = np.unique(utterances.label), utterances.group.to_numpy()
    asked = np.zeros(len(who), bool)
    for speaker in range(len(names)):
        own = who == speaker
        asked[own] = later(groups[own])
    known = np.stack([voiceprint(test.embeddings[(who == speaker) & ~asked]) for speaker in range(len(names))])
    nearest = (test.embeddings[asked] @ known.T).argmax(1)
    found = utterances.loc[asked, ["id", "label"]].assign(taken_for=names[nearest])
    found.insert(0, "at", np.flatnonzero(asked))
    return found.reset_index(drop=True)


def confusion(queries: pd.DataFrame) -> pd.DataFrame:
    """Who is taken for whom, a row a pair that occurs: speaker, taken_for, n, queries (the speaker's), share."""
    counts = queries.groupby(["label", "taken_for"]).size().rename("n").reset_index()
    asked = counts.groupby("label").n.transform("sum")
    found = counts.assign(queries=asked, share=counts.n / asked).rename(columns={"label": "speaker"})
    return found.sort_values(["speaker", "n", "taken_for"], ascending=[True, False, True], ignore_index=True)
