"""What must hold on a device, of one of `material.TRAININGS` each: it learns, it resumes, it answers as the CPU does.

Every check returns its figures and raises CheckError where they are not as they must be; the tests call the same.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from torch import Tensor, nn

from earmark.training import loop
from earmark.training.loop import TrainingTask
from gpu_parts.devices import exact
from gpu_parts.material import TRAININGS

Figures = dict[str, float]
CPU = torch.device("cpu")
STOP = 1  # epochs before the kill
FALLEN = 0.9  # share of the first epoch's loss that the last one's is below
# Of float32 without TF32, as share of the largest number or of a gradient's length: other orders of summation.
ROUNDING, SLOPE = 5e-4, 1e-3
JUDGED = 1e-2  # of a figure of validation, where one answer of about a hundred may tip over
BFLOAT16 = 0.1  # 8 bits each product, through all layers, as share of the largest number
# Distance of the resumed weights from the unbroken training's, as share of the way since the kill, and of the losses,
# on CUDA, some of whose sums are taken in no fixed order. Where an optimizer or a schedule forgot what it was, it is
# .01 and more; what an average was before the kill hardly shows by the end, so that a CPU alone would tell.
RESUMED = 1e-3


class CheckError(Exception):
    """A figure is not as it must be."""


class KilledError(Exception):
    """Stands for the kill of a training."""


def require(holds: bool, sentence: str) -> None:
    """Raise CheckError with the sentence where something does not hold."""
    if not holds:
        raise CheckError(sentence)


def learns(name: str, device: torch.device, precision: str = "float32") -> Figures:
    """The loss of the last epoch is well below the first one's, and the weights that are kept are finite."""
    task, settings = TRAININGS[name](device, precision, False)
    fit = loop.fit(task, settings)
    first, last = fit.history[0]["train/loss"], fit.history[-1]["train/loss"]
    require(last < FALLEN * first, f"the loss fell from {first:.4g} to {last:.4g} only in {precision}")
    require(all(v.isfinite().all() for v in fit.weights.values()), "a weight is not finite")
    require(all(p.device.type == device.type for p in task.model.parameters()), f"a weight is not on {device}")
    _require_on_cpu(fit)
    return {"first_loss": first, "last_loss": last}


def resumes(name: str, device: torch.device, folder: Path) -> Figures:
    """A training that is killed and resumed ends as an unbroken one: to the bit on a CPU, nearly so elsewhere."""
    checkpoint = folder / "state.pt"
    with exact(device):
        whole, stopped = _fit(name, device), _killed(name, device, checkpoint)
        started = []
        resumed = _fit(name, device, checkpoint, lambda fit: started.append(fit.epoch))
        again = _fit(name, device, checkpoint)
    require(started == [STOP], f"it went on from epoch {started}, not from {STOP}")
    require(resumed.epoch == whole.epoch, f"it ended in epoch {resumed.epoch}, not in {whole.epoch}")
    for fit in (resumed, again):
        _require_on_cpu(fit)
    way = _distance(whole.weights, stopped)
    share = _distance(whole.weights, resumed.weights) / way
    require(way > 0, "the weights did not move after the kill")
    require(share <= (RESUMED if device.type == "cuda" else 0), f"the weights are {share:.3g} of the way apart")
    losses = [[row["train/loss"] for row in fit.history] for fit in (whole, resumed)]
    apart = max(abs(a - b) / abs(a) for a, b in zip(*losses, strict=True))
    require(apart <= (RESUMED if device.type == "cuda" else 0), f"the losses are {apart:.3g} apart")
    require(_distance(again.weights, resumed.weights) == 0, "a finished training has other weights when it is resumed")
    return {"weights_apart": share, "losses_apart": apart}


def answers(name: str, device: torch.device) -> Figures:
    """The same weights say the same on a device as on the CPU, of the same inputs; so do validation and gradients.

    In float32 without TF32.
    """
    with exact(device):
        trained = loop.fit(*TRAININGS[name](device, "float32", True)).weights
        (here, x), (there, _) = (_loaded(name, d, trained) for d in (CPU, device))
        on_cpu, on_device = _said(here, x), _said(there, x)
        apart = _largest(on_cpu, on_device)
        require(apart <= ROUNDING, f"answers are {apart:.3g} of the largest apart")
        figures = [task.validate(task.model) for task in (here, there)]
        judged = max(abs(a - b) / max(1.0, abs(a)) for a, b in zip(*(f.values() for f in figures), strict=True))
        require(judged <= JUDGED, f"validation is {judged:.3g} apart: {figures[0]} and {figures[1]}")
        slopes = [_gradient(task) for task in (here, there)]
        bent = _distance(*slopes) / _length(slopes[0])
        require(bent <= SLOPE, f"gradients are {bent:.3g} of their length apart")
    return {"answers_apart": apart, "validation_apart": judged, "gradients_apart": bent}


