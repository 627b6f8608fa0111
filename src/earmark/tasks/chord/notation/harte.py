"""Chord labels in Harte's notation (Harte 2010), read and written: `C`, `A:min7/b3`, `G:sus4(b7,9)`, `N`, `X`.

mir_eval checks the notation and knows the scale degrees. Its own numbers drop what lies above the seventh unless asked,
and count the bass among the chord's notes; here extensions stay, and the bass is kept apart.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from earmark.tasks.chord.notation.vocabulary import IGNORED, NARROW, WIDE, Vocabulary

ROOTS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
DEGREES = ("1", "b2", "2", "b3", "3", "4", "b5", "5", "b6", "6", "b7", "7")
NO_BASS = 12  # the bass of N
ROOT = re.compile(r"[A-G](#+|b*)")
# Shorthands that mir_eval's grammar admits and its table lacks, as ones that it has and scale degrees.
UNKNOWN_TO_MIR_EVAL = {"maj11": ("maj7", {"9", "11"}), "aug7": ("aug", {"b7"})}


class ChordError(ValueError):
    """A label that is no chord; the text is the reason, without the file's name."""


@dataclass(frozen=True)
class Chord:
    """What a label says.

    root: pitch class 0..11, -1 for N and X. intervals: semitones 0..11 above the root, the bass not counted.
    bass: absolute pitch class 0..11, 12 for N, IGNORED for X.
    """

    root: int
    intervals: frozenset[int]
    bass: int

    @property
    def tones(self) -> frozenset[int]:
        """Absolute pitch classes that sound, the bass among them (F:maj/2 is F, A, C and G)."""
        above = {(self.root + i) % 12 for i in self.intervals}
        return frozenset(above | {self.bass}) if self.root >= 0 else frozenset()


NONE = Chord(-1, frozenset(), NO_BASS)
UNKNOWN = Chord(-1, frozenset(), IGNORED)


@lru_cache(maxsize=10_000)
def parse(label: str) -> Chord:
    """The chord of a label; without a quality it is major. Raises ChordError."""
    if label in ("N", "X"):
        return NONE if label == "N" else UNKNOWN
    from mir_eval import chord  # 0.7 s, and whoever only writes labels does without

    root, quality, degrees, bass = _split(label)
    bitmap = chord.quality_to_bitmap(quality)
    bitmap[0] = 1
    for degree in degrees:
        bitmap += chord.scale_degree_to_bitmap(degree, modulo=True)
    place = chord.pitch_class_to_semitone(root)
    intervals = frozenset(i for i in range(12) if bitmap[i] > 0)
    return Chord(place, intervals, (place + chord.scale_degree_to_semitone(bass)) % 12)


def is_chord(label: str) -> bool:
    """Whether `parse` takes the label."""
    try:
        parse(label)
    except ChordError:
        return False
    return True


def _split(label: str) -> tuple[str, str, set[str], str]:
    """Root, a shorthand that mir_eval's table has, scale degrees beside it, and the bass's degree."""
    from mir_eval import chord

    try:
        if label != label.strip():  # the grammar lets "C\n" pass
            raise chord.InvalidChordException
        root, quality, degrees, bass = chord.split(label, reduce_extended_chords=True)
        if quality in UNKNOWN_TO_MIR_EVAL:
            quality, more = UNKNOWN_TO_MIR_EVAL[quality]
            degrees = degrees | more
        chord.scale_degree_to_semitone(bass)  # it lets "C/" pass too
    except chord.InvalidChordException:
        raise ChordError(f"'{label}' is not a chord in Harte's notation, such as C:maj, A:min7/b3 or N") from None
    return root, quality, degrees, bass


def scorable(label: str) -> str:
    """The label, or its other spelling where mir_eval's measures would stumble (C:aug7 is C:aug(b7))."""
    if not any(f":{name}" in label for name in UNKNOWN_TO_MIR_EVAL):
        return label
    root, quality, degrees, bass = _split(label)
    inversion = "" if bass == "1" else f"/{bass}"
    return f"{root}:{quality}({','.join(sorted(degrees, key=lambda d: int(d.strip('*b#'))))}){inversion}"


def quality_of(label: str) -> str:
    """The quality as it is written, without root and bass: 'maj' for 'C', 'min7' for 'A:min7/b3', 'N', 'X'."""
    return label if label in ("N", "X") else (label.split("/")[0].partition(":")[2] or "maj")


