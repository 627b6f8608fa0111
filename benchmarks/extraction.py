"""How fast recordings become features, beside librosa and beside decoding alone, and how much memory that takes.

    python benchmarks/extraction.py [--files 12] [--seconds 30] [--rounds 5] [--json FILE]
    python benchmarks/extraction.py --memory [--few 100] [--many 10000] [--hours 3] [--json FILE]

Songs of the demo, 44.1 kHz stereo, as FLAC and as Ogg Vorbis. One core: everything is done by one thread of one
process; rounds take turns, the first one warms up, medians of CPU seconds count, and wall time stands beside. The floor
is earmark's own decoding, mixing and resampling; librosa's loop reads with soundfile, mixes and resamples with soxr.
All cores: the features stage as the command runs it, with what its workers take to start, beside joblib over librosa's
loop, which keeps its workers from round to round. --memory runs the features stage in a process of its own and asks the
kernel for the largest peak among that process and its workers: many files of half a second against few of them for
genre, and hours in a file for every task.
"""

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch and numpy are loaded

import librosa
import numpy as np
import pandas as pd
import soundfile as sf
import soxr
import torch
import yaml
from joblib import Parallel, delayed
from memory import recording
from rows import Row, write

from earmark import audio, config
from earmark.features import heap
from earmark.features.classical import classical_features
from earmark.features.frames import recording_frames
from earmark.features.settings import FeatureSettings
from earmark.features.statistics import mfcc_statistics
from earmark.generated.demo import music
from earmark.tasks import catalog, edited
from earmark.tasks.chord import spectrogram
from earmark.tasks.chord.settings import ChordFeatureSettings
from earmark.tasks.genre import features as genre_features

HOME = Path(__file__).parent.parent
POINT = "4 Extraction"
BANDS = {"sample_rate": 44100, "hop_length": 441, "n_mels": 64, "max_seconds": None, "dtype": "float16"}
SHARES = {  # of the floor's speed
    "log-mel, n_fft 1024": {"flac": ">= 0.6", "ogg": ">= 0.6"},
    "log-mel, n_fft 4096": {"flac": ">= 0.35", "ogg": ">= 0.6"},
}
CORES = os.cpu_count() or 1
Spent = dict[str, tuple[float, float]]  # median CPU and wall seconds of a way


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory", action="store_true", help="Measure memory instead of speed.")
    parser.add_argument("--few", type=int, default=100, help="Short files.")
    parser.add_argument("--many", type=int, default=10_000, help="Short files.")
    parser.add_argument("--hours", type=float, default=3.0, help="Of one recording.")
    parser.add_argument("--json", type=Path, help="The rows as JSON, too.")
    args = parser.parse_args()
    torch.set_num_threads(1)
    heap.keep()  # as the stage does; librosa's loop has it, too
    with tempfile.TemporaryDirectory(prefix="earmark-extraction-") as folder:
        found = peaks(Path(folder), args.few, args.many, args.hours) if args.memory else speeds(Path(folder), args)
        write(args.json, found)


def speeds(folder: Path, args: argparse.Namespace) -> Iterator[Row]:
    """Every row of the first part. Ratios are of the same recordings, in one run."""
    for kind in ("flac", "ogg"):
        files = songs(folder, kind, args.files, args.seconds)
        total = sum(sf.info(file).duration for file in files)
        yield from bands(kind, files, total, args.rounds)
        if kind == "flac":
            yield from constant_q(files, total, args.rounds)
        yield from all_cores(kind, files, total, args.rounds)


