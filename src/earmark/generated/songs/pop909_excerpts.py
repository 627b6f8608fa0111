"""Excerpts of POP909's songs, played anew: programs of our choice, some without the melody, with added bass or drums.

The labels stay what the corpus says (`datasets.pop909` tells where they come from).
"""

import bisect
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pretty_midi

from earmark.errors import EarmarkError
from earmark.generated.songs import parts, pop909
from earmark.generated.songs.comping import WrittenNote
from earmark.generated.songs.harmony import Change
from earmark.generated.songs.songs import (
    BASSES,
    COMPS,
    KITS,
    LEADS,
    PADS,
    PIANOS,
    SINGING,
    SUNG,
    GeneratedSong,
    InstrumentPart,
    perform,
)
from earmark.tasks.chord.notation import harte, lab
from earmark.tasks.chord.notation.lab import LabSegment

PROGRAMS = {"MELODY": LEADS, "BRIDGE": (*COMPS, *LEADS, *PADS), "PIANO": (*PIANOS, *PIANOS, *COMPS)}
HEAD_S = 0.3  # silence before an excerpt that begins with the song


def songs(root: Path, first: int = 1, last: int = 909) -> list[str]:
    """The numbers first..last of the songs that the corpus below the root holds."""
    chosen = [name for name in pop909.names(root) if first <= int(name) <= last]
    if not chosen:
        raise EarmarkError(f"{root} holds no POP909 song from {first} to {last}; take others with --songs-of.")
    return chosen


def key_at(keys: list[LabSegment], time_s: float) -> str:
    """The key at a time; the nearest one outside of all, and N without any."""
    if not keys:
        return "N"
    return min(keys, key=lambda k: max(k.start_s - time_s, time_s - k.end_s, 0.0)).label


def read_beats(path: Path) -> tuple[np.ndarray, int]:
    """Times of the beats in seconds, from a bar's first on, and beats a bar (3 or 4)."""
    table = np.loadtxt(path, ndmin=2)
    downbeats = np.flatnonzero(table[:, 2] > 0)
    first = downbeats[0] if len(downbeats) else 0
    bar = int(np.median(np.diff(downbeats))) if len(downbeats) > 1 else 4
    return table[first:, 0], 3 if bar in (3, 6) else 4


def excerpt(root: Path, name: str, index: int, seed: int, seconds: float = 40.0) -> GeneratedSong:
    """`seconds` of a song from a random beat, in a random setting; (the song's number, index, seed) decide."""
    rng = random.Random(f"pop909/{seed}/{name}/{index}")
    song = pop909.song(root, name)
    beats, bar = read_beats(song.midi.with_name("beat_midi.txt"))
    chords = lab.merge_repeats(lab.cut_to_span(song.chords, 0.0, song.chords[-1].end_s, "N"))
    begin = float(rng.choice(beats[beats < max(chords[-1].end_s - seconds, beats[0] + 0.1)])) - HEAD_S
    inside = [(max(s.start_s - begin, 0.0), s.end_s - begin, s.label) for s in chords if s.end_s > begin]
    segments = [LabSegment(a, min(b, seconds), label) for a, b, label in inside if a < seconds]
    segments = lab.merge_repeats(lab.cut_to_span(segments, 0.0, seconds, "N"))
    seconds_at = _clock(beats - begin)
    players = _players(song.midi, begin, seconds, seconds_at, rng)
    players += _added(segments, beats - begin, bar, seconds_at, rng)
    midi, sung = perform(players, seconds_at, seconds, rng)
    key = key_at(song.keys, begin + seconds / 2)
    tempo = 60 / float(np.median(np.diff(beats)))
    return GeneratedSong(f"pop_{index:05d}", f"pop909_{name}", "pop", tempo, key, tuple(segments), midi, sung)


def _clock(beats: np.ndarray) -> Callable[[float], float]:
    """Seconds of a beat's number, straight on beyond the first and last beat."""
    steps = np.arange(len(beats))
    before, after = beats[1] - beats[0], beats[-1] - beats[-2]

    def seconds_at(beat: float) -> float:
        if beat < 0 or beat > steps[-1]:
            return float(beats[0] + beat * before if beat < 0 else beats[-1] + (beat - steps[-1]) * after)
        return float(np.interp(beat, steps, beats))

    return seconds_at


def _players(
    path: Path, begin: float, seconds: float, seconds_at: Callable[[float], float], rng: random.Random
) -> list[InstrumentPart]:
    """The tracks in the window, in beats; the melody is left out of some."""
    midi, players = pretty_midi.PrettyMIDI(str(path)), []
    grid = np.array([seconds_at(n) for n in range(-64, 2048)])

    def beat_of(time: float) -> float:
        return float(np.interp(time, grid, np.arange(-64, 2048)))

    drop, sings = rng.random() < 0.25, rng.random() < SINGING
    for track in midi.instruments:
        name = track.name if track.name in PROGRAMS else "PIANO"
        program = rng.choice(PROGRAMS[name])
        level, shift = rng.randint(70, 120), rng.randint(-15, 10)
        if track.is_drum or (name == "MELODY" and drop):
            continue
        notes = [n for n in track.notes if n.end - begin > 0.05 and n.start - begin < seconds]
        tones = [
            WrittenNote(beat_of(max(n.start - begin, 0.0)), beat_of(n.end - begin), n.pitch, n.velocity - 80 + shift)
            for n in notes
        ]
        called = SUNG if name == "MELODY" and sings else name.lower()
        players.append(InstrumentPart(called, tones, program, level, 80))
    return players


def _added(
    segments: list[LabSegment], beats: np.ndarray, bar: int, seconds_at: Callable[[float], float], rng: random.Random
) -> list[InstrumentPart]:
    """A bass that plays the labels, and drums on the grid of beats, in some excerpts."""
    players, end = [], segments[-1].end_s
    changes = [c for s in segments if (c := _change(s, beats)) is not None]
    if rng.random() < 0.4 and changes:
        tones = parts.write_bass(tuple(changes), parts.bassist(bar, rng), bar, rng)
        players.append(
            InstrumentPart("bass", tones, rng.choice(BASSES), rng.randint(75, 115), rng.randint(70, 100), 0.9)
        )
    if rng.random() < 0.5:
        first = max(0, bisect.bisect_left(beats, 0.0) // bar * bar)
        last = bisect.bisect_left(beats, end)
        tones = parts.write_drums(last - first, bar, bar, rng)
        tones = [t._replace(start=t.start + first, end=t.end + first) for t in tones]
        players.append(InstrumentPart("drums", tones, rng.choice(KITS), rng.randint(60, 125), rng.randint(60, 108)))
    return players


def _change(segment: LabSegment, beats: np.ndarray) -> Change | None:
    """A segment in beats, for the bass player."""
    chord = harte.parse(segment.label)
    start, end = (float(b) for b in np.interp((segment.start_s, segment.end_s), beats, np.arange(len(beats))))
    if chord.root < 0 or end - start < 0.25:
        return None
    return Change(start, end, chord.root, harte.quality_of(segment.label), (chord.bass - chord.root) % 12)
