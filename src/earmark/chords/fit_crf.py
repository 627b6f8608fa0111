"""The CRF of a trained network: transitions counted in the training songs, its trust in the network fitted."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax, pad

from earmark.chords.crf import TiedCrf
from earmark.chords.network import said
from earmark.chords.songs import Songs
from earmark.chords.spectrogram import EXTRA
from earmark.chords.vocabulary import IGNORED

PIECE = 256  # frames that are judged as one chain
PIECES = 64  # of the validation songs, spread evenly; one number is fitted on them
STEPS, RATE = 30, 0.15
PRIOR = 1.0


def fit(model: nn.Module, songs: Songs, train: np.ndarray, held_out: np.ndarray) -> TiedCrf:
    """train, held_out: (n,) places in `songs`; the second are songs that the network was not trained on.

    Only `sharpness` is fitted, by the likelihood of the held-out songs' chords: a network is surer of its frames than
    neighbouring frames, which say the same thing twice, allow.
    """
    crf = TiedCrf(songs.none // 12)
    crf.fit_counts([_of(songs.chord, songs, i) for i in train], PRIOR)
    log_probs, classes, lengths = _pieces(model, songs, held_out)
    for parameter in crf.parameters():
        parameter.requires_grad_(parameter is crf.sharpness)
    optimizer = torch.optim.Adam([crf.sharpness], RATE)
    for _ in range(STEPS):
        optimizer.zero_grad()
        (-crf.log_likelihood(log_probs, classes, lengths).sum() / lengths.sum()).backward()
        optimizer.step()
        crf.sharpness.data.clamp_(0.01, 2.0)
    return crf.requires_grad_(True)


def _pieces(model: nn.Module, songs: Songs, places: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
    """log_probs (n, PIECE, classes), classes (n, PIECE) and lengths (n,) of pieces of the songs, in their order."""
    model.eval()
    channels = songs.values.shape[1] // (songs.n_bins + EXTRA)
    found = []
    for i in places:
        values = torch.from_numpy(np.ascontiguousarray(_of(songs.values, songs, i)))
        log_probs = log_softmax(said(model, values, channels).chord, 1)
        classes = torch.from_numpy(_of(songs.chord, songs, i))
        found += zip(log_probs.split(PIECE), classes.split(PIECE), strict=True)
    found = [found[j] for j in np.unique(np.linspace(0, len(found) - 1, PIECES).round().astype(int))]
    lengths = torch.tensor([len(classes) for _, classes in found])
    log_probs = torch.stack([pad(p, (0, 0, 0, PIECE - len(p))) for p, _ in found])
    return log_probs, torch.stack([pad(c, (0, PIECE - len(c)), value=IGNORED) for _, c in found]), lengths


def _of(array: np.ndarray, songs: Songs, i: int) -> np.ndarray:
    first = songs.offsets[i]
    return array[first : first + songs.lengths[i]]
