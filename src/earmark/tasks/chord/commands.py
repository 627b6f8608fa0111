"""`earmark predict chord`."""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from earmark import console
from earmark.console import warn
from earmark.errors import EarmarkError


def predict(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Recordings.")],
    model: Annotated[str | None, typer.Option(help="A model folder or an MLflow model URI.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    out: Annotated[Path | None, typer.Option(help="The folder for .lab, .json and .mid files.")] = None,
) -> None:
    """The chords and the key of each recording: files below --out, or printed."""
    from earmark.tasks import answering

    problems: answering.Problems = {}
    usable, answers = answering.usable("chord", files, problems), []
    if usable:
        _refuse_clash(usable, out)
        from earmark.tasks.chord.predictions import Recogniser

        chosen = ctx.obj(model)
        warn(chosen.sentence)
        shown = console.progress(usable, len(usable), "recognising chords") if out else usable
        for file, song in answering.answered(shown, Recogniser(chosen.folder), problems):
            if out:
                _write(out / file.stem, song)
            answers.append((file, song))
    _show(answers, as_json, out)
    answering.finish(problems)


def _refuse_clash(files: list[Path], out: Path | None) -> None:
    stem, times = Counter(file.stem for file in files).most_common(1)[0]
    if out and times > 1:
        clash = " and ".join(str(f) for f in files if f.stem == stem)
        raise EarmarkError(f"{clash} would both become {out / stem}.lab; recognise them into two folders.")


def _write(beside: Path, song) -> None:
    from earmark.tasks.chord.notation import lab, midi

    beside.parent.mkdir(parents=True, exist_ok=True)
    lab.write(beside.parent / f"{beside.name}.lab", song.segments)
    lab.write_json(beside.parent / f"{beside.name}.json", song.segments, **facts(song))
    midi.write(beside.parent / f"{beside.name}.mid", song.segments)


def facts(song) -> dict:
    """What is said of a whole song."""
    return {"key": song.key, "key_probability": song.key_probability, "duration_s": song.duration_s}


def _show(answers: list, as_json: bool, out: Path | None) -> None:
    if as_json:
        rows = [
            {"path": str(file), **facts(song), "segments": [s._asdict() for s in song.segments]}
            for file, song in answers
        ]
        print(json.dumps(rows, indent=2))
    elif out:
        for file, song in answers:
            print(f"{file}: {len(song.segments)} chords, key {song.key} -> {out / file.stem}.lab")
    else:
        for file, song in answers:
            rows = [(f"{s.start_s:.2f}", f"{s.end_s:.2f}", s.label, f"{s.probability:.2f}") for s in song.segments]
            console.table(("from", "to", "chord", "probability"), rows, f"{file}, key {song.key}")
