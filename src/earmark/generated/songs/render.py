"""Songs to sound: MIDI through a SoundFont, what sounds beside it, effects, then FLAC, .lab and a row of manifest.csv.

A song's index decides everything about it, so any number of processes write the same files, and a run that was cut off
goes on where it stopped.
"""

import csv
import io
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr

from earmark.errors import EarmarkError
from earmark.generated.songs import beside, pop909_excerpts
from earmark.generated.songs import effects as chord_effects
from earmark.generated.songs import songs as chord_songs
from earmark.generated.songs.beside import ManifestRecordings, OverlaySettings
from earmark.generated.songs.effects import RATE, Effects
from earmark.tasks.chord.notation import lab

COLUMNS = ("path", "label", "group", "split", "lab", "key", "soundfont")
RENDER_RATE = 48000  # Hz, fixed by midirenderer


@dataclass(frozen=True)
class RenderJob:
    """What to render. pop909: the corpus's folder, or None for generated songs; songs_of: its first and last song.

    voices, sounds: recordings that are mixed in, of people who speak and of anything but music, as
    `beside.ManifestRecordings` are written.
    """

    root: str
    seconds: float
    soundfonts: tuple[str, ...]
    seed: int
    split: str
    pop909: str | None = None
    songs_of: tuple[int, int] = (1, 909)
    voices: str | None = None
    sounds: str | None = None

    def recordings(self) -> tuple[ManifestRecordings | None, ManifestRecordings | None]:
        """Those of voices and of sounds."""
        return self.voices and ManifestRecordings(self.voices), self.sounds and ManifestRecordings(self.sounds)


