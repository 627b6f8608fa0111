"""Sharpness-aware minimisation (Foret et al. 2021): the gradient of a step is taken where the loss is worst nearby.

Two passes over one batch: w moves along its gradient g to w + rho g / |g|, |g| over all weights; the optimiser then
steps from w with the gradient found there. Both passes draw alike (augmentation, dropout, layers left out), so that
both gradients are of one function. What a pass notes in buffers, as running statistics, is the first one's.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class SecondPass:
    """What is needed of a batch for its second pass; made before the first, whose random numbers it draws again.

    loss: computes the batch's loss.
    """

    def __init__(self, model: nn.Module, loss: Callable[[], Tensor]):
        self.model, self.loss = model, loss
        self.devices = sorted({p.device.index for p in model.parameters() if p.device.type == "cuda"})
        self.drawn = self._random()

    def sharpen(self, rho: float) -> None:
        """Replace the model's gradients by those at the worst weights within rho of its own, which it keeps."""
        weights = [p for p in self.model.parameters() if p.grad is not None]
        after = self._random()
        with _moved(weights, rho), _buffers_kept(self.model):
            self._draw_from(self.drawn)
            for p in weights:
                p.grad = None
            self.loss().backward()
        self._draw_from(after)

    def _random(self) -> list[Tensor]:
        return [torch.get_rng_state(), *(torch.cuda.get_rng_state(n) for n in self.devices)]

    def _draw_from(self, states: list[Tensor]) -> None:
        torch.set_rng_state(states[0])
        for state, n in zip(states[1:], self.devices, strict=True):
            torch.cuda.set_rng_state(state, n)


@contextmanager
def _moved(weights: list[nn.Parameter], rho: float) -> Iterator[None]:
    """The weights at rho along their gradient; afterwards exactly what they were."""
    gradients = [p.grad for p in weights if p.grad is not None]
    own = [p.detach().clone() for p in weights]
    scale = rho / (torch.nn.utils.get_total_norm(gradients) + 1e-12)
    with torch.no_grad():
        for p, g in zip(weights, gradients, strict=True):
            p.add_(g * scale)
    yield
    with torch.no_grad():
        for p, was in zip(weights, own, strict=True):
            p.copy_(was)


@contextmanager
def _buffers_kept(model: nn.Module) -> Iterator[None]:
    own = [b.clone() for b in model.buffers()]
    yield
    for b, was in zip(model.buffers(), own, strict=True):
        b.copy_(was)
