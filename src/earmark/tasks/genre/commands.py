"""`earmark predict genre`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earmark import console
from earmark.console import warn

if TYPE_CHECKING:
    from earmark.tasks.genre.predictions import Answer
    from earmark.training.model_files import Chosen

KEYS = ("label", "probability", "runner_up", "probabilities")  # of an answer in JSON
LONG_S = 60.0  # a recording for which a timeline is offered


def predict(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Recordings, or folders of them; - is what is piped in.")],
    model: Annotated[str | None, typer.Option(help="A model folder or an MLflow model URI.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    timeline: Annotated[bool, typer.Option("--timeline", help="Say what is heard when.")] = False,
    channel: Annotated[
        int | None, typer.Option(min=1, help="The channel that is read, from 1; the mean of all by default.")
    ] = None,
) -> None:
    """Which genre, or class of sounds, each recording is."""
    from earmark.tasks import answering
    from earmark.tasks.genre.predictions import Predictor

    problems: answering.Problems = []
    answers: list[tuple[answering.Recording, Answer]] = []
    chosen: Chosen | None = None
    with answering.recordings(files, problems, channel) as usable:
        if usable:
            chosen = ctx.obj(model)
            predictor = Predictor(chosen.folder)
            answers = list(answering.answered(usable, lambda file: predictor(file, timeline), problems))
    if as_json:
        keys = (*KEYS, "timeline") if timeline else KEYS
        rows = ((file, _plain(answer, timeline)) for file, answer in answers)
        answering.print_json(answering.rows(rows, problems, keys, chosen))
    elif chosen and answers:
        _introduce(chosen, predictor.config.labels)
        _print_answers([(file.shown, answer) for file, answer in answers], timeline)
    answering.finish(problems)


def _introduce(chosen: "Chosen", labels: list[str]) -> None:
    from earmark.data.walking import some

    console.say(chosen.sentence)
    console.say(f"It tells {len(labels)} classes apart: {some(labels)}.")


def _plain(answer: "Answer", timeline: bool) -> dict:
    return answer.plain() | ({"timeline": answer.plain_timeline()} if timeline else {})


def _print_answers(answers: "list[tuple[str, Answer]]", timeline: bool) -> None:
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


def _print_timeline(file: str, answer: "Answer") -> None:
    segments = [(clock(s.start_s), clock(s.end_s), s.label, f"{s.probability:.3f}") for s in answer.timeline()]
    console.table(("from", "to", "label", "mean probability"), segments, file)


def clock(seconds: float) -> str:
    """Seconds as [h:]m:ss.s."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    text = f"{rest / 10:04.1f}"
    return f"{hours}:{minutes:02}:{text}" if hours else f"{minutes}:{text}"
