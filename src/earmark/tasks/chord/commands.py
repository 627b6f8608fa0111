"""`earmark predict chord`."""

from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earmark import console
from earmark.console import printable
from earmark.errors import writable_folder, writing

if TYPE_CHECKING:
    from earmark.tasks.answering import Recording
    from earmark.tasks.chord.predictions import SongPrediction
    from earmark.training.model_files import ResolvedModel

FACTS = ("key", "key_probability", "music", "duration_s")  # of a whole song
NO_CHORD = ("N", "N.C.")  # in Harte's notation and on charts
MOSTLY = 0.5  # share of a recording without a chord from which on it is said


class Names(StrEnum):
    """How chords are called."""

    HARTE = "harte"
    POP = "pop"


def predict(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Recordings, or folders of them; - reads standard input.")],
    model: Annotated[str | None, typer.Option(help="A model folder or MLflow URI, in place of the champion.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answers as JSON.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write .lab, .json, .jams and .mid files into this folder, keeping the sub-folders of the input."
        ),
    ] = None,
    names: Annotated[
        Names, typer.Option(help="How to write chords: 'harte' as in C:maj/3, 'pop' as in C/E on lead sheets.")
    ] = Names.HARTE,
    channel: Annotated[
        int | None, typer.Option(min=1, help="The channel to read, counted from 1; by default the mean of all.")
    ] = None,
) -> None:
    """Recognise the chords and the key of each recording, and print them or write files (--out)."""
    from earmark.tasks import answering

    if out:
        writable_folder(out, "--out")
    problems: answering.Problems = []
    answers: list[tuple[answering.Recording, SongPrediction]] = []
    chosen: ResolvedModel | None = None
    with answering.recordings(files, problems, channel) as usable:
        if usable:
            if out:
                answering.refuse_clash(usable, out, ".lab", "recognise them into two folders")
            from earmark.tasks.chord.predictions import Recogniser

            chosen = ctx.obj(model)
            shown = partial(console.progress, total=len(usable), title="recognising chords") if out else iter
            for file, song in answering.answers(usable, Recogniser(chosen.folder), problems, shown):
                named = _named(song, names)
                if out:
                    _write(out / file.stem, song, named, chosen)
                answers.append((file, named))
            answering.tell_met(chosen.folder, usable)
    if as_json:
        rows = ((file, facts(song) | {"segments": [s._asdict() for s in song.segments]}) for file, song in answers)
        answering.print_json(answering.rows(rows, problems, (*FACTS, "segments"), chosen))
    elif chosen and answers:
        console.say(chosen.sentence)
        _show(answers, out)
    answering.finish(problems)


def _named(song: "SongPrediction", names: Names) -> "SongPrediction":
    """The song with its chords called as they were asked for."""
    if names == Names.HARTE:
        return song
    from earmark.tasks.chord.notation import pop

    return replace(song, segments=[s._replace(label=pop.of_harte(s.label)) for s in song.segments])


def _write(beside: Path, song: "SongPrediction", named: "SongPrediction", model: "ResolvedModel") -> None:
    from earmark.tasks.chord.notation import jams, lab, midi

    kinds, plain = ("lab", "json", "jams", "mid"), model.plain()
    lab_file, json_file, jams_file, midi_file = (beside.parent / f"{beside.name}.{kind}" for kind in kinds)
    with writing(Path(printable(lab_file))):
        beside.parent.mkdir(parents=True, exist_ok=True)
        lab.write(lab_file, named.segments)
        lab.write_json(json_file, named.segments, **facts(song), model=plain)
        jams.write(jams_file, song.segments, song.key, song.key_probability, song.duration_s, plain)
        midi.write(midi_file, song.segments)


def facts(song: "SongPrediction") -> dict:
    """What is said of a whole song."""
    return {name: getattr(song, name) for name in FACTS}


def _show(answers: "list[tuple[Recording, SongPrediction]]", out: Path | None) -> None:
    for file, song in answers:
        if out:
            heard = f"{len(song.segments)} chords, {_summary(song)}"
            said = f"{file.shown}: {heard}" if song.music else _no_music(file)
            print(f"{said} -> {printable(out / file.stem)}.lab")
        elif song.music:
            rows = [(f"{s.start_s:.2f}", f"{s.end_s:.2f}", s.label, f"{s.probability:.2f}") for s in song.segments]
            console.table(("from", "to", "chord", "probability"), rows, f"{file.shown}, {_summary(song)}")
        else:
            console.say(f"{_no_music(file)}.")


def _no_music(file: "Recording") -> str:
    return f"{file.shown} holds no music: no chord was heard in it"


def _summary(song: "SongPrediction") -> str:
    """The key, and how much of the recording has no chord where that is most of it."""
    without = sum(s.end_s - s.start_s for s in song.segments if s.label in NO_CHORD) / song.duration_s
    return f"key {song.key}" + (f", no chord in {without:.0%} of it" if without >= MOSTLY else "")
