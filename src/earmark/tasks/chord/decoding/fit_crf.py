"""The CRF of a network: transitions counted in the training songs or learnt, its trust in the network chosen."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, log_softmax

from earmark.tasks.chord.decoding.crf import LARGEST_ODDS, TiedCrf
from earmark.tasks.chord.networks.build import recording_logits
from earmark.tasks.chord.networks.pitch_net import ChordLogits
from earmark.tasks.chord.notation.vocabulary import IGNORED
from earmark.tasks.chord.songs import Songs

JUDGED = 12  # held-out songs, spread evenly, on which the trust in the network is chosen
# How much of a frame's word to believe. The likelihood of the truth would ask for far less (.02 with a small ChordNet):
# where the quality is a guess it gives up the changes, too, and hears a chord or two in a song.
SHARPNESS = (0.2, 0.3, 0.45, 0.7, 1.0, 1.5, 2.2, 3.3)
BELIEF = (0.0, 0.5, 2.0)  # times the weight of its word on changes that it is worth by itself
STEPS, RATE = 150, 0.03  # of learning transitions by the likelihood, of Adam


class LabelledFrames(NamedTuple):
    """What a network says of a song, and what is true.

    log_probs: (frames, classes); change: (frames,) log-odds; classes: (frames,) int64; changes: (frames,) 0 or 1.
    """

    log_probs: np.ndarray
    change: np.ndarray
    classes: np.ndarray
    changes: np.ndarray


def count_transitions(songs: Songs, train: np.ndarray, believed: float = 0.0) -> TiedCrf:
    """Transitions as often as in training songs, (n,) places in `songs`.

    believed: how much the network's log-odds of a change count above the usual ones, which the counts hold already.
    """
    crf = TiedCrf(songs.none // 12)
    crf.fit_counts([rows_of_song(songs.chord, songs, i) for i in train])
    usual = log_odds(np.concatenate([rows_of_song(songs.change, songs, i) for i in train]).mean())
    crf.switch.data = torch.tensor([believed, usual], dtype=torch.float32)
    return crf


def log_odds(share: float) -> float:
    """log(share / (1 - share)), of shares away from 0 and 1."""
    share = min(max(float(share), 1e-6), 1 - 1e-6)
    return float(np.log(share / (1 - share)))


def calibrate_changes(crf: TiedCrf, held_out: list[LabelledFrames]) -> TiedCrf:
    """The same CRF, to which a frame's word on changes is worth what it says of changes in held-out songs.

    A logistic regression of changes on log-odds x (Platt 1999) makes them w x + c; less the usual log-odds, which the
    transitions hold, that is the logarithm of the likelihood ratio, w (x - b). At least 0: a head that hears changes
    where there are none is not believed.
    """
    x, y = (
        torch.from_numpy(np.concatenate(v)).double()
        for v in zip(*((h.change, h.changes) for h in held_out), strict=True)
    )
    line = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([line], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        found = binary_cross_entropy_with_logits(line[0] * x + line[1], y)
        found.backward()
        return found

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    slope, offset = line.tolist()
    usual = (log_odds(y.mean().item()) - offset) / slope if slope > 0 else 0.0
    crf.switch.data = torch.tensor([max(slope, 0.0), usual], dtype=torch.float32)
    return crf


def train_crf(crf: TiedCrf, batches: Iterable[tuple[ChordLogits, Tensor, Tensor]]) -> TiedCrf:
    """The same CRF after `STEPS` steps up the likelihood of the chords under what a network says.

    batches: what is said, classes (n, frames) and lengths (n,) of crops, without end.
    """
    optimizer = torch.optim.Adam(crf.parameters(), RATE)
    for _, (heard, classes, lengths) in zip(range(STEPS), batches, strict=False):
        loss = loss_of(crf, heard, classes, lengths)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return crf


def loss_of(crf: TiedCrf, heard: ChordLogits, classes: Tensor, lengths: Tensor) -> Tensor:
    """Minus the log-likelihood of classes (n, frames) under what a network says of crops, a frame of them: scalar."""
    found = crf.log_likelihood(log_softmax(heard.chord.float(), 2), classes, lengths, heard.change)
    return -found.sum() / (classes != IGNORED).sum().clamp_min(1)


@torch.no_grad()
def tune_trust(crf: TiedCrf, held_out: list[LabelledFrames]) -> TiedCrf:
    """The same CRF with the sharpness, and then the weight of changes, whose decoded paths are best by `score`."""
    own, weight = crf.sharpness.item(), crf.switch[0].item()
    crf.sharpness.fill_(max((own, *SHARPNESS), key=lambda s: _with(crf, held_out, s, weight)))
    by_weight = {w: _with(crf, held_out, crf.sharpness.item(), w) for w in (weight, *(weight * b for b in BELIEF))}
    crf.switch[0] = max(by_weight, key=by_weight.__getitem__)
    return crf.requires_grad_(False)


def _with(crf: TiedCrf, held_out: list[LabelledFrames], sharpness: float, weight: float) -> float:
    crf.sharpness.fill_(sharpness)
    crf.switch[0] = weight
    decode = crf.decoder()
    return sum(score(decode(h.log_probs, h.change), h.classes, crf.n_classes - 1) for h in held_out)


def score(path: np.ndarray, truth: np.ndarray, none: int) -> float:
    """Frames (n,) whose class is right, and whose root is, and those that the segmentation has right, a third each.

    IGNORED counts nowhere but in the segmentation.
    """
    known = truth != IGNORED
    roots = [np.where(c == none, 12, c % 12)[known] for c in (path, truth)]
    right = (path == truth)[known].sum() + (roots[0] == roots[1]).sum()
    return float(right + len(truth) * segmentation(path, truth)) / 3


def segmentation(path: np.ndarray, truth: np.ndarray) -> float:
    """The smaller of over- and under-segmentation, 1 being right (Harte 2010; mir_eval's `seg`), of classes (n,)."""
    runs = [np.cumsum(np.diff(c, prepend=c[0]) != 0) for c in (path, truth)]
    pairs, shared = np.unique(np.stack(runs), axis=1, return_counts=True)
    longest = [np.zeros(len(truth), np.int64) for _ in runs]
    for most, run in zip(longest, pairs, strict=True):
        np.maximum.at(most, run, shared)
    return float(min(most.sum() for most in longest) / len(truth))


def spread(places: np.ndarray) -> np.ndarray:
    """At most JUDGED of some places, evenly."""
    return places[np.unique(np.linspace(0, len(places) - 1, JUDGED).round().astype(int))]


def labelled_frames(model: nn.Module, songs: Songs, i: int, log_weights: np.ndarray | float = 0.0) -> LabelledFrames:
    """What the network says of a song; log_weights (classes,) are added to its chords before they are normalised."""
    model.eval()
    values = torch.from_numpy(np.ascontiguousarray(rows_of_song(songs.values, songs, i)))
    found = recording_logits(model, values, songs.channels)
    log_probs = log_softmax(found.chord + torch.as_tensor(log_weights), 1).numpy()
    change = found.change.clamp(-LARGEST_ODDS, LARGEST_ODDS).numpy()
    return LabelledFrames(log_probs, change, rows_of_song(songs.chord, songs, i), rows_of_song(songs.change, songs, i))


def rows_of_song(array: np.ndarray, songs: Songs, i: int) -> np.ndarray:
    """A song's rows of an array over all songs' frames."""
    first = songs.offsets[i]
    return array[first : first + songs.lengths[i]]