def answers_in_bfloat16(name: str, device: torch.device) -> Figures:
    """Products in bfloat16 on the device, against float32 on the CPU, with the same weights and inputs."""
    with exact(device):
        trained = loop.fit(*TRAININGS[name](device, "float32", True)).weights
        (here, x), (there, _) = (_loaded(name, d, trained) for d in (CPU, device))
        with loop.autocast(device, "bfloat16"):
            rough = _said(there, x)
        apart = _largest(_said(here, x), rough)
    require(apart <= BFLOAT16, f"answers in bfloat16 are {apart:.3g} of the largest apart")
    require(apart > 0, "answers in bfloat16 are those of float32")
    return {"answers_apart": apart}


def each(name: str, device: torch.device, folder: Path) -> Iterable[tuple[str, Callable[[], Figures]]]:
    """The checks of a training by what they say; folder: an empty one, for a checkpoint."""
    yield "learns in float32", lambda: learns(name, device)
    yield "learns in bfloat16", lambda: learns(name, device, "bfloat16")
    yield "resumes", lambda: resumes(name, device, folder)
    yield "answers as the CPU", lambda: answers(name, device)
    yield "answers in bfloat16", lambda: answers_in_bfloat16(name, device)


def _fit(name: str, device: torch.device, checkpoint: Path | None = None, on_start=None) -> loop.Fit:
    return loop.fit(*TRAININGS[name](device, "float32", False), checkpoint, on_start)


def _killed(name: str, device: torch.device, checkpoint: Path) -> dict[str, Tensor]:
    """Kill a training after STOP epochs, whose checkpoint stays; the weights that it kept until then."""
    kept = {}

    def kill(fit: loop.Fit, _seconds: float) -> None:
        if fit.epoch == STOP:
            kept.update(fit.weights)
            raise KilledError

    try:
        loop.fit(*TRAININGS[name](device, "float32", False), checkpoint, on_epoch=kill)
    except KilledError:
        return kept
    raise CheckError("the training was over before it could be killed")


def _require_on_cpu(fit: loop.Fit) -> None:
    """The weights that a training hands on lie on the CPU, wherever it ran and however often it was resumed."""
    there = {v.device.type for v in fit.weights.values()}
    require(there == {"cpu"}, f"the kept weights lie on {', '.join(sorted(there))}")


def _loaded(name: str, device: torch.device, weights: dict[str, Tensor]) -> tuple[TrainingTask, tuple[Tensor, ...]]:
    """A training with given weights, and what its network would be given of its first batch, on the CPU."""
    task, _ = TRAININGS[name](device, "float32", True)
    task.model.load_state_dict(weights)
    torch.manual_seed(0)
    x, *_ = task.examples(next(task.batches()))
    return task, (x.cpu(),)


@torch.no_grad()
def _said(task: TrainingTask, inputs: tuple[Tensor, ...]) -> list[Tensor]:
    """The network's answers to inputs, which it is given on its own device; on the CPU."""
    model = task.model.eval()
    device = next(model.parameters()).device
    given = [x.to(device) for x in inputs]
    network = getattr(model, "tower", model)  # a speaker's, without what is trained beside it
    if hasattr(model, "body"):  # a genre's
        given += [torch.arange(len(given[0]), device=device), len(given[0])]
    found = network(*given)
    if isinstance(found, Tensor):
        found = [found]
    parts = found if isinstance(found, list | tuple) else vars(found).values()
    return [part.float().cpu() for part in parts]


def _gradient(task: TrainingTask) -> dict[str, Tensor]:
    """The gradient of the first batch's loss, nothing of which is left to chance; on the CPU."""
    model = task.model.train()
    for module in model.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.p = 0.0
        if hasattr(module, "survival"):  # of stochastic depth
            module.survival = 1.0
    torch.manual_seed(0)
    found, _ = task.loss(next(task.batches()))
    loop._summed(found).backward()
    return {name: p.grad.cpu() for name, p in model.named_parameters() if p.grad is not None}


def _largest(a: list[Tensor], b: list[Tensor]) -> float:
    """Largest difference of two lists of tensors, each as share of the first one's largest number."""
    return max(float((x - y).abs().max() / x.abs().max()) for x, y in zip(a, b, strict=True))


def _length(a: dict[str, Tensor]) -> float:
    return sum(float(v.double().square().sum()) for v in a.values()) ** 0.5


def _distance(a: dict[str, Tensor], b: dict[str, Tensor]) -> float:
    return _length({name: a[name].double() - b[name].double() for name in a})
