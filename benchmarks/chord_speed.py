"""Where the CPU time of `earmark predict chord` goes: from file to .lab, on one thread, all files in one process.

    OMP_NUM_THREADS=1 python benchmarks/chord_speed.py FOLDER [--model MODEL] [--passes 5]

Imports, reading the model and a first file are not counted. Prints CPU seconds (user and system) an hour of audio,
audio seconds a CPU second, and the share of each step: medians over the passes.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from earmark import audio, console
from earmark.release import bundle
from earmark.tasks.chord import predictions, spectrogram
from earmark.tasks.chord.notation import lab

STEPS = ("decoding and resampling", "constant-Q transform", "network", "decoder and labels", "writing .lab")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", type=Path, default=bundle.ROOT / "chord")
    parser.add_argument("--passes", type=int, default=5)
    args = parser.parse_args()
    files = sorted(f for f in args.folder.iterdir() if f.suffix.lower() in audio.EXTENSIONS)
    if not files:
        parser.error(f"{args.folder} holds no recording ({', '.join(audio.EXTENSIONS)}).")
    torch.set_num_threads(1)
    read = predictions.Recogniser(args.model)
    with tempfile.TemporaryDirectory() as out:
        steps(read, files[0], Path(out))
        passes = [np.sum([steps(read, f, Path(out)) for f in files], axis=0) for _ in range(args.passes)]
    seconds = sum(audio.check(f).duration_s for f in files)
    total = statistics.median(p.sum() for p in passes)
    rows = [(name, *_row(statistics.median(p[i] for p in passes), total, seconds)) for i, name in enumerate(STEPS)]
    console.table(
        ("step", "CPU s an hour", "x real time", "share"),
        [*rows, ("all", *_row(total, total, seconds))],
        f"{len(files)} files, {seconds:.0f} s",
    )


def steps(read: predictions.Recogniser, path: Path, out: Path) -> list[float]:
    """CPU seconds of each of STEPS on one file. The blocks are held here, where `predict` hands them on one by one."""
    marks, features = [time.process_time()], read.features

    def done(value):
        marks.append(time.process_time())
        return value

    recording = audio.CheckedRecording(path)
    blocks = done(list(spectrogram.samples(recording, features)))
    values = done(spectrogram.spectrogram_of_blocks(blocks, features))
    heard = done(read.heard(torch.from_numpy(values)))
    duration, words = recording.info.duration_s, read.vocabulary
    song = done(predictions.song(heard, features.hop_s, duration, bool(values.any()), words, read.decoder))
    done(lab.write(out / f"{path.stem}.lab", song.segments))
    return np.diff(marks).tolist()


def _row(part: float, total: float, seconds: float) -> tuple[str, str, str]:
    return f"{3600 * part / seconds:.2f}", f"{seconds / part:,.0f}", f"{part / total:.1%}"


if __name__ == "__main__":
    main()
