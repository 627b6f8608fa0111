"""Bass, melody, held layers and drums of the generated chord songs."""

import random
from typing import NamedTuple

from earmark.generated.songs.comping import LOWEST, WrittenNote, extensions, hits, voicing
from earmark.generated.songs.harmony import Change, sounds_as_another
from earmark.generated.songs.patterns import BASSES, DRUMS, MELODIES, WALKS

KICKS, SNARES = (35, 36), (37, 38, 38, 39, 40, 40)
TIMES = (42, 42, 44, 46, 49, 51, 53, 54, 57, 59, 69, 70, 75, 80, 82)
FILLS = (41, 43, 45, 47, 48, 50)


class Bassist(NamedTuple):
    """How a bass player goes about it; notes lie in the octaves above `low`.

    Most begin every chord on the label's bass. by_bar: who alternates by the bar, whatever comes, begins a chord in
    root position on its fifth where the pattern has one there. free: share of the chords in root position that begin
    on any of their notes, as a line that walks by itself does. Nobody begins on a note that makes another chord of it.
    """

    pattern: str
    low: int = 28
    by_bar: bool = False
    free: float = 0.0


def bassist(metre: int, rng: random.Random) -> Bassist:
    """Somebody for a song; half are strict, three in ten keep to the bar, the rest are free."""
    pattern = rng.choice(BASSES[metre])
    low = rng.choice((28, 28, 31, 33))
    mind = rng.random()
    return Bassist(pattern, low, by_bar=0.5 <= mind < 0.8, free=rng.uniform(0.2, 0.8) if mind >= 0.8 else 0.0)


def write_bass(changes: tuple[Change, ...], player: Bassist, bar: float, rng: random.Random) -> list[WrittenNote]:
    """The label's bass at every chord's onset, unless the player knows better, then the pattern."""
    low = player.low
    tones = []
    for n, change in enumerate(changes):
        if change.root is None:
            continue
        ground = low + (change.bass_class - low) % 12
        after = changes[n + 1] if n + 1 < len(changes) else change
        goal = low + ((after if after.root is not None else change).bass_class - low) % 12
        struck = hits(player.pattern, bar, change.start, change.end)
        if not struck or struck[0][0] > change.start + 1e-6:
            struck.insert(0, (change.start, struck[0][0] if struck else change.end, "R"))
        struck[0] = (*struck[0][:2], _onset(struck[0][2], change, player, rng))
        for i, (start, end, char) in enumerate(struck):
            last = i + 1 == len(struck)
            pitch = _bass_pitch(char, change, ground, goal if last and i else None, rng)
            tones.append(WrittenNote(start, end, pitch, 8 * (i == 0)))
    return tones


def write_walk(
    changes: tuple[Change, ...], scale: tuple[int, ...], bar: float, metre: int, rng: random.Random
) -> list[WrittenNote]:
    """A bass that walks: step by step through the scale, up and down, past the changes.

    A share of the chords in root position, drawn for the song, is met on the root, the others where the line happens to
    be; chords on another note than their root always stand on it. scale: pitch classes, the chord's own where empty.
    """
    pattern = rng.choice(WALKS[metre])
    low = rng.choice((28, 31, 33))
    sure = rng.uniform(0.2, 0.9)
    pitch = low + 7
    way = 1
    tones = []
    for change in changes:
        if change.root is None:
            continue
        # An inversion's bass stands below whatever is comped.
        grounds = [p for p in range(low, LOWEST if change.bass else low + 20) if p % 12 == change.bass_class]
        ladder = _ladder(change, scale, low)
        struck = hits(pattern, bar, change.start, change.end)
        if not struck or struck[0][0] > change.start + 1e-6:
            struck.insert(0, (change.start, struck[0][0] if struck else change.end, "x"))
        for i, (start, end, _) in enumerate(struck):
            if i == 0 and (change.bass or rng.random() < sure):
                pitch = _nearest(grounds, pitch)
            else:
                at = ladder.index(_nearest(ladder, pitch))
                turned = -way if rng.random() < 0.15 else way
                way = 1 if at == 0 else -1 if at == len(ladder) - 1 else turned
                pitch = ladder[at + way]
                if i == 0 and sounds_as_another(change.quality, (pitch - change.root) % 12):
                    pitch = _nearest(grounds, pitch)
            tones.append(WrittenNote(start, end, pitch, 8 * (i == 0)))
    return tones


def _nearest(ladder: list[int], pitch: int) -> int:
    return min(ladder, key=lambda p: abs(p - pitch))


def _ladder(change: Change, scale: tuple[int, ...], low: int) -> list[int]:
    """Ascending notes that a line over the chord steps on: its own, and those of the scale more than a semitone off."""
    own = {(change.root + i) % 12 for i in change.intervals}
    others = {c for c in scale if not {(c + 1) % 12, (c - 1) % 12} & own}
    return [p for p in range(low, low + 20) if p % 12 in own | others]


