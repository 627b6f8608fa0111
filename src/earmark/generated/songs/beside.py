"""What sounds beside the music of a song, or in its place: speech, singing, and noises in which nothing is played.

Speech and noises may be recordings of the user's (`ManifestRecordings`); without any, noises are generated and nobody
speaks. Where there is no music the label is N, however loud it is.
"""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from pretty_midi import Note

from earmark import audio
from earmark.errors import EarmarkError
from earmark.generated.songs import effects
from earmark.generated.songs.effects import RATE
from earmark.generated.songs.songs import GeneratedSong
from earmark.generated.songs.voices import sing
from earmark.tasks.chord.notation import lab
from earmark.tasks.chord.notation.lab import LabSegment

SPEAKING, INTERRUPTED = 0.2, 0.12  # shares of the songs over which somebody speaks; that give way to something else
LOUDEST_DB, SOFTEST_DB = 10.0, -10.0  # of a voice against the music
NOISES = ("white", "pink", "brown", "hum", "wind", "rain", "sea", "engine", "siren", "clicks")
FADE_S = 0.02


@dataclass(frozen=True)
class ManifestRecordings:
    """The recordings of a folder's manifest.csv, of some splits or of all: FOLDER or FOLDER:SPLIT,SPLIT."""

    text: str

    @property
    def folder(self) -> Path:
        """The folder, without the splits behind it."""
        return Path(self.text.partition(":")[0])

    def table(self) -> pd.DataFrame:
        """Absolute `path` and `label` of each. Raises EarmarkError where there are none."""
        return _table(self)


@cache
def _table(of: ManifestRecordings) -> pd.DataFrame:
    path, (_, _, splits) = of.folder / "manifest.csv", of.text.partition(":")
    if not path.is_file():
        raise EarmarkError(f"There is no {path}; name a folder with a manifest.csv (path, label, split).")
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    missing = [c for c in ("path", "label", *(["split"] if splits else [])) if c not in table]
    if missing:
        raise EarmarkError(f"{path} has no column '{missing[0]}'; add it.")
    if splits:
        table = table[table.split.isin(splits.split(","))]
    if table.empty:
        raise EarmarkError(
            f"{path} lists no recording of the splits '{splits}'; name others, or give {of.folder} alone for all "
            "of them."
        )
    return table.assign(path=[of.folder / p for p in table.path]).reset_index(drop=True)


@dataclass(frozen=True)
class OverlaySettings:
    """Drawn settings of a song, and the recordings that they draw on.

    away: (start_s, end_s) without music, None where it goes through. noise: what sounds then, one of NOISES,
    'recording', 'speech' or 'nothing'. speech_db, sung_db: level of a voice against the music; None without speech.
    """

    away: tuple[float, float] | None = None
    noise: str = "nothing"
    speech_db: float | None = None
    sung_db: float = 0.0
    seed: int = 0
    voices: ManifestRecordings | None = None
    sounds: ManifestRecordings | None = None


def draw(
    rng: np.random.Generator, song: GeneratedSong, voices: ManifestRecordings | None, sounds: ManifestRecordings | None
) -> OverlaySettings:
    """Settings of one song."""
    whole, away = song.style == "none", None
    if whole:
        away = (0.0, song.duration_s)
    elif rng.random() < INTERRUPTED:
        length = rng.uniform(0.1, 0.4) * song.duration_s
        start = rng.choice((0.0, song.duration_s - length, rng.uniform(0, song.duration_s - length)))
        away = (float(start), float(start + length))
    kinds = [*NOISES, *["recording"] * 5 * (sounds is not None), *["speech"] * 4 * (voices is not None), "nothing"]
    noise = str(rng.choice(kinds))
    if whole and (song.sung or len(song.midi.instruments[0].notes)) and rng.random() < 0.7:
        noise = "nothing"  # what its notes say is enough
    speaks = voices is not None and not whole and rng.random() < SPEAKING
    levels = rng.uniform(SOFTEST_DB, LOUDEST_DB, 2)
    speech_db, sung_db = (float(level) for level in levels)
    return OverlaySettings(
        away, noise, speech_db if speaks else None, sung_db, int(rng.integers(2**31)), voices, sounds
    )