def class_of(chord: Chord, vocabulary: Vocabulary = NARROW) -> int:
    """The class of a chord, the root kept in any case; IGNORED for X.

    1. The quality of the same intervals. 2. Else the largest quality contained in the chord, the table's order
    deciding between equals: C:7(#11) is a C:7, C:13 (with Harte's 11th) a C:9(13), C:sus4(b7,9) a C:sus4(b7).
    3. Else the one that differs in the fewest notes: C:min7(*5) is a C:min7, C:maj(*5) a C:maj.
    C:sus2 becomes C:5 in ChordNet's table: no quality there is right by mir_eval's tetrads, but C:5 keeps root, third
    and bass; G:sus4/4 has its notes, and loses the root. POP909 is sus2 for 4 % of its time, so that ChordNet's table
    can reach .961 of its tetrads at most, WIDE all of them.
    """
    if chord.root < 0:
        return vocabulary.none if chord.bass == NO_BASS else IGNORED
    return vocabulary.index(_quality(chord.intervals | {0}, vocabulary.qualities), chord.root)


@lru_cache(maxsize=1000)
def _quality(intervals: frozenset[int], qualities: tuple) -> int:
    """Place of the nearest quality in the table."""

    def distance(i: int) -> tuple:
        there = set(qualities[i].intervals)
        contained = there <= intervals
        return not contained, -len(there) if contained else len(there ^ intervals), i

    return min(range(len(qualities)), key=distance)


def label_of(index: int, bass: int | None = None, vocabulary: Vocabulary = NARROW) -> str:
    """Harte label of a class; a bass 0..11 other than the root is written as inversion, in degrees above the root."""
    parts = vocabulary.parts(index)
    if parts is None:
        return "N"
    quality, root = parts
    kind = vocabulary.qualities[quality]
    inversion = 0 if bass is None or bass == NO_BASS else (bass - root) % 12
    return f"{ROOTS[root]}:{kind.harte}" + (f"/{degree(inversion, kind.intervals)}" if inversion else "")


def degree(semitones: int, intervals: tuple[int, ...]) -> str:
    """Name of the bass's degree; the augmented fifth and the sharp ninth are called so where the chord has them."""
    if semitones == 8 and 7 not in intervals and 4 in intervals:
        return "#5"
    if semitones == 3 and 4 in intervals:
        return "#9"
    return DEGREES[semitones]


def transposed(label: str, semitones: int) -> str:
    """The label as many semitones higher, its quality and bass degree as written."""
    if label in ("N", "X"):
        return label
    root = parse(label).root
    return ROOTS[(root + semitones) % 12] + label[ROOT.match(label).end() :]


def lead_sheet(label: str, vocabulary: Vocabulary = NARROW) -> str:
    """The label as lead sheets write it, with ChordNet's names: F/G for F:maj/2, Am7/G for A:min7/b7.

    The quality is the vocabulary's nearest (see `class_of`).
    """
    chord = parse(label)
    if chord.root < 0:
        return label
    quality, root = vocabulary.parts(class_of(chord, vocabulary))  # type: ignore[misc]
    bass = f"/{ROOTS[chord.bass]}" if chord.bass != root else ""
    return f"{ROOTS[root]}{vocabulary.qualities[quality].lead_sheet}{bass}"


def spell_out(label: str) -> str:
    """The label with its quality written, `C:maj/3` for `C/3`."""
    if label in ("N", "X") or ":" in label:
        return label
    end = ROOT.match(label).end()
    return f"{label[:end]}:maj{label[end:]}"


def same_notes(a: str, b: str) -> bool:
    """Whether two labels have the same sounding notes and bass, so that no ear can tell them apart."""
    a, b = parse(a), parse(b)
    return (a.tones, a.bass) == (b.tones, b.bass)


def namesakes(label: str, vocabulary: Vocabulary = WIDE, fifth_optional: bool = False) -> list[str]:
    """Other labels of the vocabulary with the same notes and bass: G:sus4/4 for C:sus2, D:min7/4 for G:sus4(b7,9).

    With fifth_optional also those of which only the perfect fifth is missing, as players leave it out: G:sus4(b7,9)
    for F:maj/2. In order of the classes; empty for N and X.
    """
    chord = parse(label)
    if chord.root < 0:
        return []
    found = []
    for index in range(vocabulary.none):
        quality, root = vocabulary.parts(index)
        tones = {(root + i) % 12 for i in vocabulary.qualities[quality].intervals} | {chord.bass}
        if tones == chord.tones or (fifth_optional and tones - {(root + 7) % 12} == chord.tones):
            found.append(label_of(index, chord.bass, vocabulary))
    return [other for other in found if parse(other) != chord]
