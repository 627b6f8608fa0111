"""Tables behind the demo music: chord qualities, keys and, for every genre, its harmony and its grooves.

Harmony: bars stand between `|`; a bar's chords share it equally and read degree:quality or
degree:quality/bass with Harte's degrees, counted from the tonic's major scale.

Grooves: a character is one step, a string without `|` is one bar (all the bar's steps are equal), `-`
holds the step before it, `.` is silence. Comping: `X` and `x` strike the whole voicing, a digit one of its
notes. Bass: `R` the label's bass, `O` its octave, `T` third, `F` fifth, `S` sixth, `A` a semitone below the
next bass. Drums and lead: `X` and `x` are hits. Upper case is accented.
"""

from dataclasses import dataclass

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


@dataclass(frozen=True)
class Groove:
    """One rhythm section: tempo range (quarters a minute) and a step pattern for every part."""

    tempo: tuple[int, int]
    comp: str
    bass: str
    lead: str
    kick: str
    snare: str
    time: str


@dataclass(frozen=True)
class Style:
    """A genre: beats a bar, (mode, progression) pairs, qualities a chord may turn into, grooves, programs.

    `scales` overrides a mode's scale for the lead. `programs` maps a part to General MIDI programs;
    a program named twice is drawn twice as often.
    """

    beats: int
    progressions: tuple[tuple[str, str], ...]
    colours: dict[str, tuple[str, ...]]
    grooves: tuple[Groove, ...]
    programs: dict[str, tuple[int, ...]]
    scales: dict[str, tuple[int, ...]]


_BLUES = Style(
    beats=4,
    progressions=(
        ("mix", "1:7|4:7|1:7|1:7|4:7|4:7|1:7|1:7|5:7|4:7|1:7|5:7"),
        ("mix", "1:7|4:7|1:7|1:7|4:7|#4:dim7|1:7/5|6:7|2:min7|5:7|1:7 6:7|2:7 5:7"),
        ("mix", "1:7|5:7|4:7|4:7/3|1:7|5:7|1:7 4:7|1:7 5:aug"),
        ("dor", "1:min7|4:min7|1:min7|1:min7|4:min7|4:min7|1:min7|1:min7|b6:7|5:7|1:min7|5:7"),
        ("dor", "1:min6|1:min6|4:7|1:min7|4:min6|4:min7|1:min|1:min/b3|2:hdim7|5:7|1:min6|5:aug"),
    ),
    colours={"7": ("7", "7", "9"), "min7": ("min7", "min", "min6"), "min6": ("min6", "min7")},
    grooves=(
        Groove(
            (92, 140),
            "x.XX.Xx.XX.X",
            "R--T--F--S--|O--S--F--A--",
            "..x-.xx-...x|x--...x-.x--",
            "x..x..x..x.x",
            "...X.....X..",
            "x.xx.xx.xx.x",
        ),
        Groove(
            (84, 132),
            "X--..x......|......x-...x",
            "R--R--F--F--|R--T--F--A--",
            "x-.x-.x--..x|......x-.x--",
            "x.....x....x",
            "...X.....X..",
            "x..x.xx..x.x",
        ),
        Groove(
            (76, 104),
            "X.xx.xX.xx.x",
            "R-----..RF--|R-----O--A--",
            "x-xx--..x--x|x-----......",
            "x.....x....x",
            "...X.....X..",
            "XxxXxxXxxXxx",
        ),
    ),
    programs={"comp": (0, 4, 16, 25, 26, 27, 27, 29), "bass": (32, 33, 34), "lead": (22, 26, 27, 66, 0, 56)},
    scales={"mix": (0, 2, 3, 4, 7, 9, 10), "dor": (0, 3, 5, 6, 7, 10)},
)

_BOSSA = Style(
    beats=4,
    progressions=(
        ("maj", "1:maj7|1:maj7|2:7|2:7|2:min7|5:7|3:min7 6:7|2:min7 5:7"),
        ("maj", "1:maj7|#1:dim7|2:min7|5:7|3:min7|b3:dim7|2:min7|5:7"),
        ("maj", "4:maj7|4:min6|3:min7|6:7|2:min7|5:7|1:maj6|1:maj6"),
        ("min", "1:min6|1:min7|2:hdim7|5:7|1:min7/b7|4:min7|b7:7|b3:maj7|b6:maj7|2:hdim7|5:7|1:min6"),
        ("min", "1:min7|5:7/5|5:min7|1:7|4:min7|b7:9|b3:maj7|2:hdim7 5:aug"),
    ),
    colours={
        "maj7": ("maj7", "maj7", "maj6"),
        "7": ("7", "9"),
        "min7": ("min7", "min7", "min6"),
        "maj6": ("maj6", "maj7"),
    },
    grooves=(
        Groove(
            (96, 144),
            "X-.x-.x-|..x-.x-.",
            "R--FF--R",
            "x--x-x--|.x-x---.",
            "X..xX..x",
            "X..x..x.|..x..x..",
            "xxxxxxxx",
        ),
        Groove(
            (92, 140),
            "X-x-.x-x|.x-x-.x-",
            "R--FF--F",
            "..x-x-.x|x-----..",
            "x..xX..x",
            "x..x...x|..x..x..",
            "x.xXx.xXx.xXx.xX",
        ),
        Groove(
            (80, 132),
            "02.13.1.|.2.13.2.",
            "R--RF--O",
            "x---.x-x|x--.x---",
            "x..xx..x",
            "..x..x..|x..x..x.",
            "x.xxx.xx",
        ),
    ),
    programs={"comp": (0, 4, 11, 24, 24, 25, 26, 27), "bass": (32, 33, 35), "lead": (73, 66, 11, 24, 0, 56)},
    scales={},
)

