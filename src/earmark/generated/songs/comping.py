"""How the generated chord songs sound a chord: voicings for keyboards and for a guitar's six strings, and patterns.

Every comping note belongs to the label's chord; where nobody else plays the bass, the lowest note is the label's.
"""

import random
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from earmark.generated.songs.harmony import Change

STRINGS = (40, 45, 50, 55, 59, 64)  # E2 A2 D3 G3 B3 E4
GUITAR_TOP = 76
LOWEST = 47  # of a voicing over a bass player
VOICINGS = (
    "close", "close", "drop2", "drop2", "drop3", "spread", "doubled", "rootless", "shell", "stacked", "stacked", "open",
)  # fmt: skip


class WrittenNote(NamedTuple):
    """A written note: beats, MIDI pitch, velocity against the part's own, delay in seconds (a strum)."""

    start: float
    end: float
    pitch: int
    accent: int = 0
    delay: float = 0.0


def extensions(intervals: tuple[int, ...]) -> set[int]:
    """Semitones of the ninths, elevenths and thirteenths among a chord's intervals."""
    third = next((i for i in (4, 3, 5, 2) if i in intervals), 0)
    fifth = next((i for i in (7, 8, 6) if i in intervals), 0)
    seventh = next((i for i in (10, 11, 9) if i in intervals), 0)
    return set(intervals) - {0, third, fifth, seventh}


def omissible(change: Change) -> set[int]:
    """The perfect fifth of chords of four and more notes: the one note that names nothing."""
    four = len(change.intervals) >= 4 and change.bass != 7
    return {7} if four and 7 in change.intervals else set()


def voicing(change: Change, kind: str, centre: float, low: int | None, rng: random.Random) -> list[int]:
    """Ascending MIDI notes near `centre`; with `low` (no bass player) they stand on that note, the label's bass."""
    keep = set(change.intervals)
    if rng.random() < (0.3 if len(keep) > 4 else 0.06):
        keep -= omissible(change)
    if kind in ("rootless", "shell") and low is None and len(keep) > 3:
        keep -= {0}
    if kind == "shell" and {10, 11} & keep:  # third, seventh and what is above them: all that jazz players need
        keep -= omissible(change)
    upper = _stack(change, keep, kind, rng)
    upper = _near(upper, centre, change.root, rng)
    if low is not None:
        upper = [low, *(_above(n, low) for n in upper if (n - low) % 12 or rng.random() < 0.5)]
    if kind == "doubled":
        upper += [upper[0] + 12 if low is None else upper[0] - 12 if low > 47 else upper[-1]]
    return sorted(set(upper))


def _above(pitch: int, low: int) -> int:
    while pitch <= low + 2:
        pitch += 12
    return pitch


def _stack(change: Change, keep: set[int], kind: str, rng: random.Random) -> list[int]:
    """Semitones above the root, in a moving inversion; 'stacked' puts ninths and above over the chord's core, 'open'
    everything over root, fifth and octave.
    """
    if kind == "open" and {0, 7} <= keep:
        return [0, 7, 12, *(n + 12 for n in sorted(keep - {0, 7}))]
    above = extensions(change.intervals) & keep
    core = sorted(keep - above) if kind != "close" or len(keep) > 5 else sorted(keep)
    turn = rng.choice((0, 0, 1, 2, len(core) - 1)) % len(core)
    notes = core[turn:] + [n + 12 for n in core[:turn]]
    top = notes[-1]
    for extension in sorted(above - set(core)):
        notes.append(next(n for n in range(extension, 60, 12) if n > (top if kind == "stacked" else notes[0])))
    notes = sorted(set(notes))
    drop = {"drop2": 2, "drop3": 3}.get(kind)
    if drop and len(notes) > drop:
        notes[-drop] -= 12
    if kind == "spread":
        notes = [n + 12 * (i % 2) for i, n in enumerate(notes)]
    return sorted(notes)


def _near(notes: list[int], centre: float, root: int, rng: random.Random) -> list[int]:
    """The stack in the octave nearest to `centre`, all of it above the bass player's notes."""
    middle = root + sum(notes) / len(notes)
    octave = round((centre + rng.uniform(-3, 3) - middle) / 12)
    while root + notes[0] + 12 * octave < LOWEST:
        octave += 1
    return [n + root + 12 * octave for n in notes]


def guitar_voicing(change: Change, rng: random.Random) -> list[int] | None:
    """Notes that one hand can hold on six strings, the label's bass lowest; None where nothing holds them all."""
    classes = tuple(sorted((change.root + i) % 12 for i in change.intervals))
    spare = tuple((change.root + i) % 12 for i in omissible(change))
    shapes = guitar_shapes(classes, spare, change.bass_class)
    if not shapes:
        return None
    return list(shapes[min(int(rng.expovariate(0.6)), len(shapes) - 1)])


@lru_cache(maxsize=4000)
def guitar_shapes(classes: tuple[int, ...], spare: tuple[int, ...], bass: int) -> tuple[tuple[int, ...], ...]:
    """The best shapes first: all notes there, many strings, low on the neck; four frets and open strings."""
    needed, found = set(classes) - set(spare), {}
    for lowest, position in product(range(4), range(10)):
        for start in _frets(lowest, position, {bass}):
            choices = [_frets(s, position, set(classes)) or [None] for s in range(lowest + 1, 6)]
            for notes in product(*choices):
                shape = (start, *(n for n in notes if n is not None))
                if needed <= {n % 12 for n in shape} and start == min(shape) and max(shape) <= GUITAR_TOP:
                    score = len({n % 12 for n in shape}) * 2 + len(shape) - 0.4 * position
                    found[tuple(sorted(set(shape)))] = max(score, found.get(shape, -99))
    return tuple(sorted(found, key=found.get, reverse=True)[:8])


