"""The demo music as a score in ticks: chords out of a progression, and every part's notes out of a groove."""

import itertools
import random
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from earmark.generated.demo.styles import Groove, Style

PPQ = 480  # ticks a quarter: every step of the tables falls on a whole tick
BASS_LOW = 28  # MIDI notes
LEAD_LOW = 64
LEAD_HIGH = 86
INVERTED, RESTING = 0.15, 0.25  # chance of an inverted chord, of a silent bar of the lead
HELD = "X" + "-" * 11

# Semitones above the root, in the order root, third (or fourth), fifth, seventh (or sixth), ninth.
QUALITIES = {
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "aug": (0, 4, 8),
    "sus4": (0, 5, 7),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "min7": (0, 3, 7, 10),
    "dim7": (0, 3, 6, 9),
    "hdim7": (0, 3, 6, 10),
    "maj6": (0, 4, 7, 9),
    "min6": (0, 3, 7, 9),
    "9": (0, 4, 7, 10, 14),
}
# Chord notes an inverted chord may stand on. A sixth or a diminished seventh would name another root.
INVERSIONS = {3: "b3", 4: "3", 6: "b5", 7: "5", 10: "b7", 11: "7"}

MODES = {
    "maj": (0, 2, 4, 5, 7, 9, 11),
    "min": (0, 2, 3, 5, 7, 8, 10),
    "dor": (0, 2, 3, 5, 7, 9, 10),
    "mix": (0, 2, 4, 5, 7, 9, 10),
}
TONICS = {
    "maj": ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"),
    "min": ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B"),
}

NATURAL = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
PLAIN = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


class ScoreChord(NamedTuple):
    """A chord from tick `start` to `end`: its label, and pitch classes in tertian order from the root."""

    start: int
    end: int
    label: str
    bass: str
    pcs: tuple[int, ...]


class ScoreNote(NamedTuple):
    """A written note in ticks."""

    start: int
    end: int
    pitch: int
    accent: bool


def pitch_class(name: str) -> int:
    """Semitones above C of a note name such as 'F#' or 'Bb'."""
    return (NATURAL[name[0]] + name.count("#") - name.count("b", 1)) % 12


def transpose(name: str, degree: str) -> str:
    """The note a Harte degree ('b3', '#4') above a note; respelt where that takes a double accidental."""
    letters, step = "".join(NATURAL), int(degree.lstrip("b#")) - 1
    letter = letters[(letters.index(name[0]) + step) % 7]
    target = pitch_class(name) + MODES["maj"][step % 7] + degree.count("#") - degree.count("b")
    shift = (target - NATURAL[letter] + 6) % 12 - 6
    if abs(shift) > 1:
        return PLAIN[target % 12]
    return letter + ("#" * shift if shift > 0 else "b" * -shift)


def write_harmony(style: Style, mode: str, tonic: str, bars: int, rng: random.Random) -> list[ScoreChord]:
    """`bars` bars of the mode's progressions as AABA; the last bar is the tonic chord."""
    sections = [text.split("|") for m, text in style.progressions if m == mode]
    a, b = rng.choice(sections), rng.choice(sections)
    bar, harmony = style.beats * PPQ, []
    for n, text in enumerate(itertools.islice(itertools.cycle(a + a + b + a), bars - 1)):
        symbols = text.split()
        share = bar // len(symbols)
        for i, symbol in enumerate(symbols):
            start = n * bar + i * share
            harmony.append(_realise(_varied(symbol, style, rng), tonic, start, start + share))
    home = next(symbol for text in a for symbol in text.split() if symbol.startswith("1:"))
    close = _realise(home, tonic, (bars - 1) * bar, bars * bar)
    return [*_merged(harmony), close]


def _varied(symbol: str, style: Style, rng: random.Random) -> str:
    """The same function in another colour; sometimes inverted."""
    head, _, bass = symbol.partition("/")
    degree, quality = head.split(":")
    quality = rng.choice(style.colours.get(quality, (quality,)))
    if not bass and rng.random() < INVERTED:
        bass = rng.choice([INVERSIONS[i] for i in QUALITIES[quality] if i in INVERSIONS])
    if bass and bass not in {INVERSIONS.get(i) for i in QUALITIES[quality]}:
        bass = ""
    return f"{degree}:{quality}" + (f"/{bass}" if bass else "")


def _realise(symbol: str, tonic: str, start: int, end: int) -> ScoreChord:
    head, _, bass = symbol.partition("/")
    degree, quality = head.split(":")
    root = transpose(tonic, degree)
    pcs = tuple((pitch_class(root) + i) % 12 for i in QUALITIES[quality])
    label = f"{root}:{quality}" + (f"/{bass}" if bass else "")
    return ScoreChord(start, end, label, transpose(root, bass or "1"), pcs)


def _merged(harmony: Iterable[ScoreChord]) -> Iterator[ScoreChord]:
    """Repeated labels become one chord."""
    for _, run in itertools.groupby(harmony, key=lambda h: h.label):
        run = list(run)
        yield run[0]._replace(end=run[-1].end)


@lru_cache
def _steps(pattern: str) -> tuple[tuple[int, tuple[tuple[int, int, str], ...]], ...]:
    """For every bar of a pattern: its number of steps, and (step, steps held, character) of every hit."""
    bars = pattern.split("|")
    hits = [tuple((m.start(), len(m[0]), m[0][0]) for m in re.finditer(r"[^.-]-*", text)) for text in bars]
    return tuple(zip(map(len, bars), hits, strict=True))


