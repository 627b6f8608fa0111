"""Short songs to train a chord recogniser on: rich vocabulary, many ensembles, exact labels; no audio yet.

The demo's songs are made to tell genres apart; these are made to hide everything but the harmony: key, metre, tempo,
texture, instruments, drums and register are drawn without regard to one another.

What sounds: comping and held layers play the label's notes alone, in some songs without the thirds of the triads; then
bass or melody may have them, or nobody, and the other chords have to tell major from minor. The lowest part begins each
chord with the label's bass, but where a bass player who alternates by the bar, is free or walks meets a chord in root
position on another note; melodies and bass lines pass through other notes. In fast songs the last strings of a strum,
or a late player, can reach some hundredths of a second into the next chord, as people do.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple

import pretty_midi

from earmark.generated.songs import comping, parts, patterns
from earmark.generated.songs.comping import VOICINGS, Player, WrittenNote
from earmark.generated.songs.harmony import Change, Harmony, write_harmony
from earmark.tasks.chord.notation.lab import LabSegment

RESOLUTION = 960  # ticks a quarter at 120 a minute: .5 ms
ENSEMBLES = {"piano": 0.16, "guitar": 0.20, "pad": 0.08, "duo": 0.12, "band": 0.44}
METRES = {"4/4": (4, 4), "3/4": (3, 3), "6/8": (3, 3)}  # quarters a bar, and the table of patterns
# General MIDI programs; what is named twice is drawn twice as often.
PIANOS = (0, 0, 0, 1, 1, 2, 3, 4, 4, 5, 5, 6, 7)
GUITARS = (24, 24, 24, 25, 25, 25, 25, 26, 26, 27, 27, 28)
PADS = (16, 17, 18, 19, 20, 21, 22, 48, 49, 50, 51, 52, 54, 88, 89, 90, 91, 92, 94, 95)
MORE_COMPS = (29, 30, 31, 8, 11, 11, 12, 13, 15, *range(16, 24), 21, 45, 46, 48, 61, 62, 80, 81, 104, 105, 107)
COMPS = (*PIANOS, *PIANOS, *GUITARS, *GUITARS, *MORE_COMPS)
BASSES = (*range(32, 40), 32, 33, 33, 34, 35, 43, 58, 70)
LEADS = (*range(16), 22, *range(24, 31), *range(40, 43), *range(56, 60), *range(64, 88), 104, 105, 110)
KITS = (0, 0, 0, 0, 8, 16, 24, 25, 32, 40)
RINGING_S = 0.12  # longest that a note sounds on into the next chord
BARE = 0.06  # share of the songs in a key whose triads are played without their thirds
WALKING = 0.22  # share of the bass players whose line walks past the changes
THIRDS = (0, 0, 0, 0, 0, 0, -12, -25, -40)  # velocity of a part's thirds
MUSICLESS = 0.09  # share of the songs in which nobody plays a chord
SUNG = "sung"  # the name of a part that is a voice's
SINGING = 0.5  # share of the melodies that are sung
STRUCK_ONCE, ALONE_STRUCK_ONCE = 0.05, 0.25  # shares of the players who strike every chord once and let it fade


@dataclass(frozen=True)
class GeneratedSong:
    """MIDI and what sounds in it.

    style: the ensemble. key: 'C:maj', 'A:min', 'N' for none. chords: contiguous from 0 to the end, neighbours differ.
    Parts are named 'comp', 'bass', 'layer', 'stabs', 'melody', 'drums'. sung: the notes of a melody that somebody sings
    and no part plays; pitches are MIDI's.
    """

    name: str
    group: str
    style: str
    tempo_bpm: float
    key: str
    chords: tuple[LabSegment, ...]
    midi: pretty_midi.PrettyMIDI
    sung: tuple[pretty_midi.Note, ...] = ()

    @property
    def duration_s(self) -> float:
        """Seconds, to the end of the last chord."""
        return self.chords[-1].end_s


class InstrumentPart(NamedTuple):
    """Written notes and how they are played: program, level (MIDI volume), velocity, share of the length held."""

    name: str
    tones: list[WrittenNote]
    program: int
    level: int
    velocity: int
    legato: float = 1.0


class Touch(NamedTuple):
    """How people play: late or early by `jitter` s, uneven by `force`; `ringing` s beyond a note's written end."""

    jitter: float
    force: float
    ringing: float


def compose(index: int, seed: int, seconds: float = 36.0) -> GeneratedSong:
    """Song number `index`, exactly `seconds` long; (seed, index) alone decide it."""
    rng = random.Random(f"chords/{seed}/{index}")
    name = f"song_{index:05d}"
    if rng.random() < MUSICLESS:
        return _without_music(name, seconds, rng)
    bar, metre = METRES[rng.choices(("4/4", "3/4", "6/8"), (70, 18, 12))[0]]
    tempo = rng.uniform(60, 190)
    swing = rng.choice((0.5, 0.5, 0.5, 0.6, 2 / 3))
    lead_in, tail = rng.choice((0.05, rng.uniform(0.05, 1.5))), rng.uniform(0.3, 2.0)
    beats = max(bar, int((seconds - lead_in - tail) * tempo / 60))
    harmony = write_harmony(rng, bar, beats, tempo)
    style = rng.choices(list(ENSEMBLES), ENSEMBLES.values())[0]

    def seconds_at(beat: float) -> float:
        return lead_in + 60 / tempo * _swung(beat, swing)

    chords = tuple(segments_in_seconds(harmony.changes, seconds_at, seconds))
    players = _ensemble(style, harmony, bar, metre, beats, rng)
    midi, sung = perform(players, seconds_at, seconds, rng)
    return GeneratedSong(name, name, style, tempo, harmony.key, chords, midi, sung)


