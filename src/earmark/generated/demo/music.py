"""The demo data: songs composed by rule, rendered with pretty_midi's SoundFont, written with their labels.

Rhythm, harmony and texture make a genre; key, level, drums, lead and pad are drawn alike for all genres, and
tempi and instruments come from overlapping ranges.

What sounds: `comp` and `pad` play notes of the label's chord alone; `bass` plays the label's bass at the
chord's onset and elsewhere may touch a sixth or an approach note; `lead` may use passing notes of its scale.
No pitched note begins before its chord or is held beyond it.
"""

import csv
import io
import math
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import midirenderer
import numpy as np
import pretty_midi
import soundfile as sf
import soxr

from earmark.generated.demo import score
from earmark.generated.demo.new_folder import new_folder
from earmark.generated.demo.score import MODES, PPQ, TONICS, ScoreNote
from earmark.generated.demo.styles import STYLES, Groove, Style

GENRES: tuple[str, ...] = tuple(STYLES)
COLUMNS = ("path", "label", "group", "lab", "key", "mode", "tempo_bpm")
SECONDS = 30.0  # of a song, at least
RENDER_RATE = 48000  # Hz, fixed by midirenderer
PEAK_DB = (-18.0, -3.0)
CHANCE = {"drums": 0.65, "lead": 0.6, "pad": 0.2}  # of a part that a song may lack, alike in all genres
PADS = (19, 52, 53, 89, 90)  # layered strings would take longer to render than all other parts
FADER = {"comp": (85, 115), "bass": (75, 105), "lead": (70, 105), "pad": (60, 90)}
VELOCITY = {"comp": 74, "bass": 86, "lead": 84, "pad": 58, "drums": 80}
MAX_JITTER_S = 0.012


@dataclass(frozen=True)
class DemoChord:
    """A labelled span, seconds: the label in Harte's syntax, and the note name in the bass ('N' for 'N')."""

    start: float
    end: float
    label: str
    bass: str


@dataclass(frozen=True)
class DemoSong:
    """A composed song.

    tempo_bpm: quarters a minute. key: tonic and third, 'C:maj', 'A:min'. mode: 'maj', 'min', 'dor' or 'mix'.
    chords: contiguous from 0 to the audio's end; the first and the last are 'N'. gain: peak in dBFS.
    The MIDI's instruments are named 'comp', 'bass' and, where present, 'pad', 'lead' and 'drums'.
    """

    name: str
    genre: str
    tempo_bpm: float
    key: str
    mode: str
    chords: tuple[DemoChord, ...]
    midi: pretty_midi.PrettyMIDI
    gain: float


class _Clock(NamedTuple):
    """From the score's ticks to seconds: microseconds a quarter, and the silent ticks before the music."""

    mpq: int
    lead_in: int

    def seconds(self, tick: int) -> float:
        return (self.lead_in + tick) * self.mpq / (PPQ * 1e6)


def compose(genre: str, index: int, seed: int, seconds: float = SECONDS) -> DemoSong:
    """Song number `index` of a genre, `seconds` long or a little longer; (seed, genre, index, seconds) alone decide it.

    Raises ValueError for a genre that is not in GENRES.
    """
    if genre not in STYLES:
        raise ValueError(f"genre is one of {', '.join(GENRES)}, not {genre!r}")
    style, rng = STYLES[genre], random.Random(f"{seed}/{genre}/{index}")
    mode, groove = rng.choice(style.progressions)[0], rng.choice(style.grooves)
    third = "min" if MODES[mode][2] == 3 else "maj"
    tonic = rng.choice(TONICS[third])
    mpq = round(6e7 / rng.uniform(*groove.tempo))
    clock = _Clock(mpq, round(rng.uniform(0.1, 0.6) * PPQ * 1e6 / mpq))
    bars = math.ceil(rng.uniform(seconds - 0.5, seconds + 1.5) * 1e6 / (style.beats * mpq))
    harmony = score.write_harmony(style, mode, tonic, bars, rng)
    chords = _timed(harmony, clock)
    parts = _write_parts(style, groove, harmony, (tonic, mode), rng)
    midi = _perform(parts, style, clock, chords[-1].end, rng)
    gain = rng.uniform(*PEAK_DB)
    return DemoSong(f"{genre}_{index:03d}", genre, 6e7 / mpq, f"{tonic}:{third}", mode, chords, midi, gain)


def render(song: DemoSong) -> tuple[np.ndarray, int]:
    """float32 samples (n, 2) whose peak is `song.gain` dBFS, and their rate in Hz; as long as the chords."""
    file = io.BytesIO()
    song.midi.write(file)
    wav = midirenderer.render_wave_from(_soundfont(), file.getvalue())
    audio, rate = sf.read(io.BytesIO(wav), dtype="float32", always_2d=True)
    audio = _fit(audio, round(song.chords[-1].end * rate))
    return audio * np.float32(10 ** (song.gain / 20) / np.abs(audio).max()), rate


def generate(
    root: Path,
    songs_per_genre: int,
    seed: int,
    workers: int = 1,
    sample_rate: int = 44100,
    progress: Callable[[], None] | None = None,
    genres: Sequence[str] | None = None,
    seconds: float = SECONDS,
) -> None:
    """Write audio/<name>.flac (stereo, PCM_16), lab/<name>.lab and manifest.csv below `root`, all or nothing.

    genres: those that are rendered, all by default. seconds: of a song, at least.
    A lab line is start<TAB>end<TAB>label in seconds. `progress` is called after every song; the number of
    `workers` (processes) changes no byte. Raises EarmarkError when `root` already holds something.
    """
    with new_folder(root) as made:
        for folder in ("audio", "lab"):
            (made / folder).mkdir()
        named = product(genres or GENRES, range(songs_per_genre))
        jobs = [(made, genre, i, seed, sample_rate, seconds) for genre, i in named]
        _write_songs(jobs, made / "manifest.csv", workers, progress or (lambda: None))


