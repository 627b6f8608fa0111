"""Chords in time: reading, writing and mending of .lab files, their frames, and JSON of them.

A .lab file has a row a chord: start and end in seconds and a Harte label, separated by blanks.
"""

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from earmark.errors import EarmarkError
from earmark.tasks.chord.notation import harte, pop
from earmark.tasks.chord.notation.targets import Targets, of_labels
from earmark.tasks.chord.notation.vocabulary import NARROW, Vocabulary

ROUNDING_S = 0.001  # rows that overlap by no more were rounded: the later row's start counts
CLOSED_S = 0.05  # a gap of no more is closed: the earlier chord lasts until the later one starts
OVERHANG_S = 1.0  # an annotation may outlast its audio by so much, and is cut; longer belongs to another recording


class LabSegment(NamedTuple):
    """A chord from start_s up to end_s."""

    start_s: float
    end_s: float
    label: str
    probability: float | None = None


def read(
    path: Path, duration_s: float | None = None, fill: str = "X", converted: pop.Converted | None = None
) -> list[LabSegment]:
    """The chords of a .lab file, without gaps, in the spelling that mir_eval scores.

    Names as pop charts have them (Am7, C/E, N.C.) become Harte's labels, and are counted in `converted`.

    Time that no row covers becomes `fill`: X in an annotation, where nobody said what sounds; N in an estimate, as
    mir_eval has it. That is between rows; what lies before the first and after the last is left to `cut_to_span`.
    duration_s: the audio's length, where it is known; a last row that ends up to a second later is cut.
    Raises EarmarkError naming file and row.
    """
    rows = [(n, line.split()) for n, line in enumerate(_lines(path), 1) if line.strip()]
    return check_rows(path, rows, duration_s, fill, converted)


def check_rows(
    path: Path,
    rows: list[tuple[int, list[str]]],
    duration_s: float | None,
    fill: str,
    converted: pop.Converted | None = None,
) -> list[LabSegment]:
    """`read` of numbered rows START END LABEL that `path` holds in another format."""
    if not rows:
        raise EarmarkError(f"{path} has no rows; write one row per chord, as in '0.0 2.5 C:maj', or 'N' for no chord.")
    converted = pop.Converted() if converted is None else converted
    segments = [_segment(f"{path}, row {n}", fields, converted) for n, fields in rows]
    for (n, _), before, after in zip(rows[1:], segments, segments[1:], strict=False):
        if after.start_s < before.end_s - ROUNDING_S:
            raise EarmarkError(
                f"{path}, row {n} starts at {after.start_s:g} s, but the row before ends at {before.end_s:g} s; "
                "rows must follow one another without overlap."
            )
    if duration_s is not None:
        segments = _within(path, segments, duration_s)
    return close_gaps(segments, fill)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise EarmarkError(f"There is no chord file {path}; give the path of a .lab file that exists.") from None
    except UnicodeDecodeError:
        raise EarmarkError(f"{path} is not text in UTF-8; a .lab file has rows such as '0.0 2.5 C:maj'.") from None
    except OSError as e:
        raise EarmarkError(
            f"{path} cannot be read: {e.strerror}; make it readable, or give another .lab file."
        ) from None


def _segment(where: str, fields: list[str], converted: pop.Converted) -> LabSegment:
    """One checked row; `where` names file and row."""
    if " ".join(fields[2:]).casefold() in pop.NO_CHORD:
        fields = [*fields[:2], "_".join(fields[2:])]
    try:
        start, end = float(fields[0]), float(fields[1])
        label = harte.scorable(pop.to_harte(fields[2]))
    except harte.ChordError as e:
        raise EarmarkError(f"{where}: {e}; correct the label, or write X for a chord that is unknown.") from None
    except (ValueError, IndexError):
        raise EarmarkError(f"{where}: '{' '.join(fields)}' is not 'START END LABEL', times in seconds.") from None
    if len(fields) > 3:
        raise EarmarkError(f"{where} has {len(fields)} fields; it takes three: start, end and label.")
    if not (0 <= start < end < math.inf):
        raise EarmarkError(
            f"{where} runs from {start:g} to {end:g} s; the start must be at least 0, and the end after it."
        )
    if not harte.is_chord(fields[2]):
        converted[fields[2], label] += 1
    return LabSegment(start, end, label)


