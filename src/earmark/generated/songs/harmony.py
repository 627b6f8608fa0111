"""Harmony of the generated chord songs: progressions that function in a key, and drills of rare qualities.

Nearly two fifths of the songs are drills: there roots move at random and every quality is as likely as another, for a
model trained on music as it is would never learn the rare ones. Of the rest more than half keep to major and minor
triads and sevenths, for the common case must stay the strong one. No inversion is written that is another chord in root
position (min7/b3 is maj6): where two names sound alike the root is written in the bass, so that names can be learnt,
and only players who are free or walk begin elsewhere.
"""

import random
from dataclasses import dataclass, replace
from itertools import pairwise

from earmark.tasks.chord.notation.harte import DEGREES, ROOTS
from earmark.tasks.chord.notation.vocabulary import EXTRA, QUALITIES, WIDE

KINDS = {"plain": 0.33, "functional": 0.30, "drill": 0.37}
INTERVALS = {q.harte: q.intervals for q in (*QUALITIES, *EXTRA)}
# A drill's qualities; Harte's 11, 13, min13 and maj13 hold all seven notes of a scale, which nobody plays.
DRILLED = tuple(q for q in INTERVALS if q not in ("11", "13", "min13", "maj13"))
WEAK = ("min6", "7(13)", "minmaj7", "dim7", "aug(b7)", "sus4(b7)", "hdim7", "9", "maj(9)", "min7(11)", "maj9(13)")
WEAKEST = ("maj6", "9(13)", "dim", "aug", "sus2", "maj9", "min9(11)")
USUAL = {"maj": 3, "min": 3, "7": 3, "maj7": 4, "min7": 4, "5": 1}
DRILL_WEIGHT = USUAL | dict.fromkeys(WEAK, 2) | dict.fromkeys(WEAKEST, 4)
# Steps between a drill's roots: fifths and neighbours more often than the rest.
STEPS = (5, 5, 5, 5, 7, 7, 2, 2, 10, 10, 1, 1, 11, 11, 3, 9, 4, 8, 6, 0)
# These share their notes with a chord on another root, which an inversion would name: they stand on their root.
ROOT_ONLY = ("maj6", "min6", "dim7", "aug", "sus2", "sus4", "maj6(9)", "min6(9)", "min7(11)", "5", "sus4(b7)")
ALIKE = (("min7", 3), ("hdim7", 3))  # maj6 and min6 in root position
SHORTEST_S = 0.4  # of a chord, but in quick songs
QUICK, QUICKEST_S = 0.22, 0.25  # share of the songs that change more often, and the shortest of their chords

