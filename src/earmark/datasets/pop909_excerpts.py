"""POP909 (Wang et al., ISMIR 2020): 909 pop songs as MIDI of three tracks, with chords, keys and beats.

Read in the authors' layout, POP909/NNN/{NNN.mid, chord_midi.txt, beat_midi.txt, key_audio.txt}. Nobody annotated the
chords by ear: the authors' algorithm took them from the notes, and `key_audio.txt` from a recording of the song whose
times differ from the MIDI's by up to a few seconds. Excerpts are played with programs of our choice, sometimes without
the melody, with an added bass or drums: the chords stay what they were.
"""

import bisect
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pretty_midi

from earmark.chords import harte, lab
from earmark.chords.lab import Segment
from earmark.datasets import chord_parts as parts
from earmark.datasets import chord_patterns as patterns
from earmark.datasets.chord_comping import Tone
from earmark.datasets.chord_harmony import Change
from earmark.datasets.chord_songs import BASSES, COMPS, KITS, LEADS, PADS, PIANOS, Part, Song, perform
from earmark.errors import EarmarkError

PROGRAMS = {"MELODY": LEADS, "BRIDGE": (*COMPS, *LEADS, *PADS), "PIANO": (*PIANOS, *PIANOS, *COMPS)}
HEAD_S = 0.3  # silence before an excerpt that begins with the song
GAP_S = 0.75  # longest gap between two chords that the earlier one fills: about a beat


def songs(root: Path, first: int = 1, last: int = 909) -> list[Path]:
    """The folders of songs number first..last that the corpus holds (its numbers have gaps in shared copies)."""
    folders = sorted(p for p in Path(root).glob("[0-9][0-9][0-9]") if (p / f"{p.name}.mid").is_file())
    chosen = [p for p in folders if first <= int(p.name) <= last]
    if not chosen:
        raise EarmarkError(
            f"{root} holds no POP909 song from {first} to {last}; name the folder whose sub-folders are 001, 002 ..."
        )
    return chosen


def read_chords(path: Path) -> list[Segment]:
    """The song's chords from 0 on: overlaps cut, gaps up to a beat closed, longer ones N, equal neighbours joined."""
    found: list[Segment] = [Segment(0.0, 0.0, "N")]
    for n, line in enumerate(path.read_text().splitlines(), 1):
        start, end, label = _row(path, n, line)
        gap = start - found[-1].end_s
        if gap > GAP_S or (len(found) == 1 and gap > 0):
            found.append(Segment(found[-1].end_s, start, "N"))
        elif gap > 0:
            found[-1] = found[-1]._replace(end_s=start)
        if end > found[-1].end_s:
            found.append(Segment(found[-1].end_s, end, label))
    return lab.merged(found[1:])


def _row(path: Path, n: int, line: str) -> tuple[float, float, str]:
    try:
        start, end, label = line.split()
        harte.parse(label)
        return float(start), float(end), label
    except ValueError as e:
        raise EarmarkError(f"{path}, row {n}: '{line}' is not 'START END CHORD' ({e}); restore the file.") from None


def key_at(path: Path, time_s: float) -> str:
    """The key of rows 'START END KEY' at a time; of the nearest row outside of all, and N without rows."""
    rows = [line.split() for line in path.read_text().splitlines() if line.strip()] if path.is_file() else []
    if not rows:
        return "N"
    return min(rows, key=lambda r: max(float(r[0]) - time_s, time_s - float(r[1]), 0.0))[2]


def read_beats(path: Path) -> tuple[np.ndarray, int]:
    """Times of the beats in seconds, from a bar's first on, and beats a bar (3 or 4)."""
    table = np.loadtxt(path, ndmin=2)
    downbeats = np.flatnonzero(table[:, 2] > 0)
    first = downbeats[0] if len(downbeats) else 0
    bar = int(np.median(np.diff(downbeats))) if len(downbeats) > 1 else 4
    return table[first:, 0], 3 if bar in (3, 6) else 4


