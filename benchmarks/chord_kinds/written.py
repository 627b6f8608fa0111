"""Music written for the benchmark: quick changes, single chords of pianos and guitars, songs in unheard timbres."""

import random
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count, islice

import numpy as np
import pretty_midi
import soundfile as sf

from chord_kinds import instruments
from chord_kinds.recording import Kind, Recording, Sources
from earmark.generated.songs import comping, parts, songs
from earmark.generated.songs.effects import RATE
from earmark.generated.songs.harmony import Change
from earmark.tasks.chord.notation.lab import LabSegment

Play = Callable[[songs.GeneratedSong, Sources], np.ndarray]
BEAT_S = 0.6
LEAD_S = 0.3
QUICK_S = 25.0
# Semitones above the tonic and qualities; no chord comes twice in a row, the first after the last neither.
PROGRESSIONS = (
    ((0, "maj"), (9, "min"), (5, "maj"), (7, "7")),
    ((0, "maj7"), (9, "min7"), (2, "min7"), (7, "7")),
    ((9, "min"), (5, "maj"), (0, "maj"), (7, "maj")),
    ((0, "min"), (8, "maj"), (3, "maj"), (10, "maj")),
    ((2, "min7"), (7, "7"), (0, "maj7"), (5, "maj7")),
    ((0, "maj"), (4, "min"), (5, "maj"), (5, "min")),
    ((0, "min"), (5, "min7"), (10, "7"), (3, "maj7")),
)
COMPS = (0, 4, 24, 25, 27, 16)
CHORD_S, PAUSE_S = 3.0, 2.0
SHAPES = {"maj": (0, 4, 7), "min": (0, 3, 7)}
LOWS = (48, 58, 68)  # of a triad's lowest note, three registers
STRUMMED = ("maj", "min", "7", "min7")
TIMBRES = 12
TIMBRE_S = 24.0
TIMBRE_SEED = 4242


def by_soundfont(song: songs.GeneratedSong, sources: Sources) -> np.ndarray:
    """(n, 2)."""
    return instruments.by_soundfont(song, sources.soundfont)


def by_freepats(song: songs.GeneratedSong, sources: Sources) -> np.ndarray:
    """(n, 2)."""
    return instruments.by_freepats(song, sources.freepats)


def quick(length_s: float, sources: Sources) -> Iterator[Recording]:
    """Four songs whose chords last so long each."""
    for i in range(4):
        song = quick_song(i, length_s, sources.seed)
        yield Recording(f"song_{i}", f"song_{i}", by_soundfont(song, sources), list(song.chords))


def quick_song(number: int, length_s: float, seed: int) -> songs.GeneratedSong:
    """Comping, bass and, in every other song, drums."""
    rng = random.Random(f"quick/{seed}/{number}/{length_s}")
    tonic, beats = rng.randrange(12), length_s / BEAT_S
    form = [chord for p in rng.sample(PROGRESSIONS, 2) for chord in p * 2]
    n = int((QUICK_S - 2 * LEAD_S) / length_s)
    named = _unrepeated([((tonic + form[k % len(form)][0]) % 12, form[k % len(form)][1]) for k in range(2 * n)])[:n]
    changes = tuple(Change(k * beats, (k + 1) * beats, root, quality) for k, (root, quality) in enumerate(named))
    chords = songs.segments_in_seconds(changes, _seconds, QUICK_S)
    player = comping.Player(rng.choice(("XxxxXxxx", "X-x-X-x-")), "close", rng.uniform(56, 66), False, True, 0.0)
    comp = comping.write_comp(changes, player, 4, rng)
    bass = parts.write_bass(changes, parts.Bassist("R-R-R-R-"), 4, rng)
    players = [songs.InstrumentPart("comp", comp, COMPS[(number + round(2 / length_s)) % 6], 110, 85)]
    players.append(songs.InstrumentPart("bass", bass, rng.choice((32, 33, 34)), 105, 90, 0.9))
    if number % 2:
        drums = parts.write_drums(int(n * beats), 4, 4, rng)
        players.append(songs.InstrumentPart("drums", drums, 0, 85, 80))
    midi, _ = songs.perform(players, _seconds, QUICK_S, rng)
    return songs.GeneratedSong(f"quick_{number}", f"quick_{number}", "band", 60 / BEAT_S, "N", tuple(chords), midi)


def _seconds(beat: float) -> float:
    return LEAD_S + beat * BEAT_S


def _unrepeated(named: list[tuple[int, str]]) -> list[tuple[int, str]]:
    return [chord for k, chord in enumerate(named) if k == 0 or chord != named[k - 1]]


