"""POP909 (Wang 2020, https://github.com/music-x-lab/POP909-Dataset, MIT): songs as MIDI, with chords and keys in time.

Provenance: nobody listened to write these labels. chord_midi.txt was computed from the piano MIDI by the authors'
rule-based algorithm, key_audio.txt from the audio by another; the tempo curves were drawn by hand. Chords
stand on beats, and 15 qualities and their inversions occur. What scores well against them agrees with that algorithm.
"""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from earmark.errors import EarmarkError
from earmark.tasks.chord import annotations
from earmark.tasks.chord.notation import lab
from earmark.tasks.chord.notation.lab import LabSegment


@dataclass(frozen=True)
class Pop909Song:
    """A song by its number, its MIDI file, and the rows of its labels in seconds of that file."""

    name: str
    midi: Path
    chords: list[LabSegment]
    keys: list[LabSegment]

    @property
    def key(self) -> str:
        """The key that lasts longest, '' where none is known."""
        return annotations.main_key(self.keys)


def names(root: Path) -> list[str]:
    """The numbers of the songs in POP909/ below the root."""
    found = sorted(p.parent.name for p in (root / "POP909").glob("[0-9]*/chord_midi.txt"))
    if not found:
        raise EarmarkError(f"{root} holds no songs such as POP909/001/chord_midi.txt; set the root to POP909's folder.")
    return found


def song(root: Path, name: str) -> Pop909Song:
    """One song. Its keys, which were found in the audio, begin and end up to some seconds away from its chords."""
    folder = root / "POP909" / name
    midi = folder / f"{name}.mid"
    if not midi.exists():
        raise EarmarkError(f"There is no {midi}; unpack POP909 again.")
    return Pop909Song(name, midi, _chords(folder / "chord_midi.txt"), tidy(annotations.keys(folder / "key_audio.txt")))


def _chords(path: Path) -> list[LabSegment]:
    """The chords, checked as `lab.read` does, after rows that overlap were cut."""
    rows = tidy([s for _, s in annotations.rows(path)])
    return lab.check_rows(
        path, [(n, [str(s.start_s), str(s.end_s), s.label]) for n, s in enumerate(rows, 1)], None, "X"
    )


def tidy(segments: list[LabSegment]) -> list[LabSegment]:
    """Segments in order of time without overlaps: one that another begins within is cut there; empty ones go."""
    ordered = sorted(segments)
    cut = [a._replace(end_s=min(a.end_s, b.start_s)) for a, b in pairwise(ordered)] + ordered[-1:]
    return [s for s in cut if s.end_s > s.start_s]
