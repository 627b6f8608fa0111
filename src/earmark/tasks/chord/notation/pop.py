"""Chord names as charts of popular music have them: `Cmaj7`, `Am7`, `C/E`, `Bb7sus4`, `N.C.`, read and written.

There is no standard, so what a spelling means is decided here, once:

- What is valid in Harte's notation means what it means there: `C/5` has the fifth in the bass, `C/9` the ninth.
- A letter behind the last slash is the bass: `C/E`, `Am7/G`, `F/G`, and `A:min/G`. A number there is refused but for
  `6/9`: `C7/9` means a ninth chord to some and a bass to others.
- A sign right behind the root's letter belongs to the root: `Cb5` is Cb and its fifth, `C(b5)` a C. A second one does
  unless a number follows: `Bbb5` is `Bb(b5)`.
- `-` right behind the root is minor (`C-7` is `Cm7`), but `-5` and a `-` behind a number lower: `C-5`, `C7-9`.
  `+` right behind the root is augmented (`C+7` is `C7#5`), and raises behind a number: `C7+9`.
- `M`, `^` and the triangle are major; alone the triangle means the seventh, too, as a half-diminished sign does.
  `dim` and the circle are triads unless 7 is written (Brandt and Roemer 1976, MusicXML).
- `C2` is `Cadd9`, `C4` and `Csus` are `Csus4`; numbers in brackets are added: `C(9)` is `Cadd9`, `C7(13)` has no ninth.
- `C9`, `C11` and `C13` are Harte's shorthands of these names. Once a 13 is altered or suspended, it has no eleventh.

Refused, because readers differ: `alt`, lower-case roots, the German H.
"""

import re
from collections import Counter

from earmark.tasks.chord.notation import harte
from earmark.tasks.chord.notation.harte import ChordError
from earmark.tasks.chord.notation.tones import Tones
from earmark.tasks.chord.notation.vocabulary import WIDE

# How often each name was read as which label.
Converted = Counter[tuple[str, str]]

NO_CHORD = ("n.c.", "n.c", "nc", "nc.", "n/c", "no chord", "no_chord", "no-chord", "nochord")
SIGNS = str.maketrans(
    {
        **dict.fromkeys("♭", "b"),
        **dict.fromkeys("♯", "#"),
        **dict.fromkeys("−–‐‑", "-"),
        **dict.fromkeys("Δ∆△▵", "^"),
        **dict.fromkeys("°º˚", "o"),
        **dict.fromkeys("øØ∅", "ø"),
    }
)
SIGN = r"(?:##(?!\d)|bb(?!\d)|#|b)?"
ROOT = re.compile(rf"[A-G]{SIGN}")
BASS = re.compile(r"/([A-G](?:##|bb|#|b)?)$")
# Players' names of what a model can say, by Harte's.
NAMES = {
    **{"maj": "", "min": "m", "5": "5", "dim": "dim", "aug": "aug", "sus4": "sus4", "sus2": "sus2"},
    **{"7": "7", "7(*5,b5)": "7b5", "maj7": "maj7", "maj7(*5,b5)": "maj7b5", "min7": "m7", "hdim7": "m7b5"},
    **{"minmaj7": "m(maj7)", "maj6": "6", "min6": "m6", "maj(9)": "add9", "min(9)": "m(add9)", "dim7": "dim7"},
    **{"aug(b7)": "7#5", "aug(7)": "maj7#5", "sus4(b7)": "7sus4", "7(b9)": "7b9", "7(#9)": "7#9", "7(b13)": "7b13"},
    **{"9": "9", "7(13)": "7(13)", "maj9": "maj9", "maj7(13)": "maj7(13)", "min9": "m9", "min7(11)": "m7(11)"},
    **{"min7(13)": "m7(13)", "minmaj7(9)": "m(maj9)", "minmaj7(13)": "m(maj7,13)", "maj6(9)": "69"},
    **{"min6(9)": "m69", "7(b9,b13)": "7(b9,b13)", "7(b9,13)": "7(b9,13)", "7(#9,b13)": "7(#9,b13)"},
    **{"9(13)": "9(13)", "7(#9,13)": "7(#9,13)", "min9(11)": "m11", "min9(13)": "m9(13)", "maj9(13)": "maj9(13)"},
    **{"9(#11,13)": "9(#11,13)", "aug(b7,9)": "9#5", "9(#11)": "9#11", "7(b9,#11)": "7(b9,#11)"},
    **{"7(#11,13)": "7(#11,13)", "sus4(b7,9)": "9sus4", "7(#11)": "7#11", "maj7(#11)": "maj7#11", "11": "11"},
    **{"13": "13", "min13": "m13", "maj13": "maj13"},
}
# Shorthands to build other chords on, the first of equals wins.
SHORTHANDS = ("maj", "min", "7", "min7", "maj7", "dim", "aug", "sus4", "sus2", "5", "maj6", "min6", "minmaj7", "hdim7")
SHOWN = 5  # names in a sentence
LETTERS = dict(zip("CDEFGAB", (0, 2, 4, 5, 7, 9, 11), strict=True))