def single(chords: list[tuple[str, int, list[int], float]], play: Play, sources: Sources) -> Iterator[Recording]:
    """Every (label, program, notes, seconds from string to string) struck once, held for CHORD_S."""
    midi, every = pretty_midi.PrettyMIDI(resolution=songs.RESOLUTION, initial_tempo=120.0), CHORD_S + PAUSE_S
    players = {program: pretty_midi.Instrument(program) for _, program, _, _ in chords}
    for i, (_, program, notes, strum) in enumerate(chords):
        for k, pitch in enumerate(notes):
            note = pretty_midi.Note(90, pitch, i * every + k * strum, i * every + CHORD_S)
            players[program].notes.append(note)
    midi.instruments = list(players.values())
    end = len(chords) * every
    midi.instruments[0].control_changes.append(pretty_midi.ControlChange(64, 0, end))
    sound = play(
        songs.GeneratedSong("chords", "chords", "chords", 120.0, "N", (LabSegment(0.0, end, "N"),), midi), sources
    )
    for i, (label, program, _, _) in enumerate(chords):
        at = round(i * every * RATE)
        yield Recording(
            f"{i:03d}_{label.replace(':', '_').replace('/', '_on_')}_{program}",
            label.split("/")[0],
            sound[at : at + round(CHORD_S * RATE)],
            [LabSegment(0.0, CHORD_S, label)],
        )


def piano_chords() -> list[tuple[str, int, list[int], float]]:
    """Major and minor on 12 roots, three inversions, three registers, with and without an octave in the left hand."""
    found = []
    for quality, shape in SHAPES.items():
        for root in range(12):
            for i in range(6):
                turn, left = i % 3, i >= 3
                low = LOWS[(i + root) % 3]
                first = low + (root + shape[turn] - low) % 12
                above = [first + (shape[(turn + k) % 3] - shape[turn]) % 12 for k in range(3)]
                ground = 36 + root
                notes = [ground, ground + 12, *above] if left else above
                bass = 0 if left else shape[turn]
                found.append((Change(0, 1, root, quality, bass).label, 0, sorted(set(notes)), 0.0))
    return found


def guitar_chords() -> list[tuple[str, int, list[int], float]]:
    """Chords of STRUMMED on 12 roots, strummed down on nylon and on steel strings."""
    rng, found = random.Random("guitars"), []
    for quality in STRUMMED:
        for root in range(12):
            for program in (24, 25):
                change = Change(0, 1, root, quality)
                notes = comping.guitar_voicing(change, rng)
                if notes:
                    found.append((change.label, program, notes, rng.uniform(0.008, 0.03)))
    return found


def recorded(sources: Sources) -> Iterator[Recording]:
    """Recordings of one chord each, which their label names."""
    for i, (path, label) in enumerate(sources.pianos):
        sound, rate = sf.read(path, dtype="float32", always_2d=True)
        truth = [LabSegment(0.0, len(sound) / rate, label)]
        yield Recording(f"{i:03d}_{path.stem}", label.split("/")[0], sound, truth, rate)


def timbre(play: Play, sources: Sources) -> Iterator[Recording]:
    """Songs of the generator, of a seed of their own; what would be sung in them is left out."""
    composed = (songs.compose(i, TIMBRE_SEED + sources.seed, TIMBRE_S) for i in count())
    for song in islice((song for song in composed if song.style != "none"), TIMBRES):
        yield Recording(song.name, song.group, play(song, sources), list(song.chords))


def kinds() -> list[Kind]:
    """Kinds of music that the script writes itself."""
    font, free = ("soundfont",), ("freepats",)
    exact = ("root", "exact", "exact_maj", "exact_min", "n_in_music")
    whole, brief = "timbre: validation SoundFont", ("majmin", "tetrads", "n_in_music")
    found = [
        Kind(f"quick changes: every {length:g} s", partial(quick, length), ("majmin", "n_in_music"), font)
        for length in (1.2, 0.6, 0.3)
    ]
    for name, chords in (("piano", piano_chords()), ("guitar", guitar_chords())):
        found.append(Kind(f"{name}: SoundFont, single chords", partial(single, chords, by_soundfont), exact, font))
        found.append(Kind(f"{name}: freepats, single chords", partial(single, chords, by_freepats), exact, free))
    organ = partial(timbre, lambda song, sources: instruments.organ(song))
    return [
        *found,
        Kind("piano: recorded, single chords", recorded, exact, ("pianos",)),
        Kind(whole, partial(timbre, by_soundfont), brief, font),
        Kind("timbre: freepats", partial(timbre, by_freepats), brief, free, whole),
        Kind("timbre: additive organ", organ, brief, (), whole),
    ]
