"""A timeline as other programs read it: Audacity's label track, and Raven's selection table."""

import re
from collections.abc import Iterable
from pathlib import Path

from earmark.tasks.genre.predictions import GenreSegment

HEAD = (
    *("Selection", "View", "Channel", "Begin Time (s)", "End Time (s)", "Low Freq (Hz)", "High Freq (Hz)"),
    *("Annotation", "Score"),
)


def write(beside: Path, segments: list[GenreSegment], top_hz: float, endings: tuple[str, str]) -> None:
    """Write `beside` with the first ending for Audacity (File, Import, Labels), with the second for Raven."""
    beside.parent.mkdir(parents=True, exist_ok=True)
    for ending, text in zip(endings, (audacity(segments), raven(segments, top_hz)), strict=True):
        (beside.parent / f"{beside.name}{ending}").write_text(text, encoding="utf-8")


def audacity(segments: Iterable[GenreSegment]) -> str:
    """Start and end in seconds, and the label, apart by tabs: a line a segment."""
    return "".join(f"{s.start_s:.6f}\t{s.end_s:.6f}\t{_in_a_line(s.label)}\n" for s in segments)


def raven(segments: Iterable[GenreSegment], top_hz: float) -> str:
    """A selection a segment on the first channel's spectrogram, from 0 Hz to top_hz; Score: its mean probability."""
    rows = ["\t".join(HEAD)]
    for number, s in enumerate(segments, 1):
        times = f"{s.start_s:.6f}\t{s.end_s:.6f}\t0.0\t{top_hz:.1f}"
        rows.append(f"{number}\tSpectrogram 1\t1\t{times}\t{_in_a_line(s.label)}\t{s.probability:.4f}")
    return "\n".join(rows) + "\n"


def _in_a_line(label: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]+", " ", label)