def _without_music(name: str, seconds: float, rng: random.Random) -> GeneratedSong:
    """Drums alone, a voice alone, or nothing: what else sounds is not written in notes (`beside`)."""
    bar, metre = METRES[rng.choice(list(METRES))]
    tempo = rng.uniform(60, 190)
    what = rng.choice(("drums", "voice", "nothing", "nothing"))
    players = []
    beats = seconds * tempo / 60
    if what == "drums":
        players = [
            InstrumentPart(
                "drums", parts.write_drums(beats, bar, metre, rng), rng.choice(KITS), 100, rng.randint(60, 110)
            )
        ]
    elif what == "voice":
        harmony = write_harmony(rng, bar, int(beats), tempo)
        players = [_melody(harmony, bar, metre, rng)._replace(name=SUNG)]
    midi, sung = perform(players, lambda beat: beat * 60 / tempo, seconds, rng)
    return GeneratedSong(name, name, "none", tempo, "N", (LabSegment(0.0, seconds, "N"),), midi, sung)


def _swung(beat: float, swing: float) -> float:
    """A straight beat's place when its second eighth falls on `swing` of the quarter."""
    whole, phase = divmod(beat, 1.0)
    return whole + (phase * 2 * swing if phase < 0.5 else swing + (phase - 0.5) * 2 * (1 - swing))


def segments_in_seconds(
    changes: tuple[Change, ...], seconds_at: Callable[[float], float], end_s: float
) -> list[LabSegment]:
    """Segments in seconds from 0 to `end_s`, N outside; neighbours of one label joined."""
    rows = [(0.0, "N"), *((seconds_at(c.start), c.label) for c in changes), (seconds_at(changes[-1].end), "N")]
    firsts = [next(run) for _, run in groupby(rows, key=lambda r: r[1])]
    ends = [*(start for start, _ in firsts[1:]), end_s]
    return [LabSegment(start, end, label) for (start, label), end in zip(firsts, ends, strict=True) if end > start]


def _ensemble(
    style: str, harmony: Harmony, bar: int, metre: int, beats: int, rng: random.Random
) -> list[InstrumentPart]:
    """Who plays what."""
    changes = _bared(harmony.changes, rng) if harmony.key != "N" and rng.random() < BARE else harmony.changes
    comp = _comp(style, changes, bar, metre, rng)
    if style not in ("duo", "band"):
        return comp if rng.random() > 0.15 else [*comp, _melody(harmony, bar, metre, rng)]
    if rng.random() < WALKING:
        bass = parts.write_walk(harmony.changes, harmony.scale, bar, metre, rng)
    else:
        bass = parts.write_bass(harmony.changes, parts.bassist(metre, rng), bar, rng)
    player = InstrumentPart(
        "bass", bass, rng.choice(BASSES), rng.randint(80, 120), rng.randint(70, 105), rng.uniform(0.5, 1)
    )
    players = [*comp, player]
    if style == "band":
        players += _others(harmony, changes, bar, metre, beats, rng)
    elif rng.random() < 0.3:
        players.append(_melody(harmony, bar, metre, rng))
    return players


def _comp(style: str, changes: tuple[Change, ...], bar: int, metre: int, rng: random.Random) -> list[InstrumentPart]:
    """The comping part; two-handed and in the bass where it is alone."""
    program = rng.choice({"piano": PIANOS, "guitar": GUITARS, "pad": PADS}.get(style, COMPS))
    alone = style not in ("duo", "band")
    guitar = style == "guitar" or (24 <= program <= 31 and rng.random() < 0.85)
    once = ALONE_STRUCK_ONCE if alone else STRUCK_ONCE
    pattern = "." if rng.random() < once else _pattern(style, metre, rng)
    strum = rng.uniform(0.01, 0.04) * rng.choice((1, 1, 1, 2)) if guitar else rng.choice((0, 0, 0, 0.03))
    kind = "guitar" if guitar else rng.choice(VOICINGS)
    player = Player(pattern, kind, rng.uniform(52, 70), alone, rng.random() < 0.6, strum, rng.choice(THIRDS))
    tones = comping.write_comp(changes, player, bar, rng)
    legato = rng.choice((1.0, 1.0, rng.uniform(0.3, 1.0)))
    return [InstrumentPart("comp", tones, program, rng.randint(75, 120), rng.randint(55, 105), legato)]


