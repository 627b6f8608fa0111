"""Answers of a speaker model whose embeddings are directions in a plane."""

import numpy as np
import pandas as pd

from earmark.tasks.speaker.trials.trial_set import Answers, TrialSet

LABELS = "aabbc"


def answers(degrees=(0, 10, 20, 100, 95), trials=None, labels: str = LABELS) -> Answers:
    """An utterance a direction, each of two recordings; all pairs are trials."""
    n = len(labels)
    utterances = pd.DataFrame(
        {
            "id": [f"u<{i}>" for i in range(n)],
            "label": list(labels),
            "group": [str(i) for i in range(n)],
            "duration_s": [1.0 + i for i in range(n)],
            "paths": [(f"{i}.wav", f"{i}b.wav") for i in range(n)],
        }
    )
    pairs = trials or [(i, j) for i in range(n) for j in range(i + 1, n)]
    listed = pd.DataFrame(
        [(f"u<{i}>", f"u<{j}>", labels[i] == labels[j]) for i, j in pairs], columns=["a", "b", "same"]
    )
    angle = np.radians(degrees)
    return Answers(TrialSet(utterances, listed), np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32))


def crowd(speakers: int, each: int) -> Answers:
    """Many utterances, a direction a speaker, with noise."""
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(speakers), each)
    labels = "".join(chr(97 + w) for w in who)
    return answers(360 * who / speakers + 20 * rng.standard_normal(len(who)), labels=labels)