_ROCK = Style(
    beats=4,
    progressions=(
        ("maj", "1:maj|5:maj|6:min|4:maj"),
        ("maj", "1:maj|1:maj|4:maj|4:maj|1:maj/3|4:maj|5:sus4|5:maj"),
        ("maj", "6:min|4:maj|1:maj|5:maj/7|6:min|2:min7|4:maj|4:min 5:sus4"),
        ("mix", "1:maj|b7:maj|4:maj|1:maj|1:maj|b7:maj|4:maj|5:sus4 5:maj"),
        ("mix", "1:maj|5:min|4:maj/5|4:maj|b3:maj|b7:maj|4:maj|1:sus4 1:maj"),
        ("min", "1:min|b6:maj|b3:maj|b7:maj|1:min|b6:maj|4:min|5:7"),
        ("min", "1:min|b7:maj|b6:maj|5:7|1:min|1:min/b7|b6:maj|5:aug 5:7"),
        ("dor", "1:min|4:maj|1:min|4:maj|b3:maj|b7:maj|4:7|1:min7"),
    ),
    colours={"maj": ("maj", "maj", "maj", "maj6", "sus4"), "min": ("min", "min", "min7"), "7": ("7", "9")},
    grooves=(
        Groove(
            (92, 144),
            "XxxxXxxx",
            "RRRRRRRR|RRRRRRFF",
            "x-x-xx.x|x-----..",
            "x...xx..|x..xx...",
            "..X...X.",
            "XxXxXxXx",
        ),
        Groove(
            (84, 132),
            "X---x-X-..x-X-x-",
            "R-.RR---..R-F-O-",
            "x-.xx---x-.x....|x-------....x-x-",
            "x.....x.x.......|x.....x.x.x.....",
            "....X.......X...",
            "x.x.x.x.x.x.x.x.",
        ),
        Groove(
            (76, 112),
            "02312132",
            "R--R--F-|R-----A-",
            "x--xx---|x-----..",
            "x....x..|x...xx..",
            "....X...",
            "xxxxxxxx",
        ),
    ),
    programs={
        "comp": (0, 4, 16, 24, 25, 27, 29, 29),
        "bass": (33, 34, 35, 32),
        "lead": (29, 27, 0, 22, 40, 66),
    },
    scales={},
)

_WALTZ = Style(
    beats=3,
    progressions=(
        ("maj", "1:maj|1:maj|5:7/5|5:7|2:min|5:7|1:maj|1:maj"),
        (
            "maj",
            "1:maj|1:maj/3|b3:dim7|5:7/5|5:7|5:7|1:maj|1:maj6|4:maj|4:min6|1:maj/5|6:7|2:7|5:7|1:maj|5:7",
        ),
        ("maj", "1:maj7|4:maj7|3:min7|6:min7|2:min7|5:7|1:maj6|5:aug"),
        ("min", "1:min|1:min|4:min|4:min/b3|5:7|5:7/7|1:min|1:min"),
        (
            "min",
            "1:min|1:min/b7|b6:maj|5:7|4:min6|2:hdim7|5:sus4|5:7|1:min|4:min|b7:7|b3:maj|b6:maj|2:hdim7|5:7|1:min",
        ),
    ),
    colours={"maj": ("maj", "maj", "maj6"), "min": ("min", "min", "min6"), "7": ("7", "7", "9")},
    grooves=(
        Groove(
            (92, 144), "..X-x-", "R---..|F---..", "x---x-|x-----|x-xxx-|x---..", "X.....", "..x.x.", "x.x.x."
        ),
        Groove(
            (84, 132),
            "123232",
            "R-----|R---F-",
            "x-----|x-x-x-|x---x-|x-----",
            "x.....|x...x.",
            "....x.",
            "x.xxx.",
        ),
        Groove(
            (88, 140),
            "..x--x..x|X--..x...",
            "R-----F--|R--T--F--",
            "x--x-xx--|x-----..x",
            "x....x...",
            "...x.x...|...x....x",
            "x..x.xx..",
        ),
    ),
    programs={"comp": (0, 0, 4, 11, 16, 21, 24, 25), "bass": (32, 33, 35), "lead": (40, 73, 22, 11, 0, 24)},
    scales={},
)

STYLES = {"blues": _BLUES, "bossa": _BOSSA, "rock": _ROCK, "waltz": _WALTZ}
