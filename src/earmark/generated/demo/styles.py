"""Tables behind the demo music: every genre's harmony, grooves and instruments.

Harmony: bars stand between `|`; a bar's chords share it equally and read degree:quality or
degree:quality/bass with Harte's degrees, counted from the tonic's major scale.

Grooves: a character is one step, a string without `|` is one bar (all the bar's steps are equal), `-`
holds the step before it, `.` is silence. Comping: `X` and `x` strike the whole voicing, a digit one of its
notes. Bass: `R` the label's bass, `O` its octave, `T` third, `F` fifth, `S` sixth, `A` a semitone below the
next bass. Drums and lead: `X` and `x` are hits. Upper case is accented.
"""

from dataclasses import dataclass


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
    """A genre: beats a bar, (mode, progression) pairs, colours of a quality, grooves.

    programs: General MIDI programs of every part. kit: General MIDI drums of every drum pattern. What is
    named twice is drawn twice as often. register: bounds of the comping's middle, MIDI note. force: added to
    velocities. drum_fader: bounds of the drums' channel volume. legato: bounds of the share of its written
    length that a note sounds. scales: semitones of the lead's scale in a mode, unless the mode's own.
    """

    beats: int
    progressions: tuple[tuple[str, str], ...]
    colours: dict[str, tuple[str, ...]]
    grooves: tuple[Groove, ...]
    programs: dict[str, tuple[int, ...]]
    kit: dict[str, tuple[int, ...]]
    register: tuple[int, int]
    force: int
    drum_fader: tuple[int, int]
    legato: tuple[float, float]
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
            tempo=(92, 140),
            comp="x.XX.Xx.XX.X",
            bass="R--T--F--S--|O--S--F--A--",
            lead="..x-.xx-...x|x--...x-.x--",
            kick="x..x..x..x.x",
            snare="...X.....X..",
            time="x.xx.xx.xx.x",
        ),
        Groove(
            tempo=(84, 132),
            comp="X--..x......|......x-...x",
            bass="R--R--F--F--|R--T--F--A--",
            lead="x-.x-.x--..x|......x-.x--",
            kick="x.....x....x",
            snare="...X.....X..",
            time="x..x.xx..x.x",
        ),
        Groove(
            tempo=(76, 104),
            comp="X.xx.xX.xx.x",
            bass="R-----..RF--|R-----O--A--",
            lead="x-xx--..x--x|x-----......",
            kick="x.....x....x",
            snare="...X.....X..",
            time="XxxXxxXxxXxx",
        ),
    ),
    programs={
        "comp": (16, 16, 27, 27, 0, 0, 26, 25, 29, 21),
        "bass": (33, 33, 33, 32, 34),
        "lead": (22, 22, 66, 26, 0, 56),
    },
    kit={"kick": (35, 36), "snare": (40, 40, 40, 38, 37), "time": (51, 51, 51, 42, 70)},
    register=(57, 65),
    force=2,
    drum_fader=(80, 105),
    legato=(0.55, 0.85),
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
            tempo=(96, 144),
            comp="X-.x-.x-|..x-.x-.",
            bass="R--FF--R",
            lead="x--x-x--|.x-x---.",
            kick="X..xX..x",
            snare="X..x..x.|..x..x..",
            time="xxxxxxxx",
        ),
        Groove(
            tempo=(92, 140),
            comp="X-x-.x-x|.x-x-.x-",
            bass="R--FF--F",
            lead="..x-x-.x|x-----..",
            kick="x..xX..x",
            snare="x..x...x|..x..x..",
            time="x.xXx.xXx.xXx.xX",
        ),
        Groove(
            tempo=(80, 132),
            comp="02.13.1.|.2.03.1.",
            bass="R--RF--O",
            lead="x---.x-x|x--.x---",
            kick="x..xx..x",
            snare="..x..x..|x..x..x.",
            time="x.xxx.xx",
        ),
    ),
    programs={
        "comp": (24, 24, 24, 4, 4, 26, 0, 0, 11, 25),
        "bass": (32, 32, 32, 35, 33),
        "lead": (73, 73, 66, 11, 24, 0),
    },
    kit={"kick": (35, 36), "snare": (37, 37, 37, 38, 40), "time": (70, 70, 70, 42, 51)},
    register=(53, 61),
    force=-9,
    drum_fader=(60, 90),
    legato=(0.5, 0.8),
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
            tempo=(92, 144),
            comp="XxxxXxxx",
            bass="RRRRRRRR|RRRRRRFF",
            lead="x-x-xx.x|x-----..",
            kick="x...xx..|x..xx...",
            snare="..X...X.",
            time="XxXxXxXx",
        ),
        Groove(
            tempo=(84, 132),
            comp="X---x-X-..x-X-x-",
            bass="R-.RR---..R-F-O-",
            lead="x-.xx---x-.x....|x-------....x-x-",
            kick="x.....x.x.......|x.....x.x.x.....",
            snare="....X.......X...",
            time="x.x.x.x.x.x.x.x.",
        ),
        Groove(
            tempo=(76, 112),
            comp="02312132",
            bass="R--R--F-|R-----A-",
            lead="x--xx---|x-----..",
            kick="x....x..|x...xx..",
            snare="....X...",
            time="xxxxxxxx",
        ),
    ),
    programs={
        "comp": (29, 29, 29, 25, 25, 27, 27, 16, 24, 0),
        "bass": (34, 34, 34, 33, 35),
        "lead": (29, 29, 27, 40, 22, 0),
    },
    kit={"kick": (35, 36), "snare": (38, 38, 38, 40, 37), "time": (42, 42, 42, 51, 70)},
    register=(54, 62),
    force=9,
    drum_fader=(95, 118),
    legato=(0.8, 1.0),
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
            tempo=(92, 144),
            comp="..X-x-",
            bass="R---..|F---..",
            lead="x---x-|x-----|x-xxx-|x---..",
            kick="X.....",
            snare="..x.x.",
            time="x.x.x.",
        ),
        Groove(
            tempo=(84, 132),
            comp="012321",
            bass="R-----|R---F-",
            lead="x-----|x-x-x-|x---x-|x-----",
            kick="x.....|x...x.",
            snare="....x.",
            time="x.xxx.",
        ),
        Groove(
            tempo=(88, 140),
            comp="..x--x..x|X--..x...",
            bass="R-----F--|R--T--F--",
            lead="x--x-xx--|x-----..x",
            kick="x....x...",
            snare="...x.x...|...x....x",
            time="x..x.xx..",
        ),
    ),
    programs={
        "comp": (21, 21, 21, 0, 0, 11, 24, 4, 25, 16),
        "bass": (35, 35, 32, 32, 33),
        "lead": (40, 40, 73, 22, 0, 11),
    },
    kit={"kick": (35, 36), "snare": (37, 38, 38, 40, 40), "time": (42, 42, 51, 51, 70)},
    register=(61, 69),
    force=-2,
    drum_fader=(60, 85),
    legato=(0.8, 1.0),
    scales={},
)

STYLES = {"blues": _BLUES, "bossa": _BOSSA, "rock": _ROCK, "waltz": _WALTZ}