def labels(song: GeneratedSong, beside: OverlaySettings) -> tuple[LabSegment, ...]:
    """The song's chords, N where its music is away."""
    if beside.away is None:
        return song.chords
    start, end = beside.away
    rest = [s._replace(end_s=min(s.end_s, start)) for s in song.chords if s.start_s < start]
    rest += [LabSegment(start, end, "N")]
    rest += [s._replace(start_s=max(s.start_s, end)) for s in song.chords if s.end_s > end]
    return tuple(lab.merge_repeats([s for s in rest if s.end_s > s.start_s]))


def mix(music: np.ndarray, song: GeneratedSong, beside: OverlaySettings, stretch: float) -> np.ndarray:
    """float32 (n, 2) at RATE: the music with all that sounds beside it. stretch: factor on the song's seconds."""
    rng, n = np.random.default_rng(beside.seed), len(music)
    level = np.sqrt((music**2).mean()) if music.any() else 0.1
    out = music
    if song.sung:
        out = out + level * _gain(beside.sung_db) * sing(_stretched(song, stretch), n, RATE, rng)[:, None]
    if beside.away:
        start, end = (round(s * stretch * RATE) for s in beside.away)
        if song.style != "none":
            out = out * (1 - _window(n, start, end))[:, None]
        sound = np.zeros(n, np.float32)
        sound[start:end] = noise(beside.noise, min(end, n) - start, rng, beside.voices, beside.sounds)
        out = out + level * _gain(rng.uniform(-10, 3)) * (sound * _window(n, start, end))[:, None]
    if beside.speech_db is not None and beside.voices:
        out = out + level * _gain(beside.speech_db) * speech(n, rng, beside.voices)[:, None]
    return out.astype(np.float32)


def _stretched(song: GeneratedSong, stretch: float) -> list[Note]:
    return [Note(x.velocity, x.pitch, x.start * stretch, x.end * stretch) for x in song.sung]


def _gain(db: float) -> float:
    return float(10 ** (db / 20))


def _window(n: int, start: int, end: int) -> np.ndarray:
    """1 from start to end, 0 outside, with short slopes inside."""
    t = np.arange(n)
    slope = np.minimum(t - start if start > 0 else np.inf, end - t if end < n else np.inf) / (FADE_S * RATE)
    return np.clip(slope, 0, 1).astype(np.float32)


def speech(n: int, rng: np.random.Generator, voices: ManifestRecordings) -> np.ndarray:
    """n samples of one speaker with pauses, for some of the time or all, each recording at an RMS of 1."""
    table = voices.table()
    own = table[table.label == rng.choice(table.label.unique())].path.tolist()
    out, share = np.zeros(n, np.float32), rng.uniform(0.3, 1.0)
    at = int(rng.uniform(0, 1 - share) * n)
    stop, place = at + int(share * n), int(rng.integers(len(own)))
    while at < stop:
        piece = loudness_one(read(own[place % len(own)]))[: n - at]
        out[at : at + len(piece)] = piece
        at += len(piece) + int(rng.choice((0.05, rng.uniform(0.1, 1.2))) * RATE)
        place += 1
    return out


def read(path: Path) -> np.ndarray:
    """A recording, mono at RATE."""
    return np.concatenate(list(audio.read_blocks(path, RATE)))


def loudness_one(sound: np.ndarray) -> np.ndarray:
    """The sound at an RMS of 1; silence stays."""
    return (sound / max(float(np.sqrt((sound**2).mean())), 1e-9)).astype(np.float32)


