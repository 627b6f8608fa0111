"""Audacity's label tracks, as File, Export Other, Export Labels writes them.

A label a line: start, end and text, apart by tabs (https://manual.audacityteam.org/man/importing_and_exporting_labels.html).
Of a point label start and end are one time. Lines that begin with a backslash hold frequencies, and are passed over.
Audacity reads decimal commas, too, and so do we.
"""

import re
from itertools import pairwise
from pathlib import Path

from earmark.errors import EarmarkError

Row = tuple[int, list[str]]
NUMBER = r"[+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?"
LABEL = re.compile(rf"\s*({NUMBER})\t\s*({NUMBER})\s*(?:\t(.*))?")
UNNAMED = "X"  # what a label without a text says: something changes, and nobody said into what
LEAST_S = 0.001


def is_one(path: Path) -> bool:
    """Whether a text file begins as a label track does."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return False
    return bool(LABEL.fullmatch(next(filter(str.strip, lines), "")))


def rows(path: Path, text: str, duration_s: float | None) -> list[Row]:
    """Numbered rows START END LABEL of a track's text, an unnamed label as X.

    Where all labels are points, each lasts until the next, and the last one until the audio's end, duration_s: people
    mark changes so. Raises EarmarkError naming file and row, also where points and regions are mixed.
    """
    lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip() and not line.startswith("\\")]
    found = [(n, _fields(f"{path}, row {n}", line)) for n, line in lines]
    if found and all(label == UNNAMED for _, (_, _, label) in found):
        raise EarmarkError(f"{path}: no label has any text; write chords into the labels, as in C:maj, Am7 or N.")
    points = [n for n, (start, end, _) in found if start == end]
    if points and len(points) < len(found):
        raise EarmarkError(
            f"{path}, row {points[0]} is a label at a point, but others are labels of a region; give each chord "
            "a region, or mark every change with a point."
        )
    spans = _until_the_next(path, found, duration_s) if points else found
    return [(n, [str(start), str(end), label]) for n, (start, end, label) in spans]


def _fields(where: str, line: str) -> tuple[float, float, str]:
    match = LABEL.fullmatch(line)
    if not match:
        raise EarmarkError(f"{where}: '{line.strip()}' is not 'START END LABEL' separated by tabs, times in seconds.")
    start, end = (float(number.replace(",", ".")) for number in match.groups()[:2])
    return start, end, (match[3] or "").strip() or UNNAMED


def _until_the_next(
    path: Path, points: list[tuple[int, tuple[float, float, str]]], duration_s: float | None
) -> list[tuple[int, tuple[float, float, str]]]:
    for (_, (before, _, _)), (n, (start, _, _)) in pairwise(points):
        if start <= before:
            raise EarmarkError(f"{path}, row {n}: the label at {start:g} s must lie after the one at {before:g} s.")
    if duration_s is None:
        raise EarmarkError(
            f"{path} has labels at points, so it is not known how long the last one lasts; give regions."
        )
    starts = [start for _, (start, _, _) in points]
    # One at the very end, or a little later, says that the music stops; `lab` cuts it, or refuses one far behind.
    ends = [*starts[1:], max(duration_s, starts[-1] + LEAST_S)]
    return [(n, (start, end, label)) for (n, (start, _, label)), end in zip(points, ends, strict=True)]