def _within(path: Path, segments: list[LabSegment], duration_s: float) -> list[LabSegment]:
    end = segments[-1].end_s
    if end > duration_s + OVERHANG_S or segments[0].start_s >= duration_s:
        raise EarmarkError(
            f"{path}, last row ends at {end:.2f} s, but the audio lasts {duration_s:.2f} s; "
            "does the annotation belong to another recording?"
        )
    return [s._replace(end_s=min(s.end_s, duration_s)) for s in segments if s.start_s < duration_s]


def close_gaps(segments: list[LabSegment], fill: str) -> list[LabSegment]:
    """Segments one right after the other: gaps of up to 50 ms go to the earlier chord, longer ones become `fill`."""
    done = []
    for before, after in pairwise(segments):
        if after.start_s - before.end_s > CLOSED_S + 1e-6:
            done += [before, LabSegment(before.end_s, after.start_s, fill)]
        else:
            done.append(before._replace(end_s=after.start_s))
    return done + segments[-1:]


def cut_to_span(segments: list[LabSegment], start_s: float, end_s: float, fill: str) -> list[LabSegment]:
    """The part of closed segments from start_s to end_s, with `fill` where they begin later or end sooner."""
    kept = [
        s._replace(start_s=max(s.start_s, start_s), end_s=min(s.end_s, end_s))
        for s in segments
        if s.start_s < end_s and s.end_s > start_s
    ]
    if not kept:
        return [LabSegment(start_s, end_s, fill)]
    head = [LabSegment(start_s, kept[0].start_s, fill)] if kept[0].start_s > start_s else []
    tail = [LabSegment(kept[-1].end_s, end_s, fill)] if kept[-1].end_s < end_s else []
    return head + kept + tail


def merge_repeats(segments: list[LabSegment]) -> list[LabSegment]:
    """Neighbours of the same chord (bass included) as one segment, with the first one's label and no probability."""
    done: list[LabSegment] = []
    for s in segments:
        if done and done[-1].end_s == s.start_s and harte.parse(done[-1].label) == harte.parse(s.label):
            done[-1] = LabSegment(done[-1].start_s, s.end_s, done[-1].label)
        else:
            done.append(s)
    return done


def transposed(segments: list[LabSegment], semitones: int) -> list[LabSegment]:
    """The same times, the chords as many semitones higher."""
    return [s._replace(label=harte.transposed(s.label, semitones)) for s in segments]


def frames(segments: list[LabSegment], n_frames: int, hop_s: float, vocabulary: Vocabulary = NARROW) -> Targets:
    """Targets of n_frames frames, frame i centred at i * hop_s seconds; X where no segment covers the centre."""
    starts = np.array([s.start_s for s in segments])
    ends = np.array([s.end_s for s in segments])
    centres = np.arange(n_frames) * hop_s
    place = np.searchsorted(starts, centres, side="right") - 1
    inside = (place >= 0) & (centres < ends[place])
    return of_labels([s.label for s in segments], np.where(inside, place, -1), vocabulary)


def write(path: Path, segments: list[LabSegment]) -> None:
    """A .lab file, times to the microsecond."""
    path.write_text(text(segments))


def text(segments: list[LabSegment]) -> str:
    """The rows of a .lab file."""
    return "".join(f"{s.start_s:.6f}\t{s.end_s:.6f}\t{s.label}\n" for s in segments)


def write_json(path: Path, segments: list[LabSegment], **song) -> None:
    """An object of `song`'s entries (key, duration_s ...) and the list `segments`, times to the microsecond."""
    rows = [s._asdict() | {"start_s": round(s.start_s, 6), "end_s": round(s.end_s, 6)} for s in segments]
    path.write_text(json.dumps(song | {"segments": rows}, indent=1) + "\n")
