"""Chords corrected: a song's .lab file with other labels where a review says so, and every other byte as it was."""

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pandas as pd

from earmark import audio
from earmark.data import manifest
from earmark.data.correction import Correction, ReviewedMark, other_label
from earmark.errors import EarmarkError
from earmark.tasks.chord import annotations
from earmark.tasks.chord.notation import harte, lab, label_track, pop

NEAR_S = 1e-3 + 1e-9  # a report's times are rounded
UNKNOWN = "X"
BOM = "\ufeff"
FIELDS = re.compile(r"(\s*(\S+)\s+(\S+)\s+)(\S.*?)(\s*)")  # start, end, label, and what is around them


@dataclass
class LabRow:
    """A row of a .lab file. before: what stands before the label, times and all; behind: the line's end."""

    before: str
    start: str
    end: str
    label: str
    behind: str

    @property
    def text(self) -> str:
        """The whole line."""
        return self.before + self.label + self.behind


Line = LabRow | str  # a blank line is text


def correct(root: Path, song: pd.Series, said: list[ReviewedMark]) -> Correction:
    """What a review makes of a song: a new .lab file; a song whose whole annotation is wrong is left out.

    Raises EarmarkError where a mark fits no segment, or its right label is no chord.
    """
    whole = [one for one in said if one.mark.start_s is None]
    for one in whole:
        if one.mark.status == "corrected":
            raise EarmarkError(f"{one.where} corrects a song without saying where; fill in start_s and end_s.")
    if any(one.mark.status == "wrong" for one in whole):
        return Correction(left_out=True)
    path = manifest.inside(root, song.lab, song.path)
    lines = _lines(path, root, song.path)
    before = _text(lines)
    former = [label for one in said if one not in whole for label in _put(lines, one)]
    content = _text(lines)
    return Correction(files={} if content == before else {"lab": content.encode()}, former="; ".join(former))


def _text(lines: list[Line]) -> str:
    return "".join(line if isinstance(line, str) else line.text for line in lines)


def _lines(path: Path, root: Path, song: str) -> list[Line]:
    """The lines of a .lab file, line ends and all; of another format those of the .lab file that says the same."""
    track = path.suffix.lower() == ".txt" and label_track.is_one(path)
    segments = annotations.chords(path, _duration(root, song) if track else None)  # raises where the file is broken
    rewritten = track or path.suffix.lower() == ".jams"
    text = lab.text(segments) if rewritten else path.read_bytes().decode()
    mark = BOM if text.startswith(BOM) else ""
    return [mark, *map(_line, text.removeprefix(BOM).splitlines(keepends=True))]


def _line(text: str) -> Line:
    fields = FIELDS.fullmatch(text)
    return LabRow(*fields.groups()) if fields else text


def _duration(root: Path, song: str) -> float:
    """Seconds; of labels at points the last one lasts until the recording's end."""
    try:
        return audio.check(audio.folder(root, "mix") / song).duration_s
    except (audio.AudioError, OSError) as e:
        raise EarmarkError(
            f"{root / song} cannot be read, so it is not known where its last chord ends: {e}."
        ) from None


def _put(lines: list[Line], said: ReviewedMark) -> list[str]:
    """Give the segment of a mark its right label: the former one with its time, or nothing where it stays."""
    own, label = _segment(lines, said), _right(said)
    if label in (None, own.label):
        return []
    if own not in lines:
        lines.insert(_place(lines, own), own)
    former, own.label = own.label, label
    return [f"{own.start} s {former}"]


def _right(said: ReviewedMark) -> str | None:
    """The label that is to stand there, None where it stays."""
    if said.mark.status != "corrected":
        return UNKNOWN if said.mark.status == "wrong" else None
    try:
        return pop.to_harte(said.mark.corrected)  # raises for what mir_eval cannot read, too
    except harte.ChordError as e:
        raise EarmarkError(f"{said.where}: {e}; correct the column 'corrected'.") from None


def _segment(lines: list[Line], said: ReviewedMark) -> LabRow:
    """The row that a mark is of, or one for time between two rows that nobody labelled, which is read as X."""
    rows = [line for line in lines if isinstance(line, LabRow)]
    near = [row for row in rows if _near(row.start, said)]
    for row in near:
        if _read(row.label) == _read(said.mark.label):
            return row
    if near:
        raise other_label(said, near[0].label)
    for before, after in pairwise(rows):
        gap_s = float(after.start) - float(before.end)
        if _near(before.end, said) and gap_s > lab.CLOSED_S and said.mark.label == UNKNOWN:
            return LabRow(
                f"{before.end}\t{after.start}\t", before.end, after.start, UNKNOWN, before.behind.strip(" \t")
            )
    raise EarmarkError(f"{said.where}: no segment of the song begins at that time; review the song again.")


def _near(time: str, said: ReviewedMark) -> bool:
    return abs(float(time) - (said.mark.start_s or 0.0)) <= NEAR_S


def _read(label: str) -> str:
    """A label as a .lab file's is read; what is no chord as it is."""
    try:
        return harte.scorable(pop.to_harte(label))
    except harte.ChordError:
        return label


def _place(lines: list[Line], new: LabRow) -> int:
    """Where among the lines a row of its own is to stand."""
    later = (i for i, line in enumerate(lines) if isinstance(line, LabRow) and float(line.start) > float(new.start))
    return next(later, len(lines))
