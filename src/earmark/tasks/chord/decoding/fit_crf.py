"""The CRF of a trained network: transitions counted in the training songs, its trust in the network chosen."""

import numpy as np
import torch
from torch import nn
from torch.nn.functional import log_softmax

from earmark.tasks.chord.decoding.crf import TiedCrf
from earmark.tasks.chord.networks.build import said
from earmark.tasks.chord.notation.vocabulary import IGNORED
from earmark.tasks.chord.songs import Songs

JUDGED = 12  # held-out songs, spread evenly, on which one number is chosen
# How much of a frame's word to believe. The likelihood of the truth would ask for far less (.02 with a small ChordNet):
# where the quality is a guess it gives up the changes, too, and hears a chord or two in a song.
SHARPNESS = (0.2, 0.3, 0.45, 0.7, 1.0, 1.5, 2.2, 3.3)


@torch.no_grad()
def fit(model: nn.Module, songs: Songs, train: np.ndarray, held_out: np.ndarray) -> TiedCrf:
    """train, held_out: (n,) places in `songs`; the second are songs that the network was not trained on.

    `sharpness` is the one whose decoded path has most frames of the held-out songs right, class and root each half.
    """
    crf = TiedCrf(songs.none // 12)
    crf.fit_counts([_of(songs.chord, songs, i) for i in train])
    places = held_out[np.unique(np.linspace(0, len(held_out) - 1, JUDGED).round().astype(int))]
    heard = [_heard(model, songs, i) for i in places]
    right = {}
    for sharpness in SHARPNESS:
        crf.sharpness.fill_(sharpness)
        decode = crf.decoder()
        right[sharpness] = sum(score(decode(log_probs), truth, songs.none) for log_probs, truth in heard)
    crf.sharpness.fill_(max(right, key=right.get))
    return crf.requires_grad_(False)


def score(path: np.ndarray, truth: np.ndarray, none: int) -> float:
    """Frames (n,) whose class is right, and those whose root is, half each; IGNORED counts nowhere."""
    path, truth = path[truth != IGNORED], truth[truth != IGNORED]
    roots = [np.where(c == none, 12, c % 12) for c in (path, truth)]
    return float((path == truth).sum() + (roots[0] == roots[1]).sum()) / 2


def _heard(model: nn.Module, songs: Songs, i: int) -> tuple[np.ndarray, np.ndarray]:
    """What the network says of a song, log-probabilities (frames, classes), and its classes (frames,)."""
    model.eval()
    values = torch.from_numpy(np.ascontiguousarray(_of(songs.values, songs, i)))
    return log_softmax(said(model, values, songs.channels).chord, 1).numpy(), _of(songs.chord, songs, i)


def _of(array: np.ndarray, songs: Songs, i: int) -> np.ndarray:
    first = songs.offsets[i]
    return array[first : first + songs.lengths[i]]
