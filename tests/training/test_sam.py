"""Sharpness-aware minimisation: a step worked out by hand, and what both passes share."""

from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor, nn

from earmark.training import loop
from earmark.training.settings import ConstantSchedule, LoopSettings, Sgd


def settings(**changes) -> LoopSettings:
    plain = {
        "optimizer": Sgd(),
        "lr": 0.1,
        "weight_decay": 0.0,
        "epochs": 1,
        "average": 0.0,
        "keep": "last",
        "patience": 0,
        "seed": 1,
        "device": "cpu",
        "precision": "float32",
        "schedule": ConstantSchedule(),
    }
    return LoopSettings(**plain | changes)


class Point(nn.Module):
    """Weights that a loss is a function of; one of them decides nothing."""

    def __init__(self, *start: float):
        super().__init__()
        self.w = nn.Parameter(torch.tensor(start))
        self.idle = nn.Parameter(torch.ones(1))
        self.norm = nn.BatchNorm1d(1)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x)


@dataclass
class Bowl:
    """A loss of (w1^2 + 3 w2^2) / 2 plus a random slope, noting where each pass was and what it drew."""

    model: Point
    noise: float = 0.0
    passes: list[tuple[list[float], list[float], int]] = field(default_factory=list)

    def batches(self):
        yield from torch.arange(4.0).split(2)

    def steps(self) -> int:
        return 2

    def loss(self, batch: Tensor):
        w, drawn = self.model.w, torch.rand(2)
        self.model(batch[:, None])
        self.passes.append((w.tolist(), drawn.tolist(), int(batch[0])))
        bowl = (w.square() * torch.tensor([1.0, 3.0])).sum() / 2
        return {"bowl": bowl, "slope": self.noise * (drawn * w).sum()}, len(batch)

    def names(self, batch: Tensor) -> list[str]:
        return []

    def validate(self, model: nn.Module) -> loop.Row:
        return {}


def trained(task: Bowl, **changes) -> Bowl:
    loop.fit(task, settings(**changes))
    return task


def test_two_steps_on_a_quadratic_by_hand():
    """From (1, 2): g = (1, 6), |g| = 37 ** .5; the step goes down the gradient at (1, 2) + .5 g / |g|."""
    task = trained(Bowl(Point(1.0, 2.0)), sam_rho=0.5)
    w = torch.tensor([1.0, 2.0], dtype=torch.float64)
    curve = torch.tensor([1.0, 3.0], dtype=torch.float64)
    for _ in range(2):
        g = curve * w
        w = w - 0.1 * curve * (w + 0.5 * g / g.norm())
    assert task.model.w.tolist() == pytest.approx(w.tolist(), rel=1e-6)
    assert task.passes[1][0] == pytest.approx([1 + 0.5 / 37**0.5, 2 + 3 / 37**0.5], rel=1e-6)
    plain = trained(Bowl(Point(1.0, 2.0)))
    assert plain.model.w.tolist() == pytest.approx([0.9**2, 2 * 0.7**2])


def test_the_norm_runs_over_all_weights_at_once():
    """Two weights of one number each move as one weight of two numbers."""
    model = Point(1.0)
    model.v = nn.Parameter(torch.tensor([2.0]))

    class Apart(Bowl):
        def loss(self, batch: Tensor):
            self.passes.append(([*model.w.tolist(), *model.v.tolist()], [], 0))
            return (model.w.square() + 3 * model.v.square()).sum() / 2, len(batch)

    task = trained(Apart(model), sam_rho=0.5)
    assert task.passes[1][0] == pytest.approx([1 + 0.5 / 37**0.5, 2 + 3 / 37**0.5], rel=1e-6)


def test_both_passes_draw_alike_and_the_next_batch_draws_as_without():
    task, plain = trained(Bowl(Point(1.0, 2.0), 1.0), sam_rho=0.5), trained(Bowl(Point(1.0, 2.0), 1.0))
    drawn = [drawn for _, drawn, _ in task.passes]
    assert drawn[0] == drawn[1] != drawn[2] == drawn[3]
    assert [drawn[0], drawn[2]] == [d for _, d, _ in plain.passes]
    assert [batch for *_, batch in task.passes] == [0, 0, 2, 2]


def test_running_statistics_are_those_of_the_first_pass():
    norm, plain = (trained(Bowl(Point(1.0, 2.0)), sam_rho=rho).model.norm for rho in (0.5, 0.0))
    assert norm.num_batches_tracked == plain.num_batches_tracked == 2
    assert norm.running_mean.item() == plain.running_mean.item() == pytest.approx(0.9 * 0.05 + 0.1 * 2.5)


def test_the_history_tells_the_loss_of_the_first_pass():
    told = [loop.fit(Bowl(Point(1.0, 2.0)), settings(sam_rho=rho)).history[0]["train/loss"] for rho in (1e-9, 0.0)]
    assert told[0] == pytest.approx(told[1], rel=1e-6)


def test_at_the_bottom_nothing_moves():
    assert trained(Bowl(Point(0.0, 0.0)), sam_rho=0.5).model.w.tolist() == [0.0, 0.0]


def test_a_rho_below_0_is_refused():
    with pytest.raises(ValueError, match="sam_rho must be at least 0"):
        settings(sam_rho=-0.1)
