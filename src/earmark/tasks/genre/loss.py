"""Loss functions; every argument with its shape."""

from torch import Tensor
from torch.nn.functional import nll_loss


def frame_loss(
    window_log_probs: Tensor, targets: Tensor, smoothing: float = 0.0, weights: Tensor | None = None
) -> Tensor:
    """Cross-entropy of every window: scalar.

    window_log_probs, targets: (N, classes), targets as shares of the classes. `smoothing` spreads that share
    of every target evenly (Szegedy et al. 2016). weights: (classes,), of a window by its classes before that.
    """
    of_window = 1.0 if weights is None else (targets @ weights)[:, None]
    targets = (1 - smoothing) * targets + smoothing / targets.shape[1]
    return -(of_window * targets * window_log_probs).sum(1).mean()


def song_loss(song_log_probs: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """Cross-entropy of the pooled answer: (recordings, classes), (recordings,) -> scalar; weights: (classes,)."""
    if weights is None:
        return nll_loss(song_log_probs, labels)
    return (weights[labels] * nll_loss(song_log_probs, labels, reduction="none")).mean()
