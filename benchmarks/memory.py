"""Peak resident memory of `earmark predict` with the released bundles, of recordings of 2 s, an hour and three.

python benchmarks/memory.py [--hours 1 3] [--formats wav flac mp3 ogg] [--ways genre chord speaker] [--out memory.json]

Each command runs in a process of its own outside of any project; its peak is the kernel's `ru_maxrss`, which counts
what is mapped from files (libraries, mostly) as well. The recordings are made up, 44.1 kHz, mono for wav and stereo
for the others, and need 3 GB of the temporary folder. Prints a table, and writes it as JSON where --out says.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile as sf

from earmark import console

RATE, SHORT_S = 44100, 2.0
WAYS = {
    "genre": ["genre", "{file}"],
    "genre --json": ["genre", "{file}", "--json"],
    "genre --timeline": ["genre", "{file}", "--timeline"],
    "genre --timeline --json": ["genre", "{file}", "--timeline", "--json"],
    "chord": ["chord", "{file}"],
    "chord --json": ["chord", "{file}", "--json"],
    "chord --out": ["chord", "{file}", "--out", "{out}"],
    "speaker --embed": ["speaker", "{file}", "--embed", "{out}/e.parquet"],
    "speaker --enroll": ["speaker", "{file}", "--enroll", "{people}"],
    "speaker --verify": ["speaker", "{file}", "{short}", "--verify"],
    "speaker --cluster": ["speaker", "{file}", "{short}", "--cluster"],
}
FORMATS = {"wav": ("WAV", 1), "flac": ("FLAC", 2), "mp3": ("MP3", 2), "ogg": ("OGG", 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, nargs="+", default=[1.0, 3.0])
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=list(FORMATS))
    parser.add_argument("--ways", nargs="+", default=["genre", "chord", "speaker"], help="what their names begin with")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    ways = {name: words for name, words in WAYS.items() if name.startswith(tuple(args.ways))}
    with tempfile.TemporaryDirectory(prefix="earmark-memory-") as folder:
        found = [row for kind in args.formats for row in measured(Path(folder), kind, args.hours, ways)]
    if args.out:
        args.out.write_text(json.dumps(found, indent=2) + "\n")
    show(found, args.hours)


def measured(folder: Path, kind: str, hours: list[float], ways: dict[str, list[str]]) -> Iterator[dict]:
    """A row for each way and length: its peak in MB, its seconds."""
    people = folder / "people/ann"
    people.mkdir(parents=True, exist_ok=True)
    short = recording(folder / f"short.{kind}", kind, SHORT_S)
    recording(people / "a.wav", "wav", SHORT_S)
    for seconds in (SHORT_S, *(3600 * h for h in hours)):
        file = recording(folder / f"long.{kind}", kind, seconds)
        places = {"file": file, "short": short, "out": folder / "out", "people": people.parent}
        for name, words in ways.items():
            peak, took = run([word.format(**places) for word in words], folder)
            yield {"format": kind, "way": name, "recording_s": seconds, "peak_mb": round(peak, 1), "took_s": took}
            print(f"{kind} {name} {seconds:g} s: {peak:.0f} MB, {took:g} s", file=sys.stderr, flush=True)
        file.unlink()


def recording(path: Path, kind: str, seconds: float) -> Path:
    """Chords, noise and pauses, another every second or two, seeded."""
    name, channels = FORMATS[kind]
    rng, left = np.random.default_rng(0), round(seconds * RATE)
    with sf.SoundFile(path, "w", RATE, channels, format=name) as file:
        while left > 0:
            n = min(left, int(rng.uniform(0.7, 2) * RATE))
            sound = rng.choice([0.0, 0.02, 0.1]) * rng.standard_normal((n, channels))
            for step in rng.choice([0, 3, 4, 7, 10], 3):
                pitch = 110 * 2 ** ((rng.integers(12) + step) / 12)
                sound += 0.1 * rng.integers(2) * np.sin(2 * np.pi * pitch * np.arange(n) / RATE)[:, None]
            file.write(sound.clip(-1, 1).astype(np.float32))
            left -= n
    return path


def run(words: list[str], folder: Path) -> tuple[float, float]:
    """Peak resident memory in MB of the command, and the seconds it took."""
    began = time.perf_counter()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    child = subprocess.Popen([sys.executable, "-m", "earmark", "predict", *words], cwd=folder, env=os.environ, **quiet)
    said = child.stderr.read()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"earmark predict {' '.join(words)} failed: {said.decode(errors='replace')[-500:]}")
    return used.ru_maxrss / (1024 if sys.platform == "linux" else 1024**2), round(time.perf_counter() - began, 1)


def show(found: list[dict], hours: list[float]) -> None:
    """A line for each format and way, with what a long recording takes as a share of the short one's."""
    peaks = {(row["format"], row["way"], row["recording_s"]): row["peak_mb"] for row in found}
    rows = []
    for kind, way in dict.fromkeys((row["format"], row["way"]) for row in found):
        least = peaks[kind, way, SHORT_S]
        longer = [peaks[kind, way, 3600 * h] for h in hours]
        cells = [f"{least:.0f} MB", *(f"{peak:.0f} MB" for peak in longer), f"{max(longer) / least:.2f}"]
        rows.append((kind, way, *cells))
    console.table(("format", "way", "2 s", *(f"{h:g} h" for h in hours), "most / 2 s"), rows)


if __name__ == "__main__":
    main()
