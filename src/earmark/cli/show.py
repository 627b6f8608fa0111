"""Figures for people, as commands print them."""

import json
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from earmark import console
from earmark.config import Settings
from earmark.errors import EarmarkError
from earmark.tasks.task import Task

PACE_EPOCHS = 9  # whose median pace says how long the rest will take


def figures(found: dict, title: str) -> None:
    """A table of the figures that have an interval."""
    rows = []
    for name in (k for k in found if f"{k}_ci95" in found):
        low, high = found[f"{name}_ci95"]
        rows.append((name, f"{found[name]:.3f}", f"{low:.3f} to {high:.3f}"))
    console.table(("figure", "value", "95 % interval"), rows, title)


def also_epoch(on_epoch: Callable, epochs: int) -> Callable:
    """A callback of the training loop that prints a line after `on_epoch`: without the losses of single heads, and with
    the time that is left at the median pace of the last epochs, of which one alone may have been held up."""
    from statistics import median

    latest: deque[float] = deque(maxlen=PACE_EPOCHS)

    def both(fit, seconds: float) -> None:
        on_epoch(fit, seconds)
        latest.append(seconds)
        shown = {k: v for k, v in fit.history[-1].items() if k != "epoch" and "/loss_" not in k}
        row = "  ".join(f"{k} {console.figure(v)}" for k, v in shown.items())
        left = f", about {console.duration(median(latest) * (epochs - fit.epoch))} left" if fit.epoch < epochs else ""
        print(f"epoch {fit.epoch}/{epochs}  {row}  ({seconds:.1f} s{left})", flush=True)

    return both


def leak_gap(task: Task, settings: Settings, reports: Path) -> None:
    """Train on a random split, and print what it adds to the evaluation's figures."""
    from earmark.experiments import leak_gap as experiment

    if not (reports / "metrics.json").exists():
        raise EarmarkError(f"There is no evaluation in {reports} to compare with; run `dvc repro` first.")
    gap = experiment.run(task, settings, json.loads((reports / "metrics.json").read_text()), reports)
    if not gap:
        console.say(
            "Every recording is a group of its own, so a random split cannot leak, and nothing was trained. If "
            "several come from one source (an artist, an album, a take), name the source in the manifest's "
            "column group."
        )
    for name, row in gap.items():
        print(f"{name}: {row['grouped']:.3f} by group, {row['random']:.3f} at random: the leak adds {row['gap']:+.3f}")


def score(found: dict, names: tuple[str, ...]) -> None:
    """Figures of a folder beside those of the model's own test set, and of each label."""
    beside, less = found.get("real", {}), found.get("difference", {})
    rows = [(name, _figure(found, name), _figure(beside, name), _figure(less, name, "+.3f")) for name in names]
    n = found["n_recordings"]
    unusable = len(found["unusable"])
    met = (found.get("in_training") or {}).get("n_left_out", 0)
    left = [f"{k} left out as {why}" for k, why in ((unusable, "unusable"), (met, "known to the model")) if k]
    title = f"{n} recording{'s' * (n != 1)} judged, {', '.join(left) or 'none left out'} [95 % interval]"
    console.table(("figure", "this folder", "own test set", "difference"), rows, title)
    if "by_class" in found:
        real = beside.get("recall", {})
        console.table(("label", "recordings", "recall", "own test set", "taken for"), _class_rows(found, real))
    if "n_speakers" in found:
        _say_speakers(found)
    console.say(
        f"The model's own test set: {beside['from']}."
        if beside
        else "The figures of this model on its own test set are not known."
    )
    if len(found.get("by_class", ())) < found.get("n_classes", 0):
        n, of = len(found["by_class"]), found["n_classes"]
        console.say(
            f"The folder holds {n} of the model's {of} classes; the figures on the model's own test set are over all "
            "of them, so compare recalls by class."
        )


def _say_speakers(found: dict) -> None:
    """What was judged, and how the threshold that the model carries suits these voices."""
    trials = f"{found['n_same_trials']} same-speaker and {found['n_different_trials']} different-speaker trials"
    console.say(f"{found['n_speakers']} speakers, {found['n_utterances']} utterances, {trials}.")
    own, carried = f"{found['eer_threshold']:.3f}", found.get("threshold")
    console.say(
        f"Both errors are equally frequent at a cosine of {own}"
        + (f"; the model carries the threshold {carried:.3f}." if carried is not None else ".")
    )


def _figure(found: dict, name: str, form: str = ".3f") -> str:
    if name not in found:
        return "-"
    low, high = found[f"{name}_ci95"]
    return f"{found[name]:{form}} [{low:{form}}, {high:{form}}]"


def _class_rows(found: dict, real: dict) -> Iterable[tuple]:
    for label, row in found["by_class"].items():
        taken_for = ", ".join(f"{other} {n}" for other, n in row["taken_for"].items())
        beside = f"{real[label]:.3f}" if label in real else "-"
        yield label, row["n"], f"{row['recall']:.3f}", beside, taken_for