def run(job: RenderJob, songs: int, workers: int = 2, progress: Callable[[], None] = lambda: None) -> None:
    """Write songs 0 .. songs - 1 below `job.root`; those that its manifest lists and the disk holds are kept.

    Raises EarmarkError for a missing SoundFont, renderer or corpus, and for a folder made with other settings.
    """
    check(job)
    root = Path(job.root)
    for folder in ("audio", "lab"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    _same_settings(root / "render.json", job)
    rows = _kept(root)
    left = [i for i in range(songs) if _name(job, i) not in rows]
    for _ in range(songs - len(left)):
        progress()
    with (root / "manifest.csv").open("a", newline="") as f:
        writer = csv.DictWriter(f, COLUMNS, lineterminator="\n")
        if f.tell() == 0:
            writer.writeheader()
        for row in _each(job, left, workers):
            writer.writerow(row)
            f.flush()
            rows[Path(row["path"]).stem] = row
            progress()
    _write_manifest(root / "manifest.csv", [rows[name] for name in sorted(rows)])


def check(job: RenderJob) -> None:
    """Raise EarmarkError unless renderer, SoundFonts and corpus are there."""
    try:
        import midirenderer  # noqa: F401
    except ImportError:
        raise EarmarkError("Rendering needs midirenderer; install it with `pip install midirenderer`.") from None
    if not job.soundfonts:
        raise EarmarkError("Rendering needs a SoundFont; name one or more .sf2 files with --soundfont.")
    for path in job.soundfonts:
        if not _is_soundfont(Path(path)):
            raise EarmarkError(f"{path} is not a SoundFont file (.sf2); name one, such as FluidR3_GM.sf2.")
    if job.pop909:
        pop909_excerpts.songs(Path(job.pop909), *job.songs_of)
    for mixed in job.recordings():
        if mixed:
            mixed.table()


def _is_soundfont(path: Path) -> bool:
    """Whether the file has sf2's mark; sf3 has it too, but samples that midirenderer does not read."""
    if not path.is_file() or path.suffix.lower() == ".sf3":
        return False
    with path.open("rb") as f:
        return f.read(12)[8:] == b"sfbk"


def _same_settings(path: Path, job: RenderJob) -> None:
    settings = json.loads(json.dumps(asdict(job) | {"root": ""}))
    if path.is_file() and json.loads(path.read_text()) != settings:
        raise EarmarkError(f"{path.parent} was rendered with other settings; remove it, or name another folder.")
    path.write_text(json.dumps(settings, indent=1) + "\n")


def _kept(root: Path) -> dict[str, dict[str, str]]:
    """Rows of finished songs by name."""
    manifest = root / "manifest.csv"
    if not manifest.is_file():
        return {}
    with manifest.open(newline="") as f:
        rows = [r for r in csv.DictReader(f) if None not in r.values() and (root / r["path"]).is_file()]
    return {Path(r["path"]).stem: r for r in rows}


def _write_manifest(path: Path, rows: list[dict[str, str]]) -> None:
    partial = path.with_suffix(".partial")
    with partial.open("w", newline="") as f:
        writer = csv.DictWriter(f, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    partial.replace(path)


def _each(job: RenderJob, indices: list[int], workers: int) -> Iterator[dict[str, str]]:
    if workers == 1:
        yield from (write_song(job, i) for i in indices)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(write_song, job, i) for i in indices]
        try:
            yield from (f.result() for f in as_completed(futures))
        finally:
            pool.shutdown(cancel_futures=True)


def _name(job: RenderJob, index: int) -> str:
    return f"{'pop' if job.pop909 else 'song'}_{index:05d}"


def song_of(job: RenderJob, index: int) -> chord_songs.GeneratedSong:
    """The score of a job's song; POP909's songs take turns, every one once before any comes twice."""
    if job.pop909 is None:
        return chord_songs.compose(index, job.seed, job.seconds)
    names = pop909_excerpts.songs(Path(job.pop909), *job.songs_of)
    order = np.random.default_rng(job.seed).permutation(len(names))
    name = names[order[index % len(names)]]
    return pop909_excerpts.excerpt(Path(job.pop909), name, index, job.seed, job.seconds)


def write_song(job: RenderJob, index: int) -> dict[str, str]:
    """Compose, render and write one song; its row of the manifest."""
    song, root = song_of(job, index), Path(job.root)
    rng = np.random.default_rng((job.seed, index, 909 if job.pop909 else 0))
    soundfont = job.soundfonts[index % len(job.soundfonts)]
    effects = chord_effects.draw(rng)
    more = beside.draw(rng, song, *job.recordings())
    audio = sound(song, soundfont, effects, more)
    path, chords = f"audio/{song.name}.flac", f"lab/{song.name}.lab"
    lab.write(root / chords, stretch_labels(beside.labels(song, more), effects, len(audio) / RATE))
    partial = root / f"{path}.{os.getpid()}.partial"
    sf.write(partial, audio, RATE, format="FLAC", subtype="PCM_16")
    partial.replace(root / path)
    values = (path, song.style, song.group, job.split, chords, song.key, Path(soundfont).stem)
    return dict(zip(COLUMNS, values, strict=True))


def stretch_labels(chords: tuple[lab.LabSegment, ...], effects: Effects, duration_s: float) -> list[lab.LabSegment]:
    """The labels on the detuned recording's time axis; the last ends with the audio."""
    times = [(c.start_s * effects.stretch, c.end_s * effects.stretch, c.label) for c in chords]
    rows = [lab.LabSegment(*t) for t in times]
    return [*rows[:-1], rows[-1]._replace(end_s=duration_s)]


def sound(
    song: chord_songs.GeneratedSong, soundfont: str, effects: Effects, more: OverlaySettings | None = None
) -> np.ndarray:
    """float32 (n, 1 or 2) at 22,050 Hz with all effects and what sounds beside the music.

    n is the song's length, stretched, in whole samples.
    """
    n = round(song.duration_s * effects.stretch * RATE)
    dry = _fit(_resampled(render_song(song, soundfont), RENDER_RATE / effects.stretch), n)
    return chord_effects.apply(beside.mix(dry, song, more or OverlaySettings(), effects.stretch), effects)


def render_song(song: chord_songs.GeneratedSong, soundfont: str) -> np.ndarray:
    """float32 (n, 2) at 48 kHz, the song's length."""
    import midirenderer

    file = io.BytesIO()
    song.midi.write(file)
    wav = midirenderer.render_wave_from(_bytes(soundfont), file.getvalue())
    audio, _ = sf.read(io.BytesIO(wav), dtype="float32", always_2d=True)
    return _fit(audio, round(song.duration_s * RENDER_RATE))


def _resampled(audio: np.ndarray, rate: float) -> np.ndarray:
    return soxr.resample(audio, rate, RATE, quality="HQ")


@cache
def _bytes(soundfont: str) -> bytes:
    return Path(soundfont).read_bytes()


def _fit(audio: np.ndarray, n: int) -> np.ndarray:
    """Exactly n frames: cut, or padded with silence."""
    return np.pad(audio[:n], ((0, max(0, n - len(audio))), (0, 0)))