def excerpt(folder: Path, index: int, seed: int, seconds: float = 40.0) -> Song:
    """`seconds` of a song from a random beat, in a random setting; (folder's name, index, seed) decide."""
    rng = random.Random(f"pop909/{seed}/{folder.name}/{index}")
    beats, bar = read_beats(folder / "beat_midi.txt")
    chords = read_chords(folder / "chord_midi.txt")
    begin = float(rng.choice(beats[beats < max(chords[-1].end_s - seconds, beats[0] + 0.1)])) - HEAD_S
    inside = [(max(s.start_s - begin, 0.0), s.end_s - begin, s.label) for s in chords if s.end_s > begin]
    segments = [Segment(a, min(b, seconds), label) for a, b, label in inside if a < seconds]
    segments = lab.merged(lab.spanned(segments, 0.0, seconds, "N"))
    seconds_at = _clock(beats - begin)
    players = _players(folder, begin, seconds, seconds_at, rng)
    players += _added(segments, beats - begin, bar, seconds_at, rng)
    midi = perform(players, seconds_at, seconds, rng)
    key = key_at(folder / "key_audio.txt", begin + seconds / 2)
    tempo = 60 / float(np.median(np.diff(beats)))
    return Song(f"pop_{index:05d}", f"pop909_{folder.name}", "pop", tempo, key, tuple(segments), midi)


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
    folder: Path, begin: float, seconds: float, seconds_at: Callable[[float], float], rng: random.Random
) -> list[Part]:
    """The tracks in the window, in beats; the melody is left out of some."""
    midi, players = pretty_midi.PrettyMIDI(str(folder / f"{folder.name}.mid")), []
    grid = np.array([seconds_at(n) for n in range(-64, 2048)])

    def beat_of(time: float) -> float:
        return float(np.interp(time, grid, np.arange(-64, 2048)))

    drop = rng.random() < 0.25
    for track in midi.instruments:
        name = track.name if track.name in PROGRAMS else "PIANO"
        program = rng.choice(PROGRAMS[name])
        level, shift = rng.randint(70, 120), rng.randint(-15, 10)
        if track.is_drum or (name == "MELODY" and drop):
            continue
        notes = [n for n in track.notes if n.end - begin > 0.05 and n.start - begin < seconds]
        tones = [
            Tone(beat_of(max(n.start - begin, 0.0)), beat_of(n.end - begin), n.pitch, n.velocity - 80 + shift)
            for n in notes
        ]
        players.append(Part(name.lower(), tones, program, level, 80))
    return players


def _added(
    segments: list[Segment], beats: np.ndarray, bar: int, seconds_at: Callable[[float], float], rng: random.Random
) -> list[Part]:
    """A bass that plays the labels, and drums on the grid of beats, in some excerpts."""
    players, end = [], segments[-1].end_s
    changes = [c for s in segments if (c := _change(s, beats)) is not None]
    if rng.random() < 0.4 and changes:
        tones = parts.write_bass(tuple(changes), rng.choice(patterns.BASSES[bar]), bar, rng.choice((28, 31)), rng)
        players.append(Part("bass", tones, rng.choice(BASSES), rng.randint(75, 115), rng.randint(70, 100), 0.9))
    if rng.random() < 0.5:
        first = max(0, bisect.bisect_left(beats, 0.0) // bar * bar)
        last = bisect.bisect_left(beats, end)
        tones = parts.write_drums(last - first, bar, bar, rng)
        tones = [t._replace(start=t.start + first, end=t.end + first) for t in tones]
        players.append(Part("drums", tones, rng.choice(KITS), rng.randint(60, 125), rng.randint(60, 108)))
    return players


def _change(segment: Segment, beats: np.ndarray) -> Change | None:
    """A segment in beats, for the bass player."""
    chord = harte.parse(segment.label)
    start, end = (float(b) for b in np.interp((segment.start_s, segment.end_s), beats, np.arange(len(beats))))
    if chord.root < 0 or end - start < 0.25:
        return None
    return Change(start, end, chord.root, harte.quality_of(segment.label), (chord.bass - chord.root) % 12)