def noise(
    kind: str,
    n: int,
    rng: np.random.Generator,
    voices: ManifestRecordings | None = None,
    sounds: ManifestRecordings | None = None,
) -> np.ndarray:
    """n samples of a kind of OverlaySettings.noise at an RMS of about 1."""
    if kind == "nothing" or n <= 0:
        return np.zeros(max(n, 0), np.float32)
    if kind == "speech":
        crowd = range(int(rng.choice((1, 1, 1, 4))))
        return loudness_one(np.sum([speech(n, rng, voices) for _ in crowd], axis=0))
    if kind == "recording":
        paths = sounds.table().path.tolist()
        sound = loudness_one(read(paths[int(rng.integers(len(paths)))]))
        return np.tile(sound, n // len(sound) + 1)[:n]
    return loudness_one(_GENERATED.get(kind, _stationary)(kind, n, rng))


def _stationary(kind: str, n: int, rng: np.random.Generator) -> np.ndarray:
    if kind != "brown":
        return effects.noise(kind, n, RATE, rng)
    spectrum = np.fft.rfft(rng.standard_normal(n))
    spectrum[1:] /= np.arange(1, len(spectrum))
    spectrum[: max(1, n * 20 // RATE)] = 0
    return np.fft.irfft(spectrum, n)


def _slow(n: int, rng: np.random.Generator, period_s: float) -> np.ndarray:
    """A curve 0..1 that wanders from value to value, one a period."""
    points = rng.random(max(2, int(n / RATE / period_s) + 2))
    return np.interp(np.linspace(0, len(points) - 1, n), np.arange(len(points)), points)


def _waves(kind: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """Wind, or the sea: coloured noise that swells; wind whistles in a band that moves."""
    sound = _stationary("brown" if rng.random() < 0.5 else "pink", n, rng) * (0.1 + _slow(n, rng, rng.uniform(1, 5)))
    if kind == "wind":
        hz = 200 + 600 * _slow(n, rng, 3.0)
        hiss = np.convolve(rng.standard_normal(n), np.ones(int(RATE / 60)) / 20, "same")
        sound = loudness_one(sound) + 0.5 * hiss * np.sin(2 * np.pi * np.cumsum(hz) / RATE)
    return sound


def _drops(kind: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """Rain: many short drops over a hiss."""
    hits = (rng.random(n) < rng.uniform(20, 600) / RATE) * rng.exponential(1.0, n)
    t = np.arange(int(0.01 * RATE)) / RATE
    drop = np.exp(-t / 0.002) * np.sin(2 * np.pi * rng.uniform(1000, 4000) * t)
    return np.convolve(hits, drop)[:n] + rng.uniform(0, 0.2) * rng.standard_normal(n)


def _engine(kind: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """Something that turns: beats of noise and a low buzz, whose speed may wander."""
    hz = rng.uniform(8, 90) * (1 + rng.choice((0.0, 0.3)) * (_slow(n, rng, 2.0) - 0.5))
    phase = 2 * np.pi * np.cumsum(hz) / RATE
    beats = np.maximum(np.sin(phase), 0) ** rng.uniform(2, 10)
    buzz = sum(np.sin(k * phase + rng.random()) / k ** rng.uniform(0.5, 1.5) for k in range(1, 16))
    return beats * _stationary("pink", n, rng) + rng.uniform(0, 0.5) * buzz


def _siren(kind: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """One tone that glides and never rests on a note."""
    octaves = rng.uniform(0.5, 2) * np.sin(2 * np.pi * rng.uniform(0.1, 3) * np.arange(n) / RATE)
    phase = 2 * np.pi * np.cumsum(rng.uniform(300, 900) * 2 ** (octaves / 2)) / RATE
    return np.sin(phase) + rng.uniform(0, 0.5) * np.sin(2 * phase) + 0.05 * rng.standard_normal(n)


def _clicks(kind: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """A clock, steps, knocks: short thuds, regular or not."""
    out, period = 0.003 * rng.standard_normal(n), rng.uniform(0.15, 1.2)
    gaps = period * (1 + rng.choice((0.0, 0.5)) * rng.uniform(-1, 1, int(n / RATE / period * 2) + 2))
    t = np.arange(int(0.08 * RATE)) / RATE
    for at, _ in pairwise((np.cumsum(gaps) * RATE).astype(int)):
        thud = np.exp(-t / rng.uniform(0.003, 0.02)) * rng.standard_normal(len(t))
        out[at : at + len(t)] += thud[: max(0, n - at)]
    return out


_GENERATED = {"wind": _waves, "sea": _waves, "rain": _drops, "engine": _engine, "siren": _siren, "clicks": _clicks}