def _frets(string: int, position: int, classes: set[int]) -> list[int]:
    """Notes of a string among the classes: in a hand's reach from `position`, or open."""
    frets = sorted({0, *range(position, position + 4)})
    return [STRINGS[string] + f for f in frets if (STRINGS[string] + f) % 12 in classes][:2]


def hits(pattern: str, bar: float, start: float, end: float) -> list[tuple[float, float, str]]:
    """(start, end, character) in beats of a pattern's hits from `start` up to `end`, cut off at `end`."""
    bars, found = pattern.split("|"), []
    for n in range(int(start // bar), int(end // bar) + 1):
        text = bars[n % len(bars)]
        step = bar / len(text)
        for i, char in enumerate(text):
            if char in "-.":
                continue
            held = next((k for k in range(i + 1, len(text)) if text[k] != "-"), len(text)) - i
            at = n * bar + i * step
            if start - 1e-6 <= at < end - 1e-6:
                found.append((at, min(at + held * step, end), char))
    return found


def random_pattern(steps: int, rng: random.Random) -> str:
    """A pattern nobody wrote down: stabs, or single notes up and down, at random."""
    if rng.random() < 0.4:
        return "".join(rng.choice("01234512") for _ in range(steps))
    density = rng.uniform(0.25, 0.8)
    return "".join(rng.choice("Xxx") if rng.random() < density else rng.choice("-.") for _ in range(steps))


class Player(NamedTuple):
    """How one part comps. hold: a broken chord's notes ring on to its end. strum: seconds from first to last string.

    thirds: velocity of the chord's third against its other notes; a soft one still makes it major or minor.
    """

    pattern: str
    kind: str
    centre: float
    bass: bool
    hold: bool
    strum: float
    thirds: int = 0


def write_comp(changes: tuple[Change, ...], player: Player, bar: float, rng: random.Random) -> list[WrittenNote]:
    """Every chord is struck at its onset where this part has the bass too, and at least once otherwise."""
    tones, centre = [], player.centre
    for change in changes:
        if change.root is None:
            continue
        notes = _voiced(change, player, centre, rng)
        struck = hits(player.pattern, bar, change.start, change.end)
        if not struck or (player.bass and struck[0][0] > change.start + 1e-6):
            struck.insert(0, (change.start, struck[0][0] if struck else change.end, "X"))
        struck = _named(struck, len(notes), change, player.bass)
        for i, (start, end, char) in enumerate(struck):
            tones += _stroke(notes, start, end, char, change, player)
            if i and rng.random() < 0.06 and char in "Xx":
                notes = _voiced(change, player, centre, rng)
        centre = (2 * player.centre + sum(notes) / len(notes)) / 3
    return tones


def _named(struck: list, n: int, change: Change, bass: bool) -> list:
    """The hits such that all n notes sound within the chord, and the lowest first where this part has the bass."""
    chars = [c for *_, c in struck]
    digits = [c for c in chars if c.isdigit()]
    if digits:
        if bass:
            struck = [(*struck[0][:2], "0"), *struck[1:]]
            digits[0] = "0"
        if len({int(c) % n for c in digits}) == n:
            return struck
        if len(struck) >= n:  # time enough to run up through the notes
            return [(a, b, str(i) if i < n else c) for i, (a, b, c) in enumerate(struck)]
        return [(change.start, change.end, "X")]
    if (bass and chars[0] in "Uh") or not ({"X", "x"} & set(chars) or {"b", "h"} <= set(chars)):
        struck = [(*struck[0][:2], "X"), *struck[1:]]
    return struck


def _voiced(change: Change, player: Player, centre: float, rng: random.Random) -> list[int]:
    if player.kind == "guitar":
        notes = guitar_voicing(change, rng)
        if notes:
            return notes
    low = None
    if player.bass:
        floor = rng.choice((36, 40, 43)) if player.kind != "guitar" else 40
        low = floor + (change.bass_class - floor) % 12
    kind = "stacked" if player.kind == "guitar" else player.kind
    return voicing(change, kind, max(centre, 58) if player.bass else centre, low, rng)


def _stroke(notes: list[int], start: float, end: float, char: str, change: Change, player: Player) -> list[WrittenNote]:
    """The tones of one hit."""
    if char.isdigit():
        pitch = notes[int(char) % len(notes)]
        return [WrittenNote(start, change.end if player.hold else end, pitch, _softer(pitch, change, player.thirds))]
    chosen = {"b": notes[:1], "h": notes[1:] or notes, "U": notes[-4:][::-1]}.get(char, notes)
    gap = player.strum / max(len(chosen) - 1, 1)
    accent = 10 * (char == "X") - 6 * (char == "U")
    return [
        WrittenNote(start, end, p, accent + _softer(p, change, player.thirds), i * gap) for i, p in enumerate(chosen)
    ]


def _softer(pitch: int, change: Change, thirds: int) -> int:
    """What a note's part in its chord adds to its velocity."""
    return thirds if (pitch - change.root) % 12 in (3, 4) else 0
