"""What each kernel of dyad_net is for, named from the signs of its dense weights, as the notebook names its own."""

from typing import Any

import torch
from torch import Tensor, nn

from earmark.experiments.dyad_net.dyad_net import DyadNet
from earmark.experiments.dyad_net.dyads import MAJOR, MINOR

# Whether the weight to major and the one to minor are above zero.
ROLES = {
    (True, False): "for major",
    (False, True): "for minor",
    (True, True): "for both",
    (False, False): "against both",
}


def role(to_major: float, to_minor: float) -> str:
    """A kernel's role by its two weights. His "minor chord positive" is "for minor", his negative one "for major"."""
    return ROLES[to_major > 0, to_minor > 0]


def strength(to_major: float, to_minor: float) -> float:
    """By how much a unit of the kernel's response raises the log-odds of minor, from its weights to the classes."""
    return to_minor - to_major


@torch.no_grad()
def kernels(model: nn.Module, inputs: Tensor) -> list[dict[str, Any]]:
    """A row a kernel: its weights to the classes, role, strength, and its mean response to majors and to minors.

    inputs: (2, roots, 36, 3), MAJOR first. What never answers is `silent`: whatever its weights are, nothing taught
    them and nothing hears them.
    """
    heard = model.responses(inputs.flatten(0, 1)).view(2, inputs.shape[1], -1)
    rows = []
    for k, (to_major, to_minor) in enumerate(model.votes().tolist()):
        row = {"kernel": k + 1, "to_major": to_major, "to_minor": to_minor, "role": role(to_major, to_minor)}
        row |= {"strength": strength(to_major, to_minor), "silent": not bool(heard[..., k].any())}
        means = heard[..., k].mean(1).tolist()
        rows.append(row | {"response_to_majors": means[MAJOR], "response_to_minors": means[MINOR]})
    return rows


@torch.no_grad()
def alive(model: nn.Module, inputs: Tensor) -> int | None:
    """How many kernels answer above zero to any input (2, roots, 36, 3): the ReLU cuts the others off from learning.

    None for the network without a ReLU, whose kernels always learn.
    """
    if not isinstance(model, DyadNet):
        return None
    return int((model.responses(inputs.flatten(0, 1)) > 0).any(0).sum())


def short_role(row: dict[str, Any]) -> str:
    """A kernel's role in short, as in 'for minor +2.84'."""
    return f"{row['role']} {row['strength']:+.2f}" + (" (silent)" if row["silent"] else "")
