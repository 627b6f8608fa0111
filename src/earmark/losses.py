"""Loss functions; every argument with its shape."""

from torch import Tensor
from torch.nn.functional import nll_loss


def frame_loss(window_log_probs: Tensor, segment: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of every window against its recording's label: scalar.

    window_log_probs: (N, classes); segment: (N,) recording of a window; labels: (recordings,).
    """
    return nll_loss(window_log_probs, labels[segment])


def song_loss(song_log_probs: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the pooled answer: (recordings, classes), (recordings,) -> scalar."""
    return nll_loss(song_log_probs, labels)
