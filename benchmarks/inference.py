"""From file to answer with the released bundles: times real time on one thread, a voice's milliseconds, many files.

    OMP_NUM_THREADS=1 python benchmarks/inference.py [--songs FOLDER] [--minutes 3] [--rounds 5] [--json FILE]

Reads recordings of a folder, or made-up ones (stereo Ogg Vorbis of 44.1 kHz, as many seconds as are asked; speed does
not depend on what is played, but for the decoder of chords, which is quick). The same in other forms, and decoding
alone, stand beside. Models are read before, and freed memory is kept, as the command does; CPU seconds count, and wall
time where several files are answered at once. Latency: a recording of 5 s from its file to its answer.
"""

import argparse
import io
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import soundfile as sf
import torch
from rows import Row, write

from earmark import audio
from earmark.features import heap, pool
from earmark.release import bundle
from earmark.tasks.chord.predictions import Recogniser
from earmark.tasks.genre.predictions import Predictor
from earmark.tasks.speaker.predictions import Embedder

POINT = "7 Inference"
RATE = 44100
SHORT_S = 5.0
VOICE_S = 3.0
VOICE_RATE = 16000
FILES = 8
RATES = {"chord": 22050, "genre": 44100}  # that the released networks hear
ASKED = {"chord": ">= 600", "genre": ">= 600"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=Path, help="A folder of recordings; made-up ones without.")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="The rows as JSON, too.")
    args = parser.parse_args()
    torch.set_num_threads(1)
    heap.keep()
    answer: dict[str, Callable] = {
        "chord": Recogniser(bundle.ROOT / "chord"),
        "genre": Predictor(bundle.ROOT / "genre"),
        "speaker": Embedder(bundle.ROOT / "speaker").heard,
    }
    with tempfile.TemporaryDirectory() as folder:
        songs = sorted(args.songs.glob("*.*")) if args.songs else made(Path(folder), FILES, 60 * args.minutes)
        short = made(Path(folder), 1, SHORT_S)[0]
        write(args.json, rows(answer, songs, short, args.rounds))


def rows(answer: dict[str, Callable], songs: list[Path], short: Path, rounds: int) -> Iterator[Row]:
    """Every row."""
    seconds = {file: audio.check(file).duration_s for file in songs}
    for name in ("chord", "genre"):
        one = median(lambda name=name: [answer[name](audio.CheckedRecording(file)) for file in songs[:2]], rounds)
        played = sum(seconds[file] for file in songs[:2])
        decoded = median(lambda name=name: [decode(file, RATES[name]) for file in songs[:2]], rounds)
        detail = f"CPU s an hour {3600 * one / played:.2f}; two files of {played / 2:.0f} s, one thread"
        detail += f"; decoding alone {played / decoded:.0f} x"
        yield Row(POINT, f"{name}: times real time, file to answer", played / one, ASKED[name], detail)
        yield from forms(name, answer[name], songs[0], seconds[songs[0]], rounds)
        late = median(lambda name=name: answer[name](audio.CheckedRecording(short)), rounds, time.perf_counter)
        yield Row(POINT, f"{name}: ms for a file of {SHORT_S:g} s", 1e3 * late, "", "wall time, one thread")
    voice = io.BytesIO()
    sf.write(voice, 0.1 * np.random.default_rng(0).standard_normal(int(VOICE_RATE * VOICE_S)), VOICE_RATE, format="WAV")
    spoken = median(lambda: answer["speaker"](audio.CheckedRecording(voice.getvalue())), 10 * rounds)
    yield Row(POINT, f"voice: CPU ms for {VOICE_S:g} s", 1e3 * spoken, "<= 8", "WAV of 16 kHz, one thread")
    cores = os.cpu_count() or 1
    for name in ("chord", "genre"):
        jobs = [(audio.CheckedRecording(file),) for file in songs]
        ways = (partial(answered, answer[name], jobs, workers) for workers in (1, cores))
        alone, together = (median(way, max(3, rounds // 2), time.perf_counter) for way in ways)
        detail = f"{len(songs)} files: {alone:.2f} s by one, {together:.2f} s by {cores} threads"
        asked = f">= {0.9 * cores:g}"
        yield Row(POINT, f"{name}: many files on {cores} cores against one", alone / together, asked, detail)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    yield Row(POINT, "peak memory of all this, GB", peak, "", "three models, files of minutes, on Linux")


def forms(name: str, answer: Callable, song: Path, played: float, rounds: int) -> Iterator[Row]:
    """A recording in forms that take less to decode, at the rate that the task's network hears."""
    samples = np.concatenate(list(audio.read_stereo(song, RATES[name])), axis=1).T
    for form, written in (("FLAC", samples), ("WAV, mono", samples.mean(1))):
        file = io.BytesIO()
        sf.write(file, written, RATES[name], format=form.split(",")[0], subtype="PCM_16")
        data = file.getvalue()
        one = median(lambda data=data: answer(audio.CheckedRecording(data)), rounds)
        decoded = median(lambda data=data: decode(data, RATES[name]), rounds)
        detail = f"decoding alone {played / decoded:.0f} x"
        yield Row(POINT, f"{name}, {form} of {RATES[name]} Hz: times real time", played / one, "", detail)


def decode(source: audio.Source, rate: int) -> None:
    """Decode and resample a recording, and no more."""
    for _ in audio.read_blocks(source, rate):
        pass


def answered(answer: Callable, jobs: list[tuple], workers: int) -> list:
    """What several recordings get as answers, by so many threads."""
    return list(pool.map_ordered(answer, jobs, workers, seconds=0.0))


def median(work: Callable[[], object], rounds: int, clock: Callable[[], float] = time.process_time) -> float:
    """Median seconds of the rounds after one that warms up."""
    spent = []
    for _ in range(rounds + 1):
        began = clock()
        work()
        spent.append(clock() - began)
    return statistics.median(spent[1:])


def made(folder: Path, n: int, seconds: float) -> list[Path]:
    """Stereo Ogg files of chords that change every second, with noise."""
    rng, files = np.random.default_rng(0), []
    time_s = np.arange(int(RATE * seconds)) / RATE
    for i in range(n):
        roots = 110 * 2 ** (rng.integers(0, 12, int(seconds) + 1)[time_s.astype(int)] / 12)
        sound = sum(np.sin(2 * np.pi * np.cumsum(roots * r) / RATE) for r in (1, 1.2599, 1.4983, 2)) / 8
        stereo = np.stack([sound, np.roll(sound, 500)], 1) + 0.02 * rng.standard_normal((len(sound), 2))
        files.append(folder / f"{seconds:g}-{i}.ogg")
        with sf.SoundFile(files[-1], "w", RATE, 2, format="OGG", subtype="VORBIS") as file:
            for start in range(0, len(stereo), RATE):  # libsndfile's encoder wants small pieces
                file.write(stereo[start : start + RATE])
    return files


if __name__ == "__main__":
    main()