# Bars between '|', a bar's chords between blanks: degree of the major scale, then T (major chord), m (minor),
# D (dominant), h (half-diminished), o (diminished), a (augmented), s (suspended), p (fifth alone); '/' and the bass.
PLAIN = (
    "1T|5D|6m|4T", "1T|4T|5D|1T", "6m|4T|1T|5D", "1T|6m|4T|5D", "1T|6m|2m|5D", "1T|4T|1T|5D|1T|4T|1T 5D|1T",
    "1T|1T/3|4T|5D", "1T|5D/7|6m|6m/5|4T|1T/3|2m|5D", "1T|3m|4T|5D", "4T|5D|3m|6m", "1T|b7T|4T|1T", "1m|b7T|b6T|b7T",
    "1m|4m|5D|1m", "1m|b6T|b3T|b7T", "1m|4m|b7T|b3T|b6T|4m|5D|1m", "1m|b7T|b6T|5D", "1m|5m|4m|1m", "1m|b3T|b7T|4T",
    "1T|1T|5D|5D|5D|5D|1T|1T", "1T|2m|4T|5D", "1T|5D|2m|4T", "1T/5|5D|1T|4T", "1T|3D|6m|2D|5D|1T", "1m|1m|4m|5D/7",
    "1D|1D|1D|1D|4D|4D|1D|1D|5D|4D|1D|5D", "1T|4T|6m|5D", "2m|5D|1T|6m", "1T|1D/b7|4T/6|4m/b6|1T/5|5D|1T|1T",
    "1m 5D|1m b7T|b3T b7T|1m 5D|b3T b7T|1m 5D|1m 5D|1m", "1T|b3T|4T|1T", "1T|b6T|b7T|1T", "1T 5D|6m 3m|4T 1T|4T 5D",
)  # fmt: skip
FUNCTIONAL = (
    "2m|5D|1T|1T", "2m 5D|1T|3h 6D|2m 5D", "1T 6D|2m 5D|3m 6D|2m 5D", "3m 6D|2m 5D|1T|1T", "2h|5D|1m|1m",
    "1m|2h 5D|1m|4m 5D", "1m 1m/b7|6h|4m 5D|1m", "1T|#1o|2m|5D", "1T|1T/3 b3o|2m|5D", "1T|1a|4T|4m|1T/5|5D|1T|5D",
    "1m|1a/7|1m/b7|6h|b6T|5D|1m|1m", "1T|3D|6m|1D|4T|4m|1T 6D|2m 5D", "4T|4m|3m|6D|2m|5D|1T|1T",
    "1T|b2D|1T|b2D", "2m|b2D|1T|1T", "1T|1s|1T|1s", "1s|1T|4s|4T", "1m|4D|1m|4D", "1m|2m|1m|2m", "1T|2T|1T|2T",
    "1D|4D|1D|1D|4D|#4o|1D|6D|2m|5D|1D 6D|2m 5D", "1m|1m|1m|1m|4m|4m|1m|1m|b6D|5D|1m|5D", "1T|b7T|1T|b7T",
    "1T|7h 3D|6m|5m 1D|4T|4m b7D|3m 6D|2m 5D", "1T|2D|2m|5D", "4T|3D|6m|1D", "1T|5a|1T|4T", "1m|b2T|1m|b2T",
    "1p|b3p|4p|1p", "1p|b7p|b6p|5p", "1T|1p|4T|5p", "1m|b7p|b6T|5p", "1p|4T|b7T|1p", "6m|2D|5s 5D|1T",
    "1T/3|b3o|2m|5s 5D", "4T|#4o|1T/5|6D|2D|5D|1T|1T",
    "1T|b6T|b3T|b7s", "1s|b7s|b6T|5s", "1T|2T/1|4m/1|1T", "1T|4T/5|1T|4T/5", "6h|b6D|5D|1T",
    "#4h|4m|3m|b3o|2m|5D|1T|5a",
)  # fmt: skip
COLOURED = PLAIN[: 3 * len(PLAIN) // 4] + 2 * FUNCTIONAL
DEGREE = {name: i for i, name in enumerate(DEGREES)} | {"#1": 1, "#4": 6}

# What a letter of a progression can become; a song chooses one or two of a row.
TRIADS = {"T": ("maj",), "m": ("min",), "D": ("maj", "7"), "h": ("dim",), "o": ("dim",), "a": ("aug",)}
SEVENTHS = {"T": ("maj7",), "m": ("min7",), "D": ("7",), "h": ("hdim7",), "o": ("dim7",), "a": ("aug(b7)", "aug")}
SIXTHS = {"T": ("maj6", "maj7"), "m": ("min7", "min6"), "D": ("7", "9"), "h": ("hdim7",), "o": ("dim7",), "a": ("aug",)}
COLOURS = {
    "T": ("maj7", "maj7", "maj6", "maj6", "maj9", "maj6(9)", "maj(9)", "maj7(13)", "maj9(13)", "maj7(#11)", "maj"),
    "m": ("min7", "min7", "min6", "min9", "min7(11)", "min9(11)", "min(9)", "minmaj7", "min6(9)", "min7(13)", "min"),
    "D": ("7", "7", "9", "9(13)", "9(13)", "7(13)", "7(b9)", "7(#9)", "7(b13)", "aug(b7)", "sus4(b7)", "9(#11)",
          "7(b9,13)", "7(#9,b13)", "7(b9,b13)", "sus4(b7,9)", "7(*5,b5)", "7(#11)"),
    "h": ("hdim7", "hdim7", "min7"),
    "o": ("dim7", "dim7", "dim"),
    "a": ("aug(b7)", "aug", "aug(7)", "aug(b7,9)"),
}  # fmt: skip
SUSPENDED = ("sus4", "sus2", "sus4(b7)", "sus4(b7,9)")


@dataclass(frozen=True)
class Change:
    """A chord from beat `start` to `end` (quarters): pitch class of the root or None for N, Harte quality, bass.

    bass: semitones of the lowest note above the root; it may be none of the chord's notes.
    """

    start: float
    end: float
    root: int | None
    quality: str = ""
    bass: int = 0

    @property
    def intervals(self) -> tuple[int, ...]:
        """Semitones above the root; none for N."""
        return () if self.root is None else INTERVALS[self.quality]

    @property
    def bass_class(self) -> int:
        """Pitch class of the bass."""
        return (self.root + self.bass) % 12

    @property
    def label(self) -> str:
        """Harte label with the bass as a degree."""
        if self.root is None:
            return "N"
        inversion = f"/{_degree(self.bass, self.intervals)}" if self.bass else ""
        return f"{ROOTS[self.root]}:{self.quality}{inversion}"


def _degree(semitones: int, intervals: tuple[int, ...]) -> str:
    return "#5" if semitones == 8 and 7 not in intervals and 4 in intervals else DEGREES[semitones]


@dataclass(frozen=True)
class Harmony:
    """A song's changes without gaps from beat 0; key: tonic and mode, 'N' where a drill has none."""

    kind: str
    key: str
    scale: tuple[int, ...]
    changes: tuple[Change, ...]


def write_harmony(rng: random.Random, bar: int, beats: int, tempo: float) -> Harmony:
    """Changes over `beats` quarters in bars of `bar` quarters; tempo in quarters a minute."""
    kind = rng.choices(list(KINDS), KINDS.values())[0]
    if kind == "drill":
        key, scale, slots = _drill(rng, beats)
    else:
        key, scale, slots = _in_key(rng, PLAIN if kind == "plain" else COLOURED, kind)
    changes = _timed(slots, _rhythm(rng, bar, tempo, kind), bar, beats, rng)
    changes = _inverted(changes, rng)
    changes = _with_break(changes, bar, rng)
    if rng.random() < 0.12:
        changes = _pushed(changes, rng)
    return Harmony(kind, key, scale, tuple(changes))


def _in_key(rng: random.Random, templates: tuple[str, ...], kind: str) -> tuple[str, tuple[int, ...], list]:
    """Key, scale, and (root, quality, bass, share of a bar) of one to three templates, each played twice or so."""
    tonic, template = rng.randrange(12), rng.choice(templates)
    minor = template.replace("|", " ").split()[0].startswith("1m")
    palette = _palette(rng, kind)
    others = [t for t in templates if t.startswith("1m") == minor]
    forms = [template, *rng.sample(others, k=min(len(others), rng.choice((0, 0, 1, 1, 2))))]
    slots = []
    for form in forms * 16:
        slots += _bars(form, tonic, palette, rng) * rng.choice((1, 2))
    scale = (0, 2, 3, 5, 7, 8, 10) if minor else (0, 2, 4, 5, 7, 9, 11)
    key = f"{ROOTS[tonic]}:{'min' if minor else 'maj'}"
    return key, tuple(sorted((tonic + i) % 12 for i in scale)), slots


def _palette(rng: random.Random, kind: str) -> dict[str, tuple[str, ...]]:
    """Qualities that every letter may become in this song."""
    if kind == "plain":
        dominants = rng.choice((("maj",), ("maj", "7"), ("7",)))
        triads = {**TRIADS, "h": ("min",), "o": ("7",), "a": ("maj",), "D": dominants}
        sevenths = {**triads, "T": rng.choice((("maj7",), ("maj", "maj7"))), "m": ("min7",), "D": ("7",)}
        sixths = {**triads, "T": rng.choice((("maj6",), ("maj", "maj6"))), "D": ("7",)}
        return rng.choice((triads, triads, triads, sevenths, sixths, {**triads, "m": ("min7",)}))
    table = rng.choice((TRIADS, SEVENTHS, SIXTHS, SIXTHS, COLOURS, COLOURS, COLOURS))
    palette = {letter: tuple(rng.sample(q, k=min(len(q), rng.choice((1, 2))))) for letter, q in table.items()}
    return {**palette, "s": (rng.choice(SUSPENDED),), "p": ("5",)}


def _bars(form: str, tonic: int, palette: dict, rng: random.Random) -> list[tuple[int, str, int, float]]:
    slots = []
    for bar in form.split("|"):
        symbols = bar.split()
        for symbol in symbols:
            head, _, bass = symbol.partition("/")
            degree, letter = DEGREE[head[:-1]], head[-1]
            quality = rng.choice(palette[letter])
            interval = (DEGREE[bass] - degree) % 12 if bass else 0  # the template's bass counts from the tonic
            slots.append(((tonic + degree) % 12, quality, _allowed(quality, interval), 1 / len(symbols)))
    return slots


def sounds_as_another(quality: str, bass: int) -> bool:
    """Whether the chord over the note `bass` semitones above its root sounds as another one in root position."""
    return bass != 0 and frozenset((i - bass) % 12 for i in (*INTERVALS[quality], bass)) in WIDE.by_intervals


def _allowed(quality: str, bass: int) -> int:
    """The bass (semitones above the root), or 0 where the inversion would sound as another chord."""
    return 0 if quality in ROOT_ONLY or (quality, bass) in ALIKE else bass


def _drill(rng: random.Random, beats: int) -> tuple[str, tuple[int, ...], list]:
    """A few qualities on roots that wander, in phrases that come back; no key."""
    weights = [DRILL_WEIGHT.get(q, 1.3) for q in DRILLED]
    chosen = list(dict.fromkeys(rng.choices(DRILLED, weights, k=rng.randint(3, 8))))
    root, phrases = rng.randrange(12), []
    for _ in range(rng.randint(2, 4)):
        phrase = []
        for _ in range(rng.choice((3, 4, 4, 6, 8))):
            root = (root + rng.choice(STEPS)) % 12
            phrase.append((root, rng.choice(chosen), 0, rng.choice((1, 1, 1, 1, 0.5))))
        phrases.append(phrase)
    slots = []
    while len(slots) < 4 * beats:
        phrase = rng.choice(phrases)
        shift = rng.choice((0, 0, 0, *range(12)))
        slots += [((r + shift) % 12, q, b, share) for r, q, b, share in phrase] * rng.choice((1, 1, 2))
    return "N", (), slots


def _rhythm(rng: random.Random, bar: int, tempo: float, kind: str) -> float:
    """Quarters that a whole slot lasts: two bars, one, half a bar, a beat; in quick songs down to an eighth."""
    halves = bar // 2 if bar % 2 == 0 else bar
    quick = [n for n in (0.5, 1, 2) if QUICKEST_S <= n * 60 / tempo < 2 * SHORTEST_S]
    if quick and rng.random() < QUICK:
        return rng.choice(quick)
    lengths = [2 * bar, bar, bar, bar, bar, halves, halves, 1 if kind == "drill" else halves]
    return rng.choice([n for n in lengths if n * 60 / tempo >= 2 * SHORTEST_S] or [bar])


def _timed(slots: list, length: float, bar: int, beats: int, rng: random.Random) -> list[Change]:
    """Changes on beats up to the end; a slot is now and then twice as long."""
    changes, beat = [], 0.0
    for root, quality, bass, share in slots:
        n = max(min(length, 1), round(length * share)) * (2 if rng.random() < 0.06 else 1)
        end = min(beat + n, beats)
        changes.append(Change(beat, end, root, quality, bass))
        beat = end
        if beat >= beats:
            break
    return changes


def _inverted(changes: list[Change], rng: random.Random) -> list[Change]:
    """Some chords on another note than their root: a chord tone, a few times a note of no chord, or a pedal."""
    if rng.random() < 0.04:
        pedal = changes[0].bass_class
        return [replace(c, bass=_allowed(c.quality, (pedal - c.root) % 12)) for c in changes]
    share = rng.choice((0, 0, 0.08, 0.2, 0.35))
    return [_invert(c, rng) if c.bass == 0 and rng.random() < share else c for c in changes]


def _invert(change: Change, rng: random.Random) -> Change:
    if change.quality in ROOT_ONLY:
        return change
    if rng.random() < 0.06 and len(change.intervals) <= 4:
        return replace(change, bass=rng.choice((2, 5, 10)))
    tones = [i for i in change.intervals if i in (3, 4, 6, 7, 10, 11) and _allowed(change.quality, i)]
    return replace(change, bass=rng.choice(tones))


def _with_break(changes: list[Change], bar: int, rng: random.Random) -> list[Change]:
    """In some songs a chord in the middle gives way to silence, or drums alone."""
    if rng.random() > 0.2 or len(changes) < 8:
        return changes
    n = rng.randrange(3, len(changes) - 3)
    return [*changes[:n], Change(changes[n].start, changes[n].end, None), *changes[n + 1 :]]


def _pushed(changes: list[Change], rng: random.Random) -> list[Change]:
    """Changes that come an eighth before their beat, as in much popular music."""
    starts = [changes[0].start] + [c.start - 0.5 * (c.end - c.start > 1 and rng.random() < 0.6) for c in changes[1:]]
    starts = [s if i == 0 or s - starts[i - 1] >= 0.5 else changes[i].start for i, s in enumerate(starts)]
    return [replace(c, start=a, end=b) for c, (a, b) in zip(changes, pairwise([*starts, changes[-1].end]), strict=True)]
