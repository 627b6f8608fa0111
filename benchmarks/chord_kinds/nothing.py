"""Recordings without chords: noises, sounds of the world, speech, drums, a voice that sings alone, silence."""

import random
from collections.abc import Callable, Iterator

import numpy as np

from chord_kinds import instruments, voice
from chord_kinds.degraded import spoken
from chord_kinds.recording import Clip, Kind, Recording, Sources, heard
from earmark.generated.songs import parts, songs
from earmark.generated.songs.effects import RATE
from earmark.tasks.chord.notation.lab import LabSegment

SECONDS = 20.0
EACH = 2  # recordings of a sub-kind
LEVEL = 0.1  # RMS
COLOURS = {"white": 0.0, "pink": 1.0, "brown": 2.0}  # power falls as 1/f to this
KITS = (0, 8, 16, 25)
N = int(SECONDS * RATE)


def _said(group: str, number: int, sound: np.ndarray) -> Recording:
    rms = np.sqrt((sound.astype(float) ** 2).mean())
    sound = (sound * (LEVEL / max(rms, 1e-9))).astype(np.float32)
    return Recording(f"{group}_{number}", group, sound, [LabSegment(0.0, len(sound) / RATE, "N")])


def noises(sources: Sources) -> Iterator[Recording]:
    """Noise by colour, mains hum with its harmonics, silence."""
    for i in range(EACH):
        for name, slope in COLOURS.items():
            yield _said(name, i, coloured(slope, N, sources.rng("noise", name, i)))
        yield _said("hum", i, hum((50.0, 60.0)[i % 2], N, sources.rng("hum", i)))
        yield _said("silence", i, np.zeros(N))


def coloured(slope: float, n: int, rng: np.random.Generator) -> np.ndarray:
    """n samples of noise whose power falls as f^-slope above 20 Hz."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    hz = np.fft.rfftfreq(n, 1 / RATE)
    return np.fft.irfft(spectrum * np.maximum(hz, 20.0) ** (-slope / 2), n)


def hum(mains: float, n: int, rng: np.random.Generator) -> np.ndarray:
    """Mains of so many Hz with 24 harmonics, the odd ones louder, and some noise."""
    t = np.arange(n) / RATE
    gains = [rng.uniform(0.3, 1) * (1 if k % 2 else 0.4) / k for k in range(1, 25)]
    sound = sum(g * np.sin(2 * np.pi * (k * mains * t + rng.random())) for k, g in enumerate(gains, 1))
    return sound + 0.02 * rng.standard_normal(n)


def world(sources: Sources) -> Iterator[Recording]:
    """The sounds of every label, one clip after the other."""
    for label in sorted({clip.label for clip in sources.sounds}):
        clips = [clip for clip in sources.sounds if clip.label == label]
        order = sources.rng("sounds", label).permutation(len(clips))
        for i in range(EACH):
            if mine := [clips[k] for k in order[i::EACH]]:
                yield _said(label, i, _filled(mine))


def _filled(clips: list[Clip]) -> np.ndarray:
    """Clips of equal level, as often as it takes."""
    sounds = [heard(clip) for clip in clips]
    joined = np.concatenate([s / max(np.sqrt((s**2).mean()), 1e-9) for s in sounds])
    return np.tile(joined, -(-N // len(joined)))[:N]


def talk(sources: Sources) -> Iterator[Recording]:
    """Speech alone."""
    for i in range(2 * EACH):
        yield _said("speech", i, spoken(sources.voices, N, sources.rng("speech", i)))


def singing(sources: Sources) -> Iterator[Recording]:
    """A sung voice alone, in a major key."""
    for i in range(2 * EACH):
        rng = sources.rng("sung", i)
        tonic, woman = int(rng.integers(12)), i % 2 == 1
        span = (0.3, SECONDS - 0.3, frozenset((tonic + step) % 12 for step in voice.MAJOR))
        notes = voice.line([span], 57 if woman else 46, rng)
        yield _said("sung voice", i, voice.sung(notes, N, rng, 1.17 if woman else 1.0))


def drums(play: Callable[[songs.GeneratedSong, Sources], np.ndarray]) -> Callable[[Sources], Iterator[Recording]]:
    """The generator's drums by themselves, as `play` sounds them."""

    def alone(sources: Sources) -> Iterator[Recording]:
        for i in range(2 * EACH):
            rng = random.Random(f"drums/{sources.seed}/{i}")
            beat, bar = 60 / rng.uniform(75, 150), (4, 4, 3, 4)[i % 4]
            tones = parts.write_drums(int(SECONDS / beat), bar, 4 if bar == 4 else 3, rng)
            part = songs.InstrumentPart("drums", tones, KITS[i % 4], 110, 90)
            midi, _ = songs.perform([part], lambda at, beat=beat: at * beat, SECONDS, rng)
            chords = (LabSegment(0.0, SECONDS, "N"),)
            song = songs.GeneratedSong("drums", "drums", "drums", 60 / beat, "N", chords, midi)
            yield _said("drums", i, play(song, sources))

    return alone


def kinds() -> list[Kind]:
    """Kinds of which all is N."""
    by_soundfont = drums(lambda song, sources: instruments.by_soundfont(song, sources.soundfont))
    by_freepats = drums(lambda song, sources: instruments.by_freepats(song, sources.freepats))
    figures = ("n_share",)
    return [
        Kind("no music: noise, hum, silence", noises, figures),
        Kind("no music: sounds", world, figures, ("sounds",)),
        Kind("no music: speech", talk, figures, ("voices",)),
        Kind("no music: sung voice alone", singing, figures),
        Kind("no music: drums, SoundFont", by_soundfont, figures, ("soundfont",)),
        Kind("no music: drums, freepats", by_freepats, figures, ("freepats",)),
    ]
