"""`earmark predict chord`: thin, as `cli` is."""

import json
from collections import Counter
from pathlib import Path

from earmark import console, resolve
from earmark.console import warn
from earmark.errors import EarmarkError


def predict(files: list[Path], problems: dict[Path, str], model: str | None, as_json: bool, out: Path | None) -> None:
    """Write DIR/<stem>.lab, .json and .mid of every recording, or print the chords where no folder is named.

    problems: sentences on files that are no recordings; those of recordings that cannot be used join them.
    """
    usable = [file for file in files if file not in problems]
    _show(_answers(usable, problems, model, out) if usable else [], as_json, out)


def _answers(files: list[Path], problems: dict[Path, str], model: str | None, out: Path | None) -> list:
    """(file, song) of each file that can be used; the others' sentences go into `problems`."""
    _refuse_clash(files, out)
    from earmark.audio import AudioError
    from earmark.chords.recognise import Recogniser

    chosen = resolve.model("chord", model)
    warn(chosen.sentence)
    recognise, answers = Recogniser(chosen.folder), []
    for file in console.progress(files, len(files), "recognising chords") if out else files:
        try:
            song = recognise(file)
        except (AudioError, OSError) as e:
            problems[file] = f"{file} cannot be used: {getattr(e, 'strerror', None) or e}."
            continue
        if out:
            _write(out / file.stem, song)
        answers.append((file, song))
    return answers


def _refuse_clash(files: list[Path], out: Path | None) -> None:
    stem, times = Counter(file.stem for file in files).most_common(1)[0]
    if out and times > 1:
        clash = " and ".join(str(f) for f in files if f.stem == stem)
        raise EarmarkError(f"{clash} would both become {out / stem}.lab; recognise them into two folders.")


def _write(beside: Path, song) -> None:
    from earmark.chords import lab, midi

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
