"""Loss functions; every argument with its shape."""

from torch import Tensor
from torch.nn.functional import nll_loss


def frame_loss(window_log_probs: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """Cross-entropy of every window: scalar.

    window_log_probs, targets: (N, classes), targets as shares of the classes. `smoothing` spreads that share
    of every target evenly (Szegedy et al. 2016).
    """
    targets = (1 - smoothing) * targets + smoothing / targets.shape[1]
    return -(targets * window_log_probs).sum(1).mean()


def song_loss(song_log_probs: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the pooled answer: (recordings, classes), (recordings,) -> scalar."""
    return nll_loss(song_log_probs, labels)
