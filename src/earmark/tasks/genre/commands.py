"""`earmark predict genre`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earmark import console
from earmark.console import printable, warn
from earmark.errors import writable_folder, writing

if TYPE_CHECKING:
    from earmark.tasks.answering import Recording
    from earmark.tasks.genre.predictions import Answer, Predictor
    from earmark.training.model_files import ResolvedModel

KEYS = ("label", "probability", "runner_up", "probabilities")  # of an answer in JSON
AUDACITY, RAVEN = ".txt", ".selections.txt"  # endings of a timeline's files
NAMED = 6  # classes that are all named
LONG_S = 60.0  # a recording for which a timeline is offered


def predict(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Recordings, or folders of them; - reads standard input.")],
    model: Annotated[str | None, typer.Option(help="A model folder or MLflow URI, in place of the champion.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answers as JSON.")] = False,
    timeline: Annotated[bool, typer.Option("--timeline", help="Print which class is heard at which time.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Write timelines into this folder: NAME.txt for Audacity, NAME.selections.txt for Raven."),
    ] = None,
    channel: Annotated[
        int | None, typer.Option(min=1, help="The channel to read, counted from 1; by default the mean of all.")
    ] = None,
) -> None:
    """Classify each recording by genre, or by the sound classes that the model was trained on."""
    from earmark.tasks import answering
    from earmark.tasks.genre.predictions import Predictor

    if out:
        writable_folder(out, "--out")
    placed = timeline or out is not None
    problems: answering.Problems = []
    answers: list[tuple[answering.Recording, Answer]] = []
    chosen: ResolvedModel | None = None
    with answering.recordings(files, problems, channel) as usable:
        if usable:
            if out:
                answering.refuse_clash(usable, out, AUDACITY, "write their timelines into two folders")
            chosen = ctx.obj(model)
            predictor = Predictor(chosen.folder)
            for file, answer in answering.answers(usable, lambda file: predictor(file, placed), problems):
                if out:
                    _write(out / file.stem, answer, predictor)
                answers.append((file, answer))
            answering.tell_met(chosen.folder, usable)
    if as_json:
        keys = (*KEYS, "timeline") if timeline else KEYS
        rows = ((file, _plain(answer, timeline)) for file, answer in answers)
        answering.print_json(answering.rows(rows, problems, keys, chosen))
    elif chosen and answers:
        _introduce(chosen, predictor.config.labels)
        _print_answers(answers, timeline, out)
    answering.finish(problems)


def _write(beside: Path, answer: "Answer", predictor: "Predictor") -> None:
    from earmark.tasks.genre import timelines

    with writing(Path(printable(beside.parent / f"{beside.name}{AUDACITY}"))):
        timelines.write(beside, answer.timeline(), predictor.config.features.sample_rate / 2, (AUDACITY, RAVEN))


def _introduce(chosen: "ResolvedModel", labels: list[str]) -> None:
    from earmark.data.walking import some

    console.say(chosen.sentence)
    console.say(f"It tells {len(labels)} classes apart: {', '.join(labels) if len(labels) <= NAMED else some(labels)}.")


def _plain(answer: "Answer", timeline: bool) -> dict:
    return answer.plain() | ({"timeline": answer.plain_timeline()} if timeline else {})


def _print_answers(answers: "list[tuple[Recording, Answer]]", timeline: bool, out: Path | None) -> None:
    rows = []
    for file, plain in ((file.shown, answer.plain()) for file, answer in answers):
        second = plain["runner_up"]
        then = f"{second} ({plain['probabilities'][second]:.3f})"
        rows.append((file, plain["label"], f"{plain['probability']:.3f}", then))
    console.table(("file", "label", "probability", "runner-up"), rows)
    for file, answer in answers:
        if timeline:
            _print_timeline(file.shown, answer)
        if out:
            print(f"{file.shown} -> {printable(out / file.stem)}{AUDACITY}, {RAVEN}")
        elif answer.duration_s > LONG_S and not timeline:
            warn(f"{file.shown} lasts {clock(answer.duration_s)}; --timeline says what is heard when.")


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
