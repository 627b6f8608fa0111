"""Chords as MIDI, to listen to an estimate beside the recording."""

from pathlib import Path

from earmark.tasks.chord.notation import harte
from earmark.tasks.chord.notation.lab import LabSegment

LOWEST_BASS = 36  # C2
LOWEST_TONE = 60  # C4: the chord in close position above the bass, apart from it
VELOCITY = 80
TICKS = 440  # a beat


def write(path: Path, segments: list[LabSegment], program: int = 0) -> None:
    """A piano that plays each segment: its bass in the octave of C2, its tones in that of C4; N and X are silent.

    Times are rounded to ticks of 1.1 ms: 440 a beat at 120 beats a minute.
    """
    import pretty_midi

    midi = pretty_midi.PrettyMIDI(resolution=TICKS)
    piano = pretty_midi.Instrument(program)
    for s in segments:
        for pitch in pitches(s.label):
            piano.notes.append(pretty_midi.Note(VELOCITY, pitch, s.start_s, s.end_s))
    midi.instruments.append(piano)
    midi.write(str(path))


def pitches(label: str) -> list[int]:
    """MIDI pitches of a chord, lowest first: C:maj/3 is E2, C4, E4 and G4. A bass outside is not doubled."""
    chord = harte.parse(label)
    if chord.root < 0:
        return []
    tones = {(chord.root + i) % 12 for i in chord.intervals}
    return [LOWEST_BASS + chord.bass, *sorted(LOWEST_TONE + t for t in tones)]
