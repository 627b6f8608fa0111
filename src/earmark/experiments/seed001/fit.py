"""Seed 001's training: one network from one seed, its curves, and what is asked of it afterwards."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from earmark.experiments.seed001.dyad_net import DyadNet, KernelNet, n_parameters
from earmark.experiments.seed001.dyads import PITCHES_HZ, QUARTER_TONES_HZ, UNSEEN_HZ, Dyads

NETS: dict[str, Callable[[], nn.Module]] = {"dyad": DyadNet, "kernel": KernelNet}
VALIDATION_BATCHES = 4


@dataclass(frozen=True)
class FitSettings:
    """How a network is trained: the source's `fit_generator` and SGD. cqt: whose computes the inputs."""

    epochs: int = 15
    steps: int = 200
    batch_size: int = 128
    lr: float = 0.01
    momentum: float = 0.9
    decay: float = 1e-6
    cqt: str = "earmark"


def fit(net: str, seed: int, settings: FitSettings) -> dict[str, Any]:
    """Train and judge one network; all that the study keeps of it, as plain numbers.

    Weights, training, validation and tests draw from generators of their own, all made from `seed`.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = NETS[net]()
    rngs = [np.random.default_rng([seed, i]) for i in range(3)]
    training, validation, known = (Dyads(PITCHES_HZ, rng, settings.cqt) for rng in rngs)
    alive = alive_kernels(model, training.templates)
    history = train(model, training, validation, settings)
    result = {"net": net, "seed": seed, "parameters": n_parameters(model), "alive_at_start": alive, "history": history}
    for name, roots in (("unseen", UNSEEN_HZ), ("quarter_tones", QUARTER_TONES_HZ)):
        loss, accuracy = judge(model, Dyads(roots, rngs[2], settings.cqt), settings.batch_size)
        result |= {f"{name}_loss": loss, f"{name}_accuracy": accuracy}
    result |= {"accuracy_without": without_each_kernel(model, known, settings.batch_size)}
    return result | {"weights": {name: w.tolist() for name, w in model.state_dict().items()}}


def train(model: nn.Module, training: Dyads, validation: Dyads, settings: FitSettings) -> list[dict[str, float]]:
    """The history, a row an epoch; the losses and accuracies of training are means over its steps, as Keras shows."""
    optimizer = torch.optim.SGD(model.parameters(), settings.lr, settings.momentum, nesterov=settings.momentum > 0)
    keras_decay = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + settings.decay * step))
    history = []
    for epoch in range(1, settings.epochs + 1):
        seen = []
        for _ in range(settings.steps):
            x, y = tensors(training, settings.batch_size)
            logits = model(x)
            loss = cross_entropy(logits, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            keras_decay.step()
            seen.append((loss.detach(), (logits.argmax(1) == y).float().mean()))
        loss, accuracy = torch.tensor(seen).mean(0).tolist()
        val_loss, val_accuracy = judge(model, validation, settings.batch_size)
        row = {"loss": loss, "accuracy": accuracy, "val_loss": val_loss, "val_accuracy": val_accuracy}
        history.append({"epoch": epoch} | row)
    return history


@torch.no_grad()
def judge(model: nn.Module, data: Dyads, batch_size: int) -> tuple[float, float]:
    """Mean loss and accuracy over four fresh batches."""
    found = []
    for _ in range(VALIDATION_BATCHES):
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
def alive_kernels(model: nn.Module, templates: np.ndarray) -> int | None:
    """How many kernels answer above zero to any template (2, roots, 36, 3): the ReLU cuts the others off from learning.

    None for the network without a ReLU, whose kernels always learn.
    """
    if not isinstance(model, DyadNet):
        return None
    return int((model.maps(torch.from_numpy(templates).flatten(0, 1)).amax((0, 2)) > 0).sum())


@torch.no_grad()
def without_each_kernel(model: nn.Module, data: Dyads, batch_size: int) -> list[float]:
    """Accuracy with one kernel after the other set to zero: 1 where the others do its work, .5 where none can."""
    found, whole = [], model.conv.weight.clone()
    for k in range(len(whole)):
        model.conv.weight[k] = 0
        found.append(judge(model, data, batch_size)[1])
        model.conv.weight.copy_(whole)
    return found
