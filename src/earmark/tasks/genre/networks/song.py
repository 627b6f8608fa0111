"""Multiple-instance learning: the windows of a recording are a bag, the recording has the label."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax, logsigmoid, one_hot

from earmark.tasks.genre.networks.build import body
from earmark.tasks.genre.networks.window import keras_init
from earmark.tasks.genre.settings import ModelSettings, SongMilSettings

TIE = 0.01  # of a vote: so much the mean probability has to say, which decides ties and nothing else


def n_units(n_classes: int) -> int:
    """Output units: two classes need one sigmoid unit, more need one softmax unit each."""
    return 1 if n_classes == 2 else n_classes


def class_log_probs(logits: Tensor) -> Tensor:
    """Logits (N, units) -> log-probabilities (N, classes); one unit is a sigmoid over two classes."""
    if logits.shape[-1] == 1:
        return torch.cat([logsigmoid(-logits), logsigmoid(logits)], dim=-1)
    return log_softmax(logits, dim=-1)


def segment_mean(x: Tensor, segment: Tensor, n: int) -> Tensor:
    """Mean of the rows of x (N, d) in each of n segments: (n, d)."""
    total = x.new_zeros(n, x.shape[1]).index_add_(0, segment, x)
    return total / torch.bincount(segment, minlength=n).clamp_min(1).unsqueeze(1)


def segment_softmax(score: Tensor, segment: Tensor, n: int) -> Tensor:
    """Softmax of score (N,) within each of n segments: (N,)."""
    top = score.new_full((n,), -torch.inf).scatter_reduce(0, segment, score, "amax")
    e = (score - top[segment]).exp()
    return e / e.new_zeros(n).index_add_(0, segment, e)[segment]


def log_mean_prob(log_probs: Tensor, segment: Tensor, n: int) -> Tensor:
    """Logarithm of the mean probability in each segment: (N, classes) -> (n, classes), without underflow."""
    index = segment.unsqueeze(1).expand_as(log_probs)
    top = log_probs.new_full((n, log_probs.shape[1]), -torch.inf)
    top = top.scatter_reduce(0, index, log_probs.detach(), "amax")
    return segment_mean((log_probs - top[segment]).exp(), segment, n).log() + top


def log_vote_share(log_probs: Tensor, segment: Tensor, n: int) -> Tensor:
    """Logarithm of the share of each segment's rows whose likeliest class it is: (N, classes) -> (n, classes).

    Between classes with as many votes the mean probability decides, for TIE of a vote, so that no share is 0. There is
    no gradient.
    """
    votes = one_hot(log_probs.argmax(1), log_probs.shape[1]).double()
    rows = torch.bincount(segment, minlength=n).clamp_min(1).unsqueeze(1)
    said = segment_mean(votes, segment, n) * rows + TIE * log_mean_prob(log_probs, segment, n).exp()
    return (said / (rows + TIE)).log().to(log_probs.dtype)


def unsmoothed(log_probs: Tensor, smoothing: float) -> Tensor:
    """What a network believes that was trained with label smoothing s: (N, classes) -> (N, classes).

    Over k classes it learns to say (1 - s) p + s / k where it means p; this takes it back. The order of the
    classes stays. Nothing falls below s / 10 k, since beyond that the answer is rounding.
    """
    share = smoothing / log_probs.shape[1]
    p = ((log_probs.exp() - share) / (1 - smoothing)).clamp_min(share / 10)
    return (p / p.sum(1, keepdim=True)).log()


class GatedAttention(nn.Module):
    """Weights of the windows of a bag (Ilse, Tomczak and Welling 2018): (N, hidden) -> scores (N,)."""

    def __init__(self, hidden: int):
        super().__init__()
        self.value = nn.Linear(hidden, hidden)
        self.gate = nn.Linear(hidden, hidden)
        self.score = nn.Linear(hidden, 1)

    def forward(self, h: Tensor) -> Tensor:
        return self.score(torch.tanh(self.value(h)) * torch.sigmoid(self.gate(h))).squeeze(1)


class SongModel(nn.Module):
    """A window model and the pooling of its answers over recordings of any number of windows.

    smoothing: the label smoothing it is trained with, which its answers are freed of outside training.
    """

    def __init__(self, n_bands: int, n_frames: int, n_classes: int, settings: ModelSettings, smoothing: float = 0.0):
        super().__init__()
        self.pooling, self.smoothing = settings.pooling, smoothing
        self.body = body(n_bands, n_frames, settings)
        self.head = nn.Linear(self.body.n_out, n_units(n_classes))
        if isinstance(settings, SongMilSettings) and settings.variant == "song_mil":
            keras_init(self.head)
        self.attention = GatedAttention(self.body.n_out) if settings.pooling == "attention" else None

    def forward(self, windows: Tensor, segment: Tensor, n: int) -> tuple[Tensor, Tensor]:
        """Log-probabilities of windows and of recordings.

        windows: (N, 1, bands, frames); segment: (N,) int64, each window's recording, 0..n-1.
        Returns ((N, classes), (n, classes)).
        """
        return self.answer(self.body(windows), segment, n)

    def answer(self, h: Tensor, segment: Tensor, n: int) -> tuple[Tensor, Tensor]:
        """The same from the body's output h (N, n_out), which may have been computed piece by piece."""
        by_window, by_song = self._pooled(h, segment, n)
        return (by_window, by_song) if self.training else self._freed(by_window, by_song)

    def _pooled(self, h: Tensor, segment: Tensor, n: int) -> tuple[Tensor, Tensor]:
        logits = self.head(h).float()
        by_window = class_log_probs(logits)
        if self.attention is None:
            return by_window, self._aggregated(logits, by_window, segment, n)
        weight = segment_softmax(self.attention(h).float(), segment, n)
        bag = h.new_zeros(n, h.shape[1]).index_add_(0, segment, h * weight.unsqueeze(1).to(h.dtype))
        return by_window, class_log_probs(self.head(bag).float())

    @torch.inference_mode()
    def judge(self, pieces: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
        """Log-probabilities (windows, classes) and (1, classes) of one recording, whose windows come in pieces.

        pieces: (k, 1, bands, frames) each. Of a piece only the logits are kept, so that memory hardly grows with the
        recording: as one block, since many small ones would keep the heap from shrinking.
        """
        kept, attended = bytearray(), Attended()
        for piece in pieces:
            h = self.body(piece)
            kept += self.head(h).float().cpu().numpy().tobytes()
            if self.attention is not None:
                attended.add(h, self.attention(h).float())
        logits = torch.frombuffer(kept, dtype=torch.float32).view(-1, self.head.out_features)
        by_window = class_log_probs(logits)
        if self.attention is not None:
            by_song = class_log_probs(self.head(attended.mean).float().cpu())
        else:
            by_song = self._aggregated(logits, by_window, torch.zeros(len(logits), dtype=torch.int64), 1)
        return self._freed(by_window, by_song)

    def _freed(self, by_window: Tensor, by_song: Tensor) -> tuple[Tensor, Tensor]:
        """What was said without label smoothing, which shares of votes do not have."""
        if not self.smoothing:
            return by_window, by_song
        voted = self.pooling == "majority_vote"
        return unsmoothed(by_window, self.smoothing), by_song if voted else unsmoothed(by_song, self.smoothing)

    def _aggregated(self, logits: Tensor, by_window: Tensor, segment: Tensor, n: int) -> Tensor:
        """Log-probabilities (n, classes) of recordings from what is said of their windows, without attention."""
        if self.pooling == "mean_prob":
            return log_mean_prob(by_window, segment, n)
        if self.pooling == "majority_vote":
            return log_vote_share(by_window, segment, n)
        return class_log_probs(segment_mean(logits, segment, n))


class Attended:
    """The weighted mean (1, hidden) of a bag's hidden values, which come in pieces, by the softmax of their scores."""

    def __init__(self) -> None:
        self.top = torch.tensor(-torch.inf)
        self.weight = torch.tensor(0.0)
        self.total = torch.tensor(0.0)

    def add(self, h: Tensor, score: Tensor) -> None:
        """h: (k, hidden); score: (k,)."""
        top = torch.maximum(self.top, score.amax())
        before, e = (self.top - top).exp(), (score - top).exp()
        self.weight = self.weight * before + e.sum()
        self.total = self.total * before + (e[:, None] * h).sum(0, keepdim=True)
        self.top = top

    @property
    def mean(self) -> Tensor:
        """(1, hidden): of what was added."""
        return self.total / self.weight