def _pattern(style: str, metre: int, rng: random.Random) -> str:
    known = rng.random() < 0.8
    pattern = rng.choice(patterns.COMPS[metre]) if known else comping.random_pattern(rng.choice((2, 4)) * metre, rng)
    if style == "pad" and rng.random() < 0.7:
        return "X-------" if metre == 4 else "X-----"
    return pattern


def _bared(changes: tuple[Change, ...], rng: random.Random) -> tuple[Change, ...]:
    """The changes as somebody comps them who leaves the thirds of major and minor triads to others.

    One triad keeps its third, from which the key, and so the others, can be told.
    """
    triads = sorted({(c.root, c.quality) for c in changes if c.quality in ("maj", "min") and c.bass in (0, 7)})
    bare = set(triads) - {rng.choice(triads)} if triads else set()
    return tuple(replace(c, quality="5") if (c.root, c.quality) in bare and c.bass in (0, 7) else c for c in changes)


def _others(
    harmony: Harmony, changes: tuple[Change, ...], bar: int, metre: int, beats: int, rng: random.Random
) -> list[InstrumentPart]:
    """What a band may have beside comping and bass; changes: as the others comp them."""
    players = []
    if rng.random() < 0.4:
        players += _comp("band", changes, bar, metre, rng)
    if rng.random() < 0.35:
        layer = parts.write_layer(changes, rng.uniform(57, 74), rng.choice((3, 4, 6)), rng)
        players.append(InstrumentPart("layer", layer, rng.choice(PADS), rng.randint(50, 100), rng.randint(45, 90)))
    if rng.random() < 0.15 and metre == 4:
        stabs = parts.write_stabs(changes, bar, rng.uniform(60, 70), rng)
        players.append(
            InstrumentPart("stabs", stabs, rng.choice((56, 57, 60, 61, 62, 63, 66)), rng.randint(60, 110), 95, 0.8)
        )
    if rng.random() < 0.5:
        players.append(_melody(harmony, bar, metre, rng))
    if rng.random() < 0.65:
        heavy = rng.random() < 0.3
        level, force = (rng.randint(115, 127), 110) if heavy else (rng.randint(55, 115), rng.randint(60, 100))
        players.append(
            InstrumentPart("drums", parts.write_drums(beats, bar, metre, rng), rng.choice(KITS), level, force)
        )
    return players


def _melody(harmony: Harmony, bar: int, metre: int, rng: random.Random) -> InstrumentPart:
    tones = parts.write_melody(harmony.changes, harmony.scale, bar, metre, rng)
    name = SUNG if rng.random() < SINGING else "melody"
    return InstrumentPart(
        name, tones, rng.choice(LEADS), rng.randint(60, 115), rng.randint(65, 105), rng.uniform(0.7, 1)
    )


def perform(
    players: list[InstrumentPart], seconds_at: Callable[[float], float], end_s: float, rng: random.Random
) -> tuple[pretty_midi.PrettyMIDI, tuple[pretty_midi.Note, ...]]:
    """The parts as people play them, in MIDI of a fixed tempo whose last event is at `end_s`, and what is sung."""
    sung: list[pretty_midi.Note] = []
    midi = pretty_midi.PrettyMIDI(resolution=RESOLUTION, initial_tempo=120.0)
    ringing = rng.uniform(0.03, RINGING_S) if rng.random() < 0.1 else 0.0
    touch = Touch(rng.uniform(0, 0.015), rng.uniform(2, 12), ringing)
    reverb = rng.randint(0, 80)
    for part in players:
        notes = [note for tone in part.tones if (note := _played(tone, part, touch, seconds_at, end_s, rng))]
        if part.name == SUNG:
            sung += notes
            continue
        player = pretty_midi.Instrument(part.program, is_drum=part.name == "drums", name=part.name)
        player.notes = notes
        pan = 64 if part.name == "bass" else rng.randint(20, 108)
        mix = {7: part.level, 10: pan, 91: reverb}
        player.control_changes = [pretty_midi.ControlChange(k, v, 0.0) for k, v in mix.items()]
        midi.instruments.append(player)
    if not midi.instruments:
        midi.instruments.append(pretty_midi.Instrument(0))
    # midirenderer stops at the last event.
    midi.instruments[0].control_changes.append(pretty_midi.ControlChange(64, 0, end_s))
    return midi, tuple(sung)


def _played(
    tone: WrittenNote, part: InstrumentPart, touch: Touch, seconds_at: Callable, end_s: float, rng: random.Random
) -> pretty_midi.Note | None:
    start = seconds_at(tone.start) + tone.delay + max(-0.03, min(0.03, rng.gauss(0, touch.jitter)))
    written = seconds_at(tone.end)
    end = seconds_at(tone.start) + (written - seconds_at(tone.start)) * part.legato
    end = max(start + 0.05, end + touch.ringing * (part.legato > 0.95))
    start, end = max(start, 0.0), min(end, end_s)
    if end - start < 0.02:
        return None
    force = round(part.velocity + tone.accent + rng.gauss(0, touch.force))
    return pretty_midi.Note(min(max(force, 20), 124), tone.pitch, start, end)
