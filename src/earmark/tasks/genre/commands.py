"""`earmark predict genre`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earmark import console
from earmark.console import warn

if TYPE_CHECKING:
    from earmark.tasks.genre.predictions import Answer

LONG_S = 60.0  # a recording for which a timeline is offered


def predict(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Recordings.")],
    model: Annotated[str | None, typer.Option(help="A model folder or an MLflow model URI.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    timeline: Annotated[bool, typer.Option("--timeline", help="Say what is heard when.")] = False,
) -> None:
    """Which genre, or class of sounds, each recording is."""
    from earmark.tasks import answering
    from earmark.tasks.genre.predictions import Predictor

    problems: answering.Problems = {}
    usable, answers = answering.usable("genre", files, problems), []
    if usable:
        chosen = ctx.obj(model)
        warn(chosen.sentence)
        predictor = Predictor(chosen.folder)
        answers = list(answering.answered(usable, lambda file: predictor(file, timeline), problems))
    if as_json:
        print(json.dumps([_plain(file, answer, timeline) for file, answer in answers], indent=2))
    elif answers:
        _print_answers(answers, timeline)
    answering.finish(problems)


def _plain(file: Path, answer: "Answer", timeline: bool) -> dict:
    return {"path": str(file), **answer.plain()} | ({"timeline": answer.plain_timeline()} if timeline else {})


def _print_answers(answers: list, timeline: bool) -> None:
    rows = []
    for file, plain in ((file, answer.plain()) for file, answer in answers):
        second = plain["runner_up"]
        then = f"{second} ({plain['probabilities'][second]:.3f})"
        rows.append((file, plain["label"], f"{plain['probability']:.3f}", then))
    console.table(("file", "label", "probability", "runner-up"), rows)
    for file, answer in answers:
        if timeline:
            _print_timeline(file, answer)
        elif answer.duration_s > LONG_S:
            warn(f"{file} lasts {clock(answer.duration_s)}; --timeline says what is heard when.")


def _print_timeline(file: Path, answer: "Answer") -> None:
    segments = [(clock(s.start_s), clock(s.end_s), s.label, f"{s.probability:.3f}") for s in answer.timeline()]
    console.table(("from", "to", "label", "mean probability"), segments, str(file))


def clock(seconds: float) -> str:
    """Seconds as [h:]m:ss.s."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    text = f"{rest / 10:04.1f}"
    return f"{hours}:{minutes:02}:{text}" if hours else f"{minutes}:{text}"
