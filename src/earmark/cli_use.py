"""The commands of those who use a model or hand it on: predict and release. Thin, as `cli` is."""

import json
import shlex
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earmark import cli_chord, cli_speaker, config, console, resolve
from earmark.console import ModelName, Overrides, TaskName, warn
from earmark.errors import EarmarkError

if TYPE_CHECKING:
    from earmark.predict import Answer

LONG_S = 60.0  # a recording for which a timeline is offered


def predict(
    task: TaskName,
    files: Annotated[list[Path], typer.Argument(help="Recordings.")],
    model: ModelName = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    timeline: Annotated[bool, typer.Option("--timeline", help="Say what is heard when.")] = False,
    out: Annotated[Path | None, typer.Option(help="Chords: the folder for .lab, .json and .mid files.")] = None,
    embed: Annotated[Path | None, typer.Option(help="Voices: write path and embedding to this .parquet file.")] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Voices: are two recordings of one speaker?")] = False,
    enroll: Annotated[Path | None, typer.Option(help="Voices: who is it? A folder, one sub-folder a speaker.")] = None,
    cluster: Annotated[bool, typer.Option("--cluster", help="Voices: group recordings by speaker.")] = False,
    speakers: Annotated[int | None, typer.Option(help="Voices: how many groups --cluster makes.")] = None,
) -> None:
    """Say what recordings are, with the registry's champion, another model, or the released one."""
    wish = cli_speaker.Wish(embed, verify, enroll, cluster, speakers)
    if task == "speaker":
        cli_speaker.predict(files, model, as_json, wish)
        return
    if wish.any:
        raise EarmarkError(f"--embed, --verify, --enroll, --cluster and --speakers are for voices, not for {task}.")
    config.check_task(task)
    problems = {file: problem for file in files if (problem := _no_recording(file, task))}
    if task == "chord":
        cli_chord.predict(files, problems, model, as_json, out)
    else:
        _predict_genre(task, files, problems, model, as_json, timeline)
    for problem in problems.values():
        warn(problem)
    if problems:
        raise typer.Exit(1)


def _no_recording(path: Path, task: str) -> str | None:
    try:
        if path.is_dir():
            return f"{path} is a folder; name its files, or judge a labelled folder with `earmark score {task} {path}`."
        return None if path.is_file() else f"There is no file {path}."
    except OSError as e:  # a name that is too long, a folder that may not be entered
        return f"{path} cannot be used: {e.strerror}."


def _predict_genre(
    task: str, files: list[Path], problems: dict[Path, str], model: str | None, as_json: bool, timeline: bool
) -> None:
    """Print what recordings are; the sentences of those that cannot be used join `problems`."""
    usable = [file for file in files if file not in problems]
    answers = _answers(task, model, usable, problems, timeline) if usable else []
    if as_json:
        print(json.dumps([_plain(file, answer, timeline) for file, answer in answers], indent=2))
    elif answers:
        _print_answers(answers, timeline)


def _answers(
    task: str, model: str | None, files: Iterable[Path], problems: dict[Path, str], timeline: bool
) -> list[tuple[Path, "Answer"]]:
    """(file, answer) of each file that can be used; the others' sentences go into `problems`."""
    from earmark.audio import AudioError
    from earmark.predict import Predictor

    chosen = resolve.model(task, model)
    warn(chosen.sentence)
    predictor, answers = Predictor(chosen.folder), []
    for file in files:
        try:
            answers.append((file, predictor(file, timeline)))
        except (AudioError, OSError) as e:
            problems[file] = f"{file} cannot be used: {getattr(e, 'strerror', None) or e}."
    return answers


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


def release(
    task: TaskName,
    about: Annotated[str | None, typer.Option(help="What it knows: 'environmental sounds, ten classes'.")] = None,
    data: Annotated[str | None, typer.Option(help="The recordings and their licence: 'ESC-10, CC BY 3.0'.")] = None,
    figures: Annotated[Path | None, typer.Option(help="metrics.json of this recipe's cross-validation.")] = None,
    overrides: Overrides = None,
    out: Annotated[Path | None, typer.Option(help="The bundle's folder; the package's own by default.")] = None,
) -> None:
    """Write a bundle with its card: genre's recipe trained on all recordings, another task's champion as it is."""
    config.check_task(task)
    for name, given in (("about", about), ("data", data)):
        if not given:
            raise EarmarkError(f"A release needs --{name} in words; `earmark release --help` shows how they read.")
    if task != "genre":
        if figures or overrides:
            raise EarmarkError(
                f"A release of a {task} model trains nothing and measures by itself; leave --figures and -S out."
            )
        _release_own(task, about, data, out)
        return
    from earmark import bundle
    from earmark import release as work

    settings = console.settings(task, overrides)
    quoted = work.figures(figures, settings, warn)
    words = work.Words(about, data, _release_command(task, about, data, figures, overrides or []))
    table, root = work.recordings(settings, quoted, warn, console.progress)
    material = work.gathered(task, table, root, settings, warn, console.progress)
    out = out or bundle.ROOT / task
    work.make(material, settings, quoted, words, out, _say_epoch(settings.train.epochs))
    _say_written(out)


def _release_own(task: str, about: str, data: str, out: Path | None) -> None:
    from earmark import bundle, release

    chosen, out = resolve.own(task), out or bundle.ROOT / task
    warn(f"Releasing {chosen.name}.")
    words = release.Words(about, data, shlex.join(["earmark", "release", task, "--about", about, "--data", data]))
    import_module(f"earmark.release_{task}").make(chosen.folder, console.settings(task), words, out)
    _say_written(out)


def _say_written(out: Path) -> None:
    print(f"Wrote {out}: {(out / 'model.safetensors').stat().st_size / 1e6:.2f} MB; read its CARD.md.")


def _release_command(task: str, about: str, data: str, figures: Path, overrides: list[str]) -> str:
    """The command for the card; of an absolute path only the name is told."""
    shown = [f"data.root=path/to/{Path(o).name}" if o.startswith("data.root=/") else o for o in overrides]
    path = figures.name if figures.is_absolute() else str(figures)
    words = ["earmark", "release", task, "--about", about, "--data", data, "--figures", path]
    return shlex.join(words + [part for o in shown for part in ("-S", o)])


def _say_epoch(epochs: int):
    return lambda fit, seconds: console.say(f"epoch {fit.epoch}/{epochs}  ({seconds:.1f} s)")
