"""`earmark score`: a labelled folder judged. Thin, as `cli` is."""

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from earmark import config, console, paths, resolve
from earmark.console import ModelName, TaskName, warn


def score(
    task: TaskName,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="One sub-folder a label, or with manifest.csv.")],
    model: ModelName = None,
    out: Annotated[Path | None, typer.Option(help="Where files go; score/TASK by default.")] = None,
) -> None:
    """Judge a labelled folder from elsewhere, generated sounds say, beside the model's real test set."""
    config.check_task(task)
    from earmark import score as work

    chosen, out = resolve.model(task, model), out or Path("score") / task
    warn(chosen.sentence)
    tracker = _tracker(task)
    judged = import_module(f"earmark.score_{task}").judged(chosen.folder, folder, warn, console.progress)
    for row in judged.unusable.itertuples():
        warn(f"left out {row.path}: {row.reason}.")
    beside = work.real(chosen.folder, Path("reports") / task, tracker)
    found = work.summary(judged.figures, judged.data_sha256, chosen, judged.unusable, beside)
    work.write(out, judged.predictions, found)
    pictures = judged.draw(out)
    if tracker:
        work.log(tracker, out, found, folder, pictures)
    _print_score(found, work.COMPARED[task])


def _tracker(task: str):
    """The project's tracker; outside a project there is nowhere to log, which is said."""
    if paths.project() is None:
        warn("Not inside an earmark project: nothing is logged in MLflow.")
        return None
    from earmark import tracking

    return tracking.connect(task)


def _print_score(found: dict, names: tuple[str, ...]) -> None:
    beside, less = found.get("real", {}), found.get("difference", {})
    rows = [(name, _figure(found, name), _figure(beside, name), _figure(less, name, "+.3f")) for name in names]
    n, left_out = found["n_recordings"], len(found["unusable"])
    title = f"{n} recording{'s' * (n != 1)} judged, {left_out or 'none'} left out [95 % interval]"
    console.table(("figure", "this folder", "real test set", "difference"), rows, title)
    if "by_class" in found:
        real = beside.get("recall", {})
        console.table(("label", "recordings", "recall", "real test set", "taken for"), _class_rows(found, real))
    if "n_speakers" in found:
        _say_speakers(found)
    console.say(f"Real test set: {beside['from']}." if beside else "No real test figures are known for this model.")
    if len(found.get("by_class", ())) < found.get("n_classes", 0):
        n, of = len(found["by_class"]), found["n_classes"]
        console.say(
            f"The folder holds {n} of the model's {of} classes; the real figures are over all of them, so compare "
            "recalls by class."
        )


def _say_speakers(found: dict) -> None:
    """What was judged, and how the threshold that the model carries suits these voices."""
    trials = f"{found['n_same_trials']} trials of one speaker and {found['n_different_trials']} of two"
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