def _hits(pattern: str, bar: int, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """(start, end, character) in ticks of the hits from `start` up to `end`, cut off at `end`."""
    bars = _steps(pattern)
    for n in range(start // bar, -(-end // bar)):
        size, hits = bars[n % len(bars)]
        for step, held, char in hits:
            tick = n * bar + step * bar // size
            if start <= tick < end:
                yield tick, min(tick + held * bar // size, end), char


def voicing(pcs: tuple[int, ...], centre: float, spread: bool) -> list[int]:
    """Ascending MIDI notes of all pitch classes, `centre` on average; a ninth chord lacks its fifth.

    spread: the second note from the top an octave lower (drop 2).
    """
    chosen = sorted(pcs if len(pcs) < 5 else pcs[:2] + pcs[3:])
    options = []
    for low in range(45, 78):
        if low % 12 in chosen:
            notes = sorted(low + (pc - low) % 12 for pc in chosen)
            if spread:
                notes = sorted([*notes[:-2], notes[-2] - 12, notes[-1]])
            options.append(notes)
    return min(options, key=lambda notes: abs(sum(notes) / len(notes) - centre))


def write_comp(
    harmony: list[ScoreChord], pattern: str, bar: int, register: tuple[int, int], rng: random.Random
) -> Iterator[ScoreNote]:
    """Block chords and broken chords; every chord is struck at least once."""
    home, spread = rng.uniform(*register), rng.random() < 0.4
    centre = home
    for h in harmony:
        notes = voicing(h.pcs, centre, spread)
        centre = (sum(notes) / len(notes) + home) / 2  # leads smoothly without wandering off
        text = HELD if h is harmony[-1] else pattern
        for start, end, char in list(_hits(text, bar, h.start, h.end)) or [(h.start, h.end, "X")]:
            struck = [(notes + [n + 12 for n in notes])[int(char)]] if char.isdigit() else notes
            yield from (ScoreNote(start, end, pitch, char == "X") for pitch in struck)


def write_bass(harmony: list[ScoreChord], pattern: str, bar: int) -> Iterator[ScoreNote]:
    """The label's bass at every chord's onset, then the groove's figure."""
    lows = [BASS_LOW + (pitch_class(h.bass) - BASS_LOW) % 12 for h in harmony]
    for n, (h, low) in enumerate(zip(harmony, lows, strict=True)):
        hits = list(_hits(HELD if h is harmony[-1] else pattern, bar, h.start, h.end))
        if not hits or hits[0][0] > h.start:
            hits.insert(0, (h.start, hits[0][0] if hits else h.end, "R"))
        for i, (start, end, char) in enumerate(hits):
            target = lows[n + 1] if i + 1 == len(hits) and n + 1 < len(lows) else low
            pitch = _bass_pitch(char, h, low, target) if i else low
            yield ScoreNote(start, end, pitch, i == 0)


def _bass_pitch(char: str, h: ScoreChord, low: int, target: int) -> int:
    if char == "A":
        return target - 1
    above = {"T": h.pcs[1], "F": h.pcs[2], "S": h.pcs[0] + 9}
    return low + 12 if char == "O" else low + (above.get(char, low) - low) % 12


def write_pad(harmony: list[ScoreChord], rng: random.Random) -> Iterator[ScoreNote]:
    """The chords, held."""
    centre = rng.uniform(60, 69)
    for h in harmony:
        yield from (ScoreNote(h.start, h.end, pitch, False) for pitch in voicing(h.pcs, centre, spread=False))


def write_lead(
    harmony: list[ScoreChord], pattern: str, bar: int, scale: tuple[int, ...], rng: random.Random
) -> Iterator[ScoreNote]:
    """A line in steps over the scale's pitch classes; a note that begins with a chord belongs to it."""
    pitch, resting = rng.randint(68, 80), {}
    for h in harmony:
        for start, end, char in _hits(HELD if h is harmony[-1] else pattern, bar, h.start, h.end):
            if resting.setdefault(start // bar, rng.random() < RESTING):
                continue
            allowed = h.pcs if start == h.start else {*scale, *h.pcs}
            ladder = [p for p in range(LEAD_LOW, LEAD_HIGH + 1) if p % 12 in allowed]
            near = min(range(len(ladder)), key=lambda i: abs(ladder[i] - pitch))
            move = 0 if start == h.start else rng.choice((-2, -1, -1, 0, 1, 1, 2))
            pitch = ladder[min(max(near + move, 0), len(ladder) - 1)]
            yield ScoreNote(start, end, pitch, char == "X")


def write_drums(style: Style, groove: Groove, end: int, rng: random.Random) -> Iterator[ScoreNote]:
    """Kick, snare and time keeping; one stroke on the last bar."""
    bar = style.beats * PPQ
    last = end - bar
    for voice, keys in style.kit.items():
        key, pattern = rng.choice(keys), getattr(groove, voice)
        yield from (ScoreNote(t, t + PPQ // 8, key, c == "X") for t, _, c in _hits(pattern, bar, 0, last))
        if voice != "snare":
            yield ScoreNote(last, last + PPQ // 8, key, True)
