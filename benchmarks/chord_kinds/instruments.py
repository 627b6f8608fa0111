"""Notes to sound by instruments that training does not have."""

import copy
import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr

from earmark.errors import EarmarkError
from earmark.generated.songs import render
from earmark.generated.songs.effects import RATE
from earmark.generated.songs.songs import GeneratedSong

DRAWBARS = {0.5: 0.5, 1: 1.0, 1.5: 0.4, 2: 0.7, 3: 0.35, 4: 0.4, 6: 0.15, 8: 0.2}  # of an organ, by partial
TIMIDITY_RATE = 44100
PEAK = 0.5


def by_soundfont(song: GeneratedSong, soundfont: Path) -> np.ndarray:
    """(n, 2) at RATE."""
    return _fitted(soxr.resample(render.render_song(song, str(soundfont)), render.RENDER_RATE, RATE), song)


def by_freepats(song: GeneratedSong, config: Path) -> np.ndarray:
    """(n, 2) at RATE; programs that a configuration of timidity lacks are played by the next of their family."""
    midi, there = copy.deepcopy(song.midi), programs(config)
    for player in midi.instruments:
        if not player.is_drum:
            player.program = nearest(player.program, there)
    with tempfile.TemporaryDirectory() as folder:
        notes, sound = Path(folder) / "song.mid", Path(folder) / "song.wav"
        midi.write(str(notes))
        command = ["timidity", "-c", config, "-Ow", "-s", str(TIMIDITY_RATE), "-o", sound, notes]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        if done.returncode or not sound.is_file():
            raise EarmarkError(f"timidity failed with {config}: {done.stderr.strip()[-200:]}; check its configuration.")
        samples, _ = sf.read(sound, dtype="float32", always_2d=True)
    return _fitted(soxr.resample(samples, TIMIDITY_RATE, RATE), song)


def programs(config: Path) -> set[int]:
    """The programs of bank 0 that a configuration of timidity names."""
    _, _, bank = config.read_text().partition("\nbank 0")
    return {int(found) for found in re.findall(r"^\s*(\d+)\s+\S", bank, re.M)}


def nearest(program: int, there: set[int]) -> int:
    """The program, or the nearest of its family of eight, or a piano."""
    family = [p for p in there if p // 8 == program // 8]
    return min(family, key=lambda p: (abs(p - program), p), default=0)


def organ(song: GeneratedSong) -> np.ndarray:
    """(n, 1) at RATE: sines in the proportions of drawbars, no drums."""
    sound = np.zeros(round(song.duration_s * RATE) + RATE)
    for player in song.midi.instruments:
        for note in () if player.is_drum else player.notes:
            a, n = round(note.start * RATE), round((note.end - note.start) * RATE)
            t, hz = np.arange(n) / RATE, 440 * 2 ** ((note.pitch - 69) / 12)
            partials = {k: v for k, v in DRAWBARS.items() if k * hz < 0.45 * RATE}
            wave = sum(level * np.sin(2 * np.pi * k * hz * t) for k, level in partials.items())
            edges = np.clip(np.minimum(t, t[::-1]) / 0.008, 0, 1)
            sound[a : a + n] += note.velocity / 127 * wave * edges
    return _fitted(sound[:, None], song)


def _fitted(sound: np.ndarray, song: GeneratedSong) -> np.ndarray:
    """Exactly the song's length, at the level of a recording: some pianos come 40 dB lower than others."""
    n = round(song.duration_s * RATE)
    sound = np.pad(sound[:n], ((0, max(0, n - len(sound))), (0, 0)))
    return (PEAK / max(np.abs(sound).max(), 1e-9) * sound).astype(np.float32)
