"""Songs in rooms, noise and poor channels, out of tune, half of them quiet, under a voice."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import soxr

from chord_kinds import voice
from chord_kinds.recording import Clean, Clip, Kind, Recording, Sources, heard
from earmark.generated.songs.effects import RATE, Effects, apply
from earmark.tasks.chord.notation import lab
from earmark.tasks.chord.notation.lab import LabSegment

CLEAN = Effects()
SOUNDING_DB = -40.0  # below a voice's loudest window, where it pauses
WINDOW = RATE // 50
FIGURES = ("root", "majmin", "sevenths", "tetrads", "bass", "seg")
BRIEF = ("majmin", "tetrads", "n_in_music")


@dataclass(frozen=True)
class Condition:
    """Effects of a condition, and how the result is stored: sample rate in Hz and a container."""

    effects: Effects = CLEAN
    rate: int = RATE
    store: str = "wav"


CONDITIONS = {
    "mono": Condition(Effects(width=0.0)),
    "living room, RT60 0.5 s": Condition(Effects(room=(0.5, 0.3, 2.5))),
    "hall, RT60 1.5 s": Condition(Effects(room=(1.5, 0.5, 2.0))),
    "pink noise, 20 dB": Condition(Effects(noise=("pink", 20.0))),
    "pink noise, 10 dB": Condition(Effects(noise=("pink", 10.0))),
    "white noise, 10 dB": Condition(Effects(noise=("white", 10.0))),
    "30 cents sharp": Condition(Effects(cents=30.0)),
    "30 cents flat": Condition(Effects(cents=-30.0)),
    "distortion": Condition(Effects(drive=4.0)),
    "8 kHz": Condition(rate=8000),
    "MP3, lowest quality": Condition(store="mp3"),
    "phone, 300 to 3400 Hz": Condition(Effects(low_cut=300.0, high_cut=3400.0, width=0.0), rate=8000),
    "phone in the room, noise": Condition(
        Effects(room=(0.5, 0.4, 2.5), low_cut=100.0, noise=("pink", 15.0), cents=-15.0, width=0.0)
    ),
}


def through(condition: Condition, sources: Sources) -> Iterator[Recording]:
    """Every song in a condition; played at another pitch it lasts `effects.stretch` as long."""
    effects = condition.effects
    for song in sources.songs:
        sound = song.sound()
        if effects.cents:
            sound = soxr.resample(sound, RATE, RATE * effects.stretch)
        sound = apply(sound, effects)
        if condition.rate != RATE:
            sound = soxr.resample(sound, RATE, condition.rate)
        yield _of(song, sound, effects.stretch)._replace(rate=condition.rate, store=condition.store)


def _of(song: Clean, sound: np.ndarray, stretch: float = 1.0) -> Recording:
    truth = [s._replace(start_s=s.start_s * stretch, end_s=s.end_s * stretch) for s in lab.read(song.lab)]
    return Recording(song.name, song.group, sound, truth)


def half_quiet(db: float, sources: Sources) -> Iterator[Recording]:
    """Every song, its second half `db` dB lower."""
    for song in sources.songs:
        yield _of(song, halved(song.sound(), db))._replace(store="wav")


def halved(sound: np.ndarray, db: float) -> np.ndarray:
    """(n, channels) with its second half `db` dB lower."""
    gain = np.where(np.arange(len(sound)) < len(sound) // 2, 1.0, 10 ** (-db / 20))
    return (sound * gain[:, None]).astype(np.float32)


def under(singer: bool, db: float, sources: Sources) -> Iterator[Recording]:
    """Every song with somebody who sings, or speaks, `db` dB louder than the music where the voice sounds."""
    for song in sources.songs:
        rng, music = sources.rng("voice", song.name), song.sound()
        n = len(music)
        above = sung_over(lab.read(song.lab), n, rng) if singer else spoken(sources.voices, n, rng)
        yield _of(song, mixed(music, above, db))


def sung_over(chords: list[LabSegment], n: int, rng: np.random.Generator) -> np.ndarray:
    """A line over the chords (n,), sung by a man or a woman."""
    woman = rng.random() < 0.5
    notes = voice.line(voice.over(chords), 57 if woman else 46, rng)
    return voice.sung(notes, n, rng, 1.17 if woman else 1.0)


def spoken(voices: tuple[Clip, ...], n: int, rng: np.random.Generator) -> np.ndarray:
    """One person after the other speaks, with short pauses, (n,) at RATE."""
    people = sorted({clip.label for clip in voices})
    parts = []
    while sum(map(len, parts)) < n:
        person = people[rng.integers(len(people))]
        for clip in (c for c in voices if c.label == person):
            words = heard(clip)
            parts += [words / max(np.sqrt((words**2).mean()), 1e-9), np.zeros(int(rng.uniform(0.1, 0.8) * RATE))]
    return np.concatenate(parts)[:n].astype(np.float32)


def sounding(sound: np.ndarray) -> np.ndarray:
    """Where a voice (n,) sounds, (n,): windows of 20 ms within 40 dB of its loudest."""
    padded = np.pad(sound, (0, -len(sound) % WINDOW)).reshape(-1, WINDOW)
    power = (padded.astype(float) ** 2).mean(1)
    loud = (power > 0) & (power >= power.max() * 10 ** (SOUNDING_DB / 10))
    return np.repeat(loud, WINDOW)[: len(sound)]


def mixed(music: np.ndarray, above: np.ndarray, db: float) -> np.ndarray:
    """Music (n, channels) and a voice (n,) in all its channels, whose RMS is `db` dB above where the voice sounds."""
    where = sounding(above)
    level = [np.sqrt((part[where].astype(float) ** 2).mean()) for part in (music, above)]
    gain = 10 ** (db / 20) * level[0] / max(level[1], 1e-9)
    return (music + gain * above[:, None]).astype(np.float32)


def kinds() -> list[Kind]:
    """Kinds that are a degraded form of the songs; 'clean' first."""
    song, brief = {"needs": ("songs",)}, {"figures": BRIEF, "against": "clean"}
    found = [Kind("clean", partial(through, Condition()), (*FIGURES, "n_in_music"), **song)]
    for db in (20, 30, 40):
        found.append(Kind(f"quiet half: {db} dB lower", partial(half_quiet, float(db)), **brief, **song))
    for db in (-5, 0, 6):
        speech = {"needs": ("songs", "voices")} | brief
        found.append(Kind(f"voice over music: speech, {db:+d} dB", partial(under, False, float(db)), **speech))
        found.append(Kind(f"voice over music: sung, {db:+d} dB", partial(under, True, float(db)), **brief, **song))
    for cents in (20, -20, 33, -33, 45, -45):
        make = partial(through, Condition(Effects(cents=float(cents))))
        found.append(Kind(f"detuned: {cents:+d} cents", make, **brief, **song))
    for name, condition in CONDITIONS.items():
        make = partial(through, condition)
        found.append(Kind(f"channel: {name}", make, FIGURES, ("songs",), "clean", everyone=False))
    return found
