"""What people say of labels while they listen: review.csv, a row a recording or a segment of one.

A mark says that a label is wrong, which one is right (corrected), or that it is in doubt (doubtful); a row without a
status says nothing yet.
"""

import csv
import io
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from earmark.data import text_table
from earmark.data.names import nfc
from earmark.errors import EarmarkError, nearest, writing

COLUMNS = ("path", "start_s", "end_s", "label", "status", "corrected", "note", "by", "at", "manifest_sha256")
STATUSES = ("wrong", "corrected", "doubtful")


@dataclass(frozen=True)
class Mark:
    """What one person says of one label.

    path: the recording, below the audio's folder. start_s, end_s: the segment that the label is of, None where it is of
    the whole recording. label: as it was read. status: one of STATUSES, '' for nothing yet. corrected: the right label,
    where the status is `corrected`. by, at: who said it, and when (ISO 8601). manifest_sha256: `review.fingerprint` of
    the manifest that the label was read from.
    """

    path: str
    label: str
    start_s: float | None = None
    end_s: float | None = None
    status: str = ""
    corrected: str = ""
    note: str = ""
    by: str = ""
    at: str = ""
    manifest_sha256: str = ""

    @property
    def of(self) -> tuple[str, float | None]:
        """What it is a mark of: there is one mark of each."""
        return self.path, self.start_s


def read(path: Path) -> list[Mark]:
    """The marks of a file, in its order. Raises EarmarkError naming the line."""
    names, rows = text_table.read(path, ("path", "label", "status"))
    found: dict[tuple[str, float | None], Mark] = {}
    for line, fields in rows.items():
        mark = _mark(f"{path}, line {line}", dict(zip(names, fields, strict=True)))
        if mark.of in found:
            raise EarmarkError(f"{path}, line {line} marks '{mark.path}' again; keep one row for each.")
        found[mark.of] = mark
    return list(found.values())


def _mark(where: str, said: dict[str, str]) -> Mark:
    times = [_seconds(where, name, said.get(name, "")) for name in ("start_s", "end_s")]
    if (times[0] is None) != (times[1] is None):
        raise EarmarkError(f"{where} has only one of start_s and end_s; give both, or neither for a whole recording.")
    texts = {name: said.get(name, "") for name in COLUMNS if name not in ("start_s", "end_s")}
    texts |= {name: nfc(texts[name]) for name in ("label", "corrected")}
    mark = Mark(start_s=times[0], end_s=times[1], **{**texts, "status": texts["status"].lower()})
    check(where, mark.status, mark.corrected)
    return mark


def check(where: str, status: str, corrected: str) -> None:
    """Raise EarmarkError where a status is none, or a right label is given without it or missing."""
    if status not in ("", *STATUSES):
        raise EarmarkError(f"{where}: '{status}' is not a status; {nearest(status, STATUSES)}")
    if (status == "corrected") != bool(corrected):
        raise EarmarkError(f"{where}: fill in the column 'corrected' if, and only if, the status is corrected.")


def _seconds(where: str, name: str, text: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        raise EarmarkError(f"{where}: '{name}' must be a number of seconds, not '{text}'.") from None


def write(path: Path, marks: Iterable[Mark]) -> None:
    """The file, whole or not at all."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    for mark in marks:
        times = {name: "" if (s := getattr(mark, name)) is None else f"{s:.6f}" for name in ("start_s", "end_s")}
        lines.writerow([times.get(name, getattr(mark, name)) for name in COLUMNS])
    with writing(path, "name another file with --out"):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f"{path.name}.new")
        beside.write_text(text.getvalue(), encoding="utf-8", newline="")
        os.replace(beside, path)
