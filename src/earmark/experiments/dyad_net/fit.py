"""dyad_net's training: one network from one seed, its curves, and what is asked of it afterwards."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from earmark.experiments.dyad_net import roles
from earmark.experiments.dyad_net.dyad_net import DyadNet, KernelNet, n_parameters, start
from earmark.experiments.dyad_net.dyads import PITCHES_HZ, QUARTER_TONES_HZ, UNSEEN_HZ, Dyads

NETS: dict[str, Callable[[], nn.Module]] = {"dyad": DyadNet, "kernel": KernelNet}
VALIDATION_BATCHES = 4
EVALUATION_BATCHES = 10  # of the training generator, after the training


@dataclass(frozen=True)
class DyadNetFitSettings:
    """How a network is trained: the source's `fit_generator` and SGD. cqt: whose computes the inputs."""

    epochs: int = 15
    steps: int = 200
    batch_size: int = 128
    lr: float = 0.01
    momentum: float = 0.9
    decay: float = 1e-6
    cqt: str = "librosa"


class KerasSgd:
    """Keras 2's SGD with Nesterov momentum, to the letter.

    Step t goes at the rate lr / (1 + decay t); v = momentum v - rate g; w += momentum v - rate g. What torch's own
    momentum holds are gradients and not steps, which parts from this as soon as the rate falls.
    """

    def __init__(self, weights: Iterable[Tensor], lr: float, momentum: float, decay: float):
        self.weights = list(weights)
        self.lr = lr
        self.momentum = momentum
        self.decay = decay
        self.speeds, self.steps = [torch.zeros_like(w) for w in self.weights], 0

    @torch.no_grad()
    def step(self, loss: Tensor) -> None:
        """Move the weights against the gradient of `loss`."""
        rate = self.lr / (1 + self.decay * self.steps)
        for w, v, g in zip(self.weights, self.speeds, torch.autograd.grad(loss, self.weights), strict=True):
            v.mul_(self.momentum).sub_(g, alpha=rate)
            w.add_(v, alpha=self.momentum).sub_(g, alpha=rate)
        self.steps += 1


def fit(net: str, seed: int, settings: DyadNetFitSettings) -> dict[str, Any]:
    """Train and judge one network; all that the study keeps of it, as plain numbers.

    First weights, training and validation draw from one stream, as all of his do from NumPy's global one. What he does
    not ask has a stream of its own.
    """
    model = NETS[net]()
    stream = np.random.RandomState(seed)
    own = np.random.RandomState([seed, 1])
    start(model, stream)
    training, validation = (Dyads(PITCHES_HZ, stream, settings.cqt) for _ in range(2))
    inputs = torch.from_numpy(training.templates).float()
    result = {"net": net, "seed": seed, "parameters": n_parameters(model), "alive_at_start": roles.alive(model, inputs)}
    result |= {"history": train(model, training, validation, settings)}
    result |= _judged("evaluated", model, training, settings, EVALUATION_BATCHES)
    for name, roots in (("unseen", UNSEEN_HZ), ("quarter_tones", QUARTER_TONES_HZ)):
        result |= _judged(name, model, Dyads(roots, own, settings.cqt), settings)
    left = without_each_kernel(model, Dyads(PITCHES_HZ, own, settings.cqt), settings.batch_size)
    rows = roles.kernels(model, inputs)
    result |= {"kernels": [row | {"accuracy_without": a} for row, a in zip(rows, left, strict=True)]}
    return result | {"weights": {name: w.tolist() for name, w in model.state_dict().items()}}


def _judged(
    name: str, model: nn.Module, data: Dyads, settings: DyadNetFitSettings, batches: int = VALIDATION_BATCHES
) -> dict[str, float]:
    loss, accuracy = judge(model, data, settings.batch_size, batches)
    return {f"{name}_loss": loss, f"{name}_accuracy": accuracy}


def train(model: nn.Module, training: Dyads, validation: Dyads, settings: DyadNetFitSettings) -> list[dict[str, float]]:
    """The history, a row an epoch; the losses and accuracies of training are means over its steps, as Keras shows."""
    optimizer = KerasSgd(model.parameters(), settings.lr, settings.momentum, settings.decay)
    history = []
    for epoch in range(1, settings.epochs + 1):
        seen = []
        for _ in range(settings.steps):
            x, y = tensors(training, settings.batch_size)
            logits = model(x)
            loss = cross_entropy(logits, y)
            optimizer.step(loss)
            seen.append((loss.detach(), (logits.argmax(1) == y).float().mean()))
        loss, accuracy = torch.tensor(seen).mean(0).tolist()
        val_loss, val_accuracy = judge(model, validation, settings.batch_size)
        row = {"loss": loss, "accuracy": accuracy, "val_loss": val_loss, "val_accuracy": val_accuracy}
        history.append({"epoch": epoch} | row)
    return history


@torch.no_grad()
def judge(model: nn.Module, data: Dyads, batch_size: int, batches: int = VALIDATION_BATCHES) -> tuple[float, float]:
    """Mean loss and accuracy over fresh batches."""
    found = []
    for _ in range(batches):
        x, y = tensors(data, batch_size)
        logits = model(x)
        found.append([cross_entropy(logits, y), (logits.argmax(1) == y).float().mean()])
    loss, accuracy = torch.tensor(found).mean(0).tolist()
    return loss, accuracy


def tensors(data: Dyads, batch_size: int) -> tuple[Tensor, Tensor]:
    """A batch as tensors: inputs (n, 36, 3) and labels (n,)."""
    x, y = data.batch(batch_size)
    return torch.from_numpy(x), torch.from_numpy(y)


@torch.no_grad()
def without_each_kernel(model: nn.Module, data: Dyads, batch_size: int) -> list[float]:
    """Accuracy with one kernel after the other set to zero: 1 where the others do its work, .5 where none can."""
    found, whole = [], model.conv.weight.clone()
    for k in range(len(whole)):
        model.conv.weight[k] = 0
        found.append(judge(model, data, batch_size)[1])
        model.conv.weight.copy_(whole)
    return found
