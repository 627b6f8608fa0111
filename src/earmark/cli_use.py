"""The commands of those who use a model: predict, score, release. Thin, as `cli` is."""

import json
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earmark import cli_chord, cli_speaker, config, console, paths, resolve
from earmark.console import Overrides, TaskName, warn
from earmark.errors import EarmarkError

if TYPE_CHECKING:
    from earmark.predict import Answer

LONG_S = 60.0  # a recording for which a timeline is offered
ModelName = Annotated[str | None, typer.Option(help="A model folder or an MLflow model URI.")]


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
    if task == "chord":
        cli_chord.predict(files, model, as_json, out)
        return
    config.check_task(task)
    problems = {file: problem for file in files if (problem := _no_recording(file, task))}
    answers: list[tuple[Path, Answer]] = []
    if set(files) - problems.keys():
        answers = _answers(task, model, files, problems, timeline)
    if as_json:
        print(json.dumps([_plain(file, answer, timeline) for file, answer in answers], indent=2))
    elif answers:
        _print_answers(answers, timeline)
    for problem in problems.values():
        warn(problem)
    if problems:
        raise typer.Exit(1)


def _no_recording(path: Path, task: str) -> str | None:
    if path.is_dir():
        return f"{path} is a folder; name its files, or judge a labelled folder with `earmark score {task} {path}`."
    return None if path.is_file() else f"There is no file {path}."


def _answers(
    task: str, model: str | None, files: Iterable[Path], problems: dict[Path, str], timeline: bool
) -> list[tuple[Path, "Answer"]]:
    """(file, answer) of each file that can be used; the others' sentences go into `problems`."""
    from earmark.audio import AudioError
    from earmark.predict import Predictor

    chosen = resolve.model(task, model)
    warn(chosen.sentence)
    predictor, answers = Predictor(chosen.folder), []
    for file in (f for f in files if f not in problems):
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


def score(
    task: TaskName,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="One sub-folder a label, or with manifest.csv.")],
    model: ModelName = None,
    out: Annotated[Path | None, typer.Option(help="Where files go; score/TASK by default.")] = None,
) -> None:
    """Judge a labelled folder from elsewhere, generated sounds say, beside the model's real test set."""
    config.check_task(task)
    from earmark import score as work

    if task not in work.COMPARED:
        raise EarmarkError(f"`earmark score` works for the tasks {' and '.join(work.COMPARED)}, not for {task}.")
    chosen, out = resolve.model(task, model), out or Path("score") / task
    warn(chosen.sentence)
    tracker = _tracker(task)
    judged = _judge(task).judged(chosen.folder, folder, warn, console.progress)
    for row in judged.unusable.itertuples():
        warn(f"left out {row.path}: {row.reason}.")
    beside = work.real(chosen.folder, Path("reports") / task, tracker)
    found = work.summary(judged.figures, judged.data_sha256, chosen, judged.unusable, beside)
    work.write(out, judged.predictions, found)
    pictures = judged.draw(out)
    if tracker:
        work.log(tracker, out, found, folder, pictures)
    _print_score(found, work.COMPARED[task])


def _judge(task: str):
    """The module that judges a folder with a task's model."""
    if task == "chord":
        from earmark import score_chord as judge
    else:
        from earmark import score_genre as judge
    return judge


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
    console.say(f"Real test set: {beside['from']}." if beside else "No real test figures are known for this model.")
    if len(found.get("by_class", ())) < found.get("n_classes", 0):
        n, of = len(found["by_class"]), found["n_classes"]
        console.say(
            f"The folder holds {n} of the model's {of} classes; the real figures are over all of them, so compare "
            "recalls by class."
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


def release(
    task: TaskName,
    about: Annotated[str | None, typer.Option(help="What it knows: 'environmental sounds, ten classes'.")] = None,
    data: Annotated[str | None, typer.Option(help="The recordings and their licence: 'ESC-10, CC BY 3.0'.")] = None,
    figures: Annotated[Path | None, typer.Option(help="metrics.json of this recipe's cross-validation.")] = None,
    overrides: Overrides = None,
    out: Annotated[Path | None, typer.Option(help="The bundle's folder; the package's own by default.")] = None,
) -> None:
    """Write a bundle with its card: genre's recipe trained on all recordings, or the chord champion as it is."""
    config.check_task(task)
    if task not in ("genre", "chord"):
        raise EarmarkError(f"`earmark release` works for the tasks genre and chord, not for {task}.")
    for name, given in (("about", about), ("data", data)):
        if not given:
            raise EarmarkError(f"A release needs --{name} in words; `earmark release --help` shows how they read.")
    if task == "chord":
        _release_chord(about, data, figures, overrides, out)
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


def _release_chord(about: str, data: str, figures: Path | None, overrides: list[str] | None, out: Path | None) -> None:
    if figures or overrides:
        raise EarmarkError("A release of chords trains nothing and measures by itself; leave --figures and -S out.")
    from earmark import bundle, release, release_chord

    chosen, out = release_chord.chosen(), out or bundle.ROOT / "chord"
    warn(f"Releasing {chosen.name}.")
    command = shlex.join(["earmark", "release", "chord", "--about", about, "--data", data])
    release_chord.make(chosen.folder, console.settings("chord"), release.Words(about, data, command), out)
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