def songs(folder: Path, kind: str, n: int, seconds: float) -> list[Path]:
    """Recordings of the demo, made once; the same music in every format."""
    root = folder / "songs"
    if not root.exists():
        music.generate(root, -(-n // len(music.GENRES)), 7, workers=CORES, seconds=seconds)
    files = sorted(root.glob("audio/*.flac"))[:n]
    return files if kind == "flac" else [ogg(file) for file in files]


def ogg(file: Path) -> Path:
    """The recording as Ogg Vorbis beside it, written a second at a time."""
    samples, rate = sf.read(file, dtype="float32", always_2d=True)
    with sf.SoundFile(file.with_suffix(".ogg"), "w", rate, samples.shape[1], format="OGG", subtype="VORBIS") as out:
        for start in range(0, len(samples), rate):
            out.write(samples[start : start + rate])
    return file.with_suffix(".ogg")


def in_turn(ways: dict[str, Callable[[], object]], rounds: int) -> Spent:
    """Median CPU and wall seconds of each way."""
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name, way in ways.items():
            cpu, wall = time.process_time(), time.perf_counter()
            way()
            spent[name].append((time.process_time() - cpu, time.perf_counter() - wall))
    return {name: tuple(map(statistics.median, zip(*times[1:], strict=True))) for name, times in spent.items()}


def genre(**changed) -> FeatureSettings:
    """The genre task's settings, with the bands that are asked about."""
    return replace(config.load_task(HOME / "params.yaml", "genre").features, **(BANDS | changed))


def bands(kind: str, files: list[Path], total: float, rounds: int) -> Iterator[Row]:
    """Log-mel and MFCC on one core, and what it costs to decode again."""
    asked = {f"log-mel, n_fft {n}": genre(n_fft=n) for n in (1024, 4096)}
    asked["MFCC, n_fft 4096"] = genre(n_fft=4096, kind="mfcc")
    ways = {"floor": lambda: [sum(1 for _ in audio.read_blocks(file, 44100)) for file in files]}
    for name, s in asked.items():
        ways[name] = lambda s=s: [sum(1 for _ in recording_frames(file, s)) for file in files]
        ways[f"librosa {name}"] = lambda s=s: [plain(file, s) for file in files]
    whole, part = asked["log-mel, n_fft 4096"], files[0].parent / "part"
    ways["checking"] = lambda: [audio.check(file) for file in files]
    ways["statistics"] = lambda: [mfcc_statistics(file, None) for file in files]
    ways["stage"] = lambda: [genre_features._extract(file, whole, part) for file in files]
    ways["classical"] = lambda: [classical_features(file, None) for file in files]
    spent = in_turn(ways, rounds)
    for name in asked:
        bound = SHARES.get(name, {}).get(kind, "")
        yield ratio(f"{name}, {kind}, one core: of the floor's speed", spent, name, "floor", total, bound)
        yield ratio(f"{name}, {kind}, one core: librosa's time over it", spent, name, f"librosa {name}", total, "")
    once = sum(spent[name][0] for name in ("log-mel, n_fft 4096", "statistics")) - spent["floor"][0]
    what = f"genre's features stage, {kind}, one core: its time over that of the same work with one decoding"
    detail = f"{total / spent['stage'][0]:.0f} x real time; log-mel and the baseline's MFCC statistics"
    yield Row(POINT, what, spent["stage"][0] / once, "<= 1.1", detail)
    for name, words in (("classical", "the classical baseline's features"), ("checking", "checking in prepare")):
        what = f"{words}, {kind}, one core, where it is decoded again: share of decoding in its time"
        detail = f"{total / spent[name][0]:.0f} x real time, decoding {total / spent['floor'][0]:.0f} x"
        yield Row(POINT, what, spent["floor"][0] / spent[name][0], "", detail)


def plain(file: Path, s: FeatureSettings) -> np.ndarray:
    """Log-mel or MFCC as people write it with librosa."""
    samples = mono(file, s.sample_rate)
    of = {"n_fft": s.n_fft, "hop_length": s.hop_length, "n_mels": s.n_mels, "fmin": s.f_min, "fmax": s.f_high}
    db = librosa.power_to_db(librosa.feature.melspectrogram(y=samples, sr=s.sample_rate, **of), top_db=s.top_db)
    return librosa.feature.mfcc(S=db, n_mfcc=s.n_mfcc) if s.kind == "mfcc" else db


def mono(file: Path, wanted: int) -> np.ndarray:
    """Samples (n,) at a rate; the channels' mean."""
    samples, rate = sf.read(file, dtype="float32", always_2d=True)
    mixed = samples.mean(1)
    return mixed if rate == wanted else soxr.resample(mixed, rate, wanted)


def ratio(what: str, spent: Spent, ours: str, theirs: str, total: float, asked: str) -> Row:
    """Their CPU time over ours."""
    said = [f"{total / spent[name][0]:.0f} x (wall {total / spent[name][1]:.0f} x)" for name in (ours, theirs)]
    detail = f"earmark {said[0]}, {theirs.split(' ')[0]} {said[1]} real time"
    return Row(POINT, what, spent[theirs][0] / spent[ours][0], asked, detail)


def transforms() -> dict[str, ChordFeatureSettings]:
    """Constant-Q settings: the demo's, the released model's, and what librosa's users take."""
    demo = config.load_task(HOME / "params.yaml", "chord").features
    recipe = ChordFeatureSettings(**yaml.safe_load((HOME / "recipes/chord.yaml").read_text())["features"])
    return {
        "the demo's": demo,
        "the demo's, mono": replace(demo, channels=1),
        "pitch_net's": recipe,
        "pitch_net's, stereo": replace(recipe, channels=2),
        "hop 512, constant Q": replace(recipe, hop_length=512, gamma=0.0),
        "hop 512, filter scale 1": replace(recipe, hop_length=512, gamma=0.0, filter_scale=1.0),
        "hop 2048, gamma 20": replace(recipe, gamma=20.0),
    }


def constant_q(files: list[Path], total: float, rounds: int) -> Iterator[Row]:
    """The constant-Q transform of samples in memory beside librosa's of the same bins; from files in the detail."""
    some = files[: max(1, len(files) // 4)]  # librosa takes long
    part = total * len(some) / len(files)
    for name, s in transforms().items():
        heard = [np.concatenate(list(spectrogram.samples(file, s)), axis=1) for file in some]  # (channels, n) each
        more = sizes(s) | {"gamma": s.gamma}  # with 0 librosa.vqt is librosa.cqt
        ways = {
            "earmark": lambda s=s, heard=heard: [spectrogram.spectrogram_of_blocks([one], s) for one in heard],
            "librosa": lambda more=more, heard=heard: [np.abs(librosa.vqt(one, **more)) for one in heard],
            "from files": lambda s=s: [spectrogram.spectrogram_of(file, s) for file in some],
        }
        spent = in_turn(ways, rounds)
        row = ratio(f"CQT, {name}, one core: librosa's time over it", spent, "earmark", "librosa", part, ">= 4")
        yield replace(row, detail=f"{row.detail}; from files {part / spent['from files'][0]:.0f} x")
        if importlib.util.find_spec("nnAudio"):
            spent = in_turn({"earmark": ways["earmark"], "nnAudio": nn_audio(heard, s)}, rounds)
            yield ratio(f"CQT, {name}, one core: nnAudio's time over it", spent, "earmark", "nnAudio", part, "")
    if not importlib.util.find_spec("nnAudio"):
        yield Row(POINT, "CQT: nnAudio's time over it", float("nan"), "", "nnAudio is not installed")


def sizes(s: ChordFeatureSettings) -> dict:
    """The settings of a transform, as librosa and nnAudio call them."""
    below, above = s.transposing
    found = {"sr": s.sample_rate, "hop_length": s.hop_length, "filter_scale": s.filter_scale}
    found |= {"n_bins": s.n_bins + below + above, "bins_per_octave": s.bins_per_octave}
    return found | {"fmin": s.f_min * 2 ** (-below / s.bins_per_octave)}


def nn_audio(heard: list[np.ndarray], s: ChordFeatureSettings) -> Callable[[], object]:
    """nnAudio's fastest constant-Q transform, whose gamma is 0; where the hop has an odd octave, its plain one."""
    from nnAudio.features.cqt import CQT1992v2, CQT2010v2

    octaves = -(-sizes(s)["n_bins"] // s.bins_per_octave)
    module = (CQT1992v2 if s.hop_length % 2 ** (octaves - 1) else CQT2010v2)(verbose=False, **sizes(s))
    return lambda: [module(torch.from_numpy(one)) for one in heard]


def all_cores(kind: str, files: list[Path], total: float, rounds: int) -> Iterator[Row]:
    """The features stage of genre, as its command runs it, beside joblib over librosa's loop."""
    table = pd.DataFrame({"path": [file.name for file in files], "duration_s": total / len(files)})
    table, root, s = table.assign(sample_rate=44100, split="train"), files[0].parent, genre(n_fft=4096)
    quiet = (lambda sentence: None, lambda done, n, what: done)
    run = partial(genre_features.run, table, root, s, root / "store", *quiet)
    loop = [delayed(both)(file, s) for file in files]
    ways = {"earmark": run, "one": partial(run, workers=1), "joblib": lambda: Parallel(n_jobs=CORES)(loop)}
    wall = {name: seconds for name, (_, seconds) in in_turn(ways, rounds).items()}
    detail = ", ".join(f"{name} {total / seconds:.0f} x" for name, seconds in wall.items()) + " real time, wall"
    what = f"genre's features stage, {len(files)} recordings, {kind}, {CORES} cores"
    asked = f">= {0.8 * CORES:g}" if CORES > 1 and len(files) >= 10 else ""
    yield Row(POINT, f"{what}: joblib's time over it", wall["joblib"] / wall["earmark"], "", detail)
    yield Row(POINT, f"{what}: one worker's time over it", wall["one"] / wall["earmark"], asked, detail)


def both(file: Path, s: FeatureSettings) -> tuple[np.ndarray, np.ndarray]:
    """What the stage computes of a recording, by librosa: log-mel, and MFCC at 22,050 Hz."""
    return plain(file, s), librosa.feature.mfcc(y=mono(file, 22050), sr=22050, n_mfcc=20)


def peaks(folder: Path, few: int, many: int, hours: float) -> Iterator[Row]:
    """The memory of `earmark features` as files grow in number, and as one grows long."""
    short = recording(folder / "short.ogg", "ogg", 0.5)
    peak(project(folder / "first", "genre", short, few, 0.5), "genre")  # what librosa compiles takes memory, too
    counts = {n: peak(project(folder / f"{n}-files", "genre", short, n, 0.5), "genre") for n in (few, many)}
    detail = ", ".join(f"{n:,} files {gigabytes:.2f} GB" for n, gigabytes in counts.items())
    what = f"`earmark features genre`: peak of {many:,} files of .5 s over that of {few:,}"
    yield Row(POINT, what, counts[many] / counts[few], "<= 1.1", detail)
    long = recording(folder / "long.ogg", "ogg", 3600 * hours)
    for task in catalog.names():
        least = peak(project(folder / f"{task}-short", task, short, 2, 0.5), task)
        most = peak(project(folder / f"{task}-long", task, long, 2, 3600 * hours), task)
        detail = f"GB; one for training and one to test; of half a second {least:.2f} GB"
        yield Row(POINT, f"`earmark features {task}`: peak for files of {hours:g} h", most, "<= 1.0", detail)


def project(folder: Path, task: str, sound: Path, n: int, seconds: float) -> Path:
    """A project whose recordings are one sound under n names, prepared; a tenth of them is for the test."""
    audio_folder, data = folder / "sounds", folder / "data" / task
    for one in (audio_folder, data):
        one.mkdir(parents=True)
    names = [f"{i:05d}.ogg" for i in range(n)]
    for name in names:
        os.link(sound, audio_folder / name)
    table = pd.DataFrame({"path": names, "label": "a", "group": names, "duration_s": seconds, "sample_rate": 44100})
    splits = ["test" if i % 10 == 0 else "train" for i in range(n)]
    table.assign(channels=2, peak=0.5, split=splits).to_csv(data / "manifest.csv", index=False)
    changed = {f"tasks.{task}.data.root": str(audio_folder)}
    changed |= {"tasks.genre.features.max_seconds": None} if task == "genre" else {}
    (folder / "params.yaml").write_text(edited.put((HOME / "params.yaml").read_text(), changed))
    return folder


def peak(folder: Path, task: str) -> float:
    """Gigabytes that `earmark features` or one of its workers had in memory at most."""
    command = [sys.executable, "-m", "earmark", "features", task]
    env = os.environ | {"NUMBA_CACHE_DIR": str(folder.parent / "numba")}
    child = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = child.stderr.read()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"earmark features {task}: {said.decode(errors='replace')[-500:]}")
    return used.ru_maxrss * (1024 if sys.platform == "linux" else 1) / 1e9


if __name__ == "__main__":
    main()
