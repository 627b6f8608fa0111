"""Songs of sines with their chords, for the tests that train on a folder."""

from pathlib import Path

import numpy as np
import soundfile as sf

from builders import sines
from earmark.tasks.chord.notation import harte, lab
from earmark.tasks.chord.notation.lab import LabSegment

RATE = 8000
PROGRESSIONS = ("C:maj A:min F:maj G:maj", "G:maj E:min C:maj D:maj", "D:min G:7 C:maj A:min", "F:maj D:min Bb:maj C:7")
KEYS = ("C:maj", "G:maj", "C:maj", "F:maj")


def song(path: Path, progression: str, keynote: int) -> list[LabSegment]:
    """Half a second of silence, then a chord of sines a second and a half; written with its .lab beside."""
    segments, parts = [LabSegment(0.0, 0.5, "N")], [np.zeros(RATE // 2, np.float32)]
    for i, written in enumerate(progression.split()):
        label = harte.transposed(written, keynote)
        chord = harte.parse(label)
        notes = [sines(130.81 * 2 ** (pitch / 12), 1.5, RATE, 0.15) for pitch in sorted(chord.tones)]
        parts.append(sum(notes) + sines(65.41 * 2 ** (chord.root / 12), 1.5, RATE, 0.2))
        segments.append(LabSegment(0.5 + 1.5 * i, 2.0 + 1.5 * i, label))
    sf.write(path, np.stack([np.concatenate(parts), 0.8 * np.concatenate(parts)], 1), RATE)
    lab.write(path.with_suffix(".lab"), segments)
    return segments


def songs(root: Path) -> Path:
    """Ten songs of 6.5 s, a group each, with a key each."""
    root.mkdir()
    rows = ["path,lab,group,key"]
    for i in range(10):
        song(root / f"s{i}.wav", PROGRESSIONS[i % 4], i % 3)
        rows.append(f"s{i}.wav,s{i}.lab,s{i},{harte.transposed(KEYS[i % 4], i % 3)}")
    (root / "manifest.csv").write_text("\n".join(rows) + "\n")
    return root