def to_harte(name: str) -> str:
    """Harte's label of a chord, which stays what it is where it is one already. Raises ChordError."""
    if harte.is_chord(name):
        return name
    if name.strip().casefold() in NO_CHORD:
        return "N"
    text = name.strip().translate(SIGNS)
    bass = BASS.search(text)
    label = _above(text[: bass.start()] if bass else text)
    if label is None or (bass and "/" in label):
        raise ChordError(f"'{name}' is not a chord in Harte's notation, such as C:maj, A:min7/b3 or N")
    return _over(label, bass[1]) if bass else label


def _above(text: str) -> str | None:
    """The label of a chord without a bass, None where it is none."""
    if ":" in text:
        return text if harte.is_chord(text) else None
    root = ROOT.match(text)
    tones = Tones.of(text[root.end() :]) if root else None
    return None if root is None or tones is None else f"{root[0]}:{quality_of(tones)}"


def _over(label: str, bass: str) -> str:
    chord = harte.parse(label)
    inversion = (harte.parse(bass).root - chord.root) % 12
    return label if inversion == 0 else f"{label}/{harte.degree(inversion, tuple(chord.intervals))}"


def quality_of(intervals: frozenset[int]) -> str:
    """Harte's shorthand and degrees of semitones above the root, 0 among them."""
    if (place := WIDE.by_intervals.get(intervals)) is not None:
        return WIDE.qualities[place].harte
    by_name = {q.harte: frozenset(q.intervals) for q in WIDE.qualities}
    name = min(SHORTHANDS, key=lambda s: (len(by_name[s] ^ intervals), len(by_name[s] - intervals)))
    gone, more = sorted(by_name[name] - intervals), sorted(intervals - by_name[name])
    third, fifth = 4 in intervals, 7 in intervals
    words = {1: "b9", 2: "9", 3: "#9" if third else "b3", 4: "3", 5: "11", 6: "#11" if fifth else "b5", 7: "5"}
    words |= {8: "b13" if fifth else "#5", 9: "13", 10: "b7", 11: "7"}
    own = {3: "b3", 6: "b5", 8: "#5"}
    degrees = [f"*{own.get(tone) or words[tone]}" for tone in gone] + [words[tone] for tone in more]
    return f"{name}({','.join(sorted(degrees, key=lambda d: (d[0] != '*', int(d.strip('*b#')))))})"


def of_harte(label: str) -> str:
    """The name of a chord that the model can say, as players write it; another label stays what it is."""
    if label == "N":
        return "N.C."
    chord, _, bass = label.partition("/")
    root = harte.ROOT.match(chord)
    name = NAMES.get(harte.quality_of(chord))
    if root is None or name is None:
        return label
    return root[0] + name + (f"/{_spelled(root[0], bass)}" if bass else "")


def _spelled(root: str, degree: str) -> str:
    """The note of a degree above a root, by its letter: the third of E is G#; a double sign becomes another letter."""
    number = int(degree.lstrip("b#"))
    letter = "CDEFGAB"[("CDEFGAB".index(root[0]) + number - 1) % 7]
    pitch = (harte.parse(root).root + harte.parse(f"C/{degree}").bass) % 12
    sign = (pitch - LETTERS[letter] + 6) % 12 - 6
    return letter + {0: "", 1: "#", -1: "b"}[sign] if abs(sign) <= 1 else harte.ROOTS[pitch]


def conversion_note(converted: Converted) -> str | None:
    """A sentence on the names that were read as labels of Harte's, with the commonest; None where none was."""
    if not converted:
        return None
    n = converted.total()
    some = ", ".join(f"{name} as {label}" for (name, label), _ in converted.most_common(SHOWN))
    rest = f" and {len(converted) - SHOWN} more" if len(converted) > SHOWN else ""
    names, be = ("1 chord name", "is") if n == 1 else (f"{n} chord names", "are")
    return f"{names} {be} not in Harte's notation, and {be} read as in lead sheets of popular music: {some}{rest}."