def _timed(harmony: list[score.ScoreChord], clock: _Clock) -> tuple[DemoChord, ...]:
    """Chords in seconds between silence; the end is on a tenth of a second, whole samples at usual rates."""
    chords = [DemoChord(clock.seconds(h.start), clock.seconds(h.end), h.label, h.bass) for h in harmony]
    start, end = chords[0].start, chords[-1].end
    return (DemoChord(0.0, start, "N", "N"), *chords, DemoChord(end, math.ceil((end + 0.5) * 10) / 10, "N", "N"))


def _write_parts(
    style: Style, groove: Groove, harmony: list[score.ScoreChord], key: tuple[str, str], rng: random.Random
) -> dict[str, list[ScoreNote]]:
    bar, (tonic, mode) = style.beats * PPQ, key
    scale = tuple((score.pitch_class(tonic) + i) % 12 for i in style.scales.get(mode, MODES[mode]))
    parts = {
        "comp": score.write_comp(harmony, groove.comp, bar, style.register, rng),
        "bass": score.write_bass(harmony, groove.bass, bar),
        "pad": score.write_pad(harmony, rng),
        "lead": score.write_lead(harmony, groove.lead, bar, scale, rng),
        "drums": score.write_drums(style, groove, harmony[-1].end, rng),
    }
    return {name: list(tones) for name, tones in parts.items() if rng.random() < CHANCE.get(name, 1.0)}


def _perform(
    parts: dict[str, list[ScoreNote]], style: Style, clock: _Clock, end: float, rng: random.Random
) -> pretty_midi.PrettyMIDI:
    # pretty_midi truncates microseconds a quarter when it writes them; the excess keeps the whole number.
    midi = pretty_midi.PrettyMIDI(resolution=PPQ, initial_tempo=6e7 / (clock.mpq + 1e-6))
    midi.time_signature_changes = [pretty_midi.TimeSignature(style.beats, 4, 0.0)]
    programs = {**style.programs, "pad": PADS, "drums": (0,)}
    reverb, touch = rng.randint(10, 70), style.force + rng.randint(-12, 12)
    faders = {**FADER, "drums": style.drum_fader}
    for name, tones in parts.items():
        player = pretty_midi.Instrument(rng.choice(programs[name]), is_drum=name == "drums", name=name)
        player.notes = list(_played(tones, VELOCITY[name] + touch, style.legato, clock, rng))
        mix = {7: rng.randint(*faders[name]), 10: 64 if name == "bass" else rng.randint(34, 94), 91: reverb}
        player.control_changes = [pretty_midi.ControlChange(k, v, 0.0) for k, v in mix.items()]
        midi.instruments.append(player)
    # midirenderer stops at the last event.
    midi.instruments[0].control_changes.append(pretty_midi.ControlChange(64, 0, end))
    return midi


def _played(
    tones: list[ScoreNote], velocity: int, legato: tuple[float, float], clock: _Clock, rng: random.Random
) -> Iterator[pretty_midi.Note]:
    """Late by up to the jitter, never early; held for a share of the written length; of uneven force."""
    loose = rng.uniform(0.3, 1.0) * MAX_JITTER_S * PPQ * 1e6 / clock.mpq
    share = rng.uniform(*legato)
    for tone in sorted(tones):
        start = tone.start + int(rng.uniform(0, loose))
        end = max(start + 1, tone.start + int((tone.end - tone.start) * share))
        force = velocity + 14 * tone.accent + round(rng.gauss(0, 5))
        force = min(max(force, 20), 124)
        yield pretty_midi.Note(force, tone.pitch, clock.seconds(start), clock.seconds(end))


@cache
def _soundfont() -> bytes:
    return (resources.files(pretty_midi) / "TimGM6mb.sf2").read_bytes()


def _fit(audio: np.ndarray, n: int) -> np.ndarray:
    """Exactly n samples: cut, or padded with silence."""
    return np.pad(audio[:n], ((0, max(0, n - len(audio))), (0, 0)))


def _write_songs(jobs: list[tuple], manifest: Path, workers: int, progress: Callable[[], None]) -> None:
    with manifest.open("w", newline="") as f, closing(_each(jobs, workers)) as rows:
        writer = csv.DictWriter(f, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow(row)
            progress()


def _each(jobs: list[tuple], workers: int) -> Iterator[dict[str, str]]:
    if workers == 1:
        yield from map(_write_song, jobs)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_write_song, jobs)


def _write_song(job: tuple[Path, str, int, int, int, float]) -> dict[str, str]:
    """Render one song below a folder; its row of the manifest."""
    root, genre, index, seed, sample_rate, seconds = job
    song = compose(genre, index, seed, seconds)
    audio, rate = render(song)
    end = song.chords[-1].end
    audio = _fit(soxr.resample(audio, rate, sample_rate), round(end * sample_rate))
    path, lab = f"audio/{song.name}.flac", f"lab/{song.name}.lab"
    sf.write(root / path, audio, sample_rate, format="FLAC", subtype="PCM_16")
    lines = (f"{c.start:.6f}\t{c.end:.6f}\t{c.label}\n" for c in song.chords)
    (root / lab).write_text("".join(lines))
    values = (path, genre, song.name, lab, song.key, song.mode, f"{song.tempo_bpm:.3f}")
    return dict(zip(COLUMNS, values, strict=True))