def _onset(char: str, change: Change, player: Bassist, rng: random.Random) -> str:
    """What the player begins a chord with, of which the pattern says `char`."""
    if change.bass == 0 and rng.random() < player.free:
        return "N"
    fifth = player.by_bar and char == "F" and change.bass == 0 and not sounds_as_another(change.quality, _fifth(change))
    return "F" if fifth else "R"


def _fifth(change: Change) -> int:
    return next((i for i in (7, 6, 8) if i in change.intervals), 0)


def _bass_pitch(char: str, change: Change, ground: int, goal: int | None, rng: random.Random) -> int:
    if char == "A" and goal is not None:
        return goal + rng.choice((-2, -1, -1, 1, 2))
    if char == "O":
        return ground + 12
    third = next((i for i in (4, 3, 5, 2) if i in change.intervals), 0)
    sixth = 9 if 4 in change.intervals else 10
    step = {"F": _fifth(change), "T": third, "S": sixth}.get(char)
    if char in "CAN":
        core = [i for i in change.intervals if i not in extensions(change.intervals)]
        step = rng.choice([i for i in core if char != "N" or not sounds_as_another(change.quality, i)])
    if step is None:
        return ground
    target = (change.root + step) % 12
    up = (target - ground) % 12
    return ground + (up - 12 if up > 5 and ground + up - 12 >= 26 and rng.random() < 0.5 else up)


def write_layer(changes: tuple[Change, ...], centre: float, size: int, rng: random.Random) -> list[WrittenNote]:
    """Chords held from change to change: pad, strings, choir. size: at most so many notes, never the fifth first."""
    tones = []
    for change in changes:
        if change.root is None:
            continue
        notes = voicing(change, rng.choice(("close", "stacked", "drop2", "open")), centre, None, rng)
        if len(notes) > size:
            notes = sorted(rng.sample(notes, size))
        tones += [WrittenNote(change.start, change.end, p) for p in notes]
    return tones


def write_stabs(changes: tuple[Change, ...], bar: float, centre: float, rng: random.Random) -> list[WrittenNote]:
    """Brass: short chords on an offbeat rhythm, in some bars."""
    pattern = "|".join(rng.choice(("X..x....", "...X..x.", "........", "........")) for _ in range(4))
    tones = []
    for change in changes:
        if change.root is None:
            continue
        notes = voicing(change, "close", centre, None, rng)
        for start, _, _ in hits(pattern, bar, change.start, change.end):
            tones += [WrittenNote(start, min(start + 0.5, change.end), p, 6) for p in notes]
    return tones


def write_melody(
    changes: tuple[Change, ...], scale: tuple[int, ...], bar: float, metre: int, rng: random.Random
) -> list[WrittenNote]:
    """A line that steps through the scale; chord notes where it is strong, now and then a suspension."""
    patterns = rng.sample(MELODIES[metre], k=2)
    low, tones = rng.choice((57, 60, 64, 67, 72)), []
    pitch = low + rng.randrange(12)
    for change in changes:
        if change.root is None:
            continue
        chord = {(change.root + i) % 12 for i in change.intervals}
        around = set(scale) or chord | {(c + rng.choice((1, 2))) % 12 for c in chord if rng.random() < 0.4}
        for start, end, _ in hits("|".join(patterns), bar, change.start, change.end):
            strong = start == change.start or (start % 1 == 0 and rng.random() < 0.6)
            if start == change.start and tones and tones[-1].end == start and rng.random() < 0.12:
                tones[-1] = tones[-1]._replace(end=start + min(0.5, end - start))
                start = tones[-1].end
                if end - start < 0.1:
                    continue
            pitch = _step(pitch, chord if strong else around | chord, low, rng)
            tones.append(WrittenNote(start, end, pitch))
    return tones


def _step(pitch: int, allowed: set[int], low: int, rng: random.Random) -> int:
    ladder = [p for p in range(low, low + 20) if p % 12 in allowed]
    at = ladder.index(_nearest(ladder, pitch)) + rng.choice((-3, -2, -1, -1, 0, 1, 1, 2, 3))
    return ladder[min(max(at, 0), len(ladder) - 1)]


def write_drums(beats: float, bar: float, metre: int, rng: random.Random) -> list[WrittenNote]:
    """Kick, snare and time keeping; some songs with cymbal crashes and tom fills."""
    kick, snare, keeping = rng.choice(DRUMS[metre])
    voices = ((rng.choice(KICKS), kick), (rng.choice(SNARES), snare), (rng.choice(TIMES), keeping))
    tones = [
        WrittenNote(start, start + 0.2, key, 12 * (char == "X"))
        for key, pattern in voices
        for start, _, char in hits(pattern, bar, 0.0, beats)
    ]
    every = rng.choice((1, 2, 4, 4, 8, 99))
    for n in range(0, int(beats // bar), every):
        if rng.random() < 0.5:
            tones.append(WrittenNote(n * bar, n * bar + 1, rng.choice((49, 49, 52, 55, 57)), 14))
        if rng.random() < 0.4 and n:
            first = n * bar - 1
            tones += [WrittenNote(first + i / 4, first + i / 4 + 0.2, rng.choice(FILLS), 8) for i in range(4)]
    return sorted(tones)
