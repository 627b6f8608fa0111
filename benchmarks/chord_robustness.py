"""What a chord model still hears in rooms, noise, out of tune and through poor channels.

    OMP_NUM_THREADS=1 python benchmarks/chord_robustness.py FOLDER [--model MODEL] [--songs 20] [--out table.csv]

FOLDER has a manifest.csv (path,lab,key,group), as `earmark render chords` writes it. Every song is degraded in every
way of CONDITIONS, by the effects that training songs are drawn with (datasets/chord_effects.py) or by a real MP3
encoder, and read by the released model. Prints WCSR, and in brackets how far it lies from that of the clean songs.
"""

import argparse
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile as sf
import soxr

from earmark import audio
from earmark.generated.songs.effects import RATE, Effects, apply
from earmark.release import bundle
from earmark.tasks.chord import scores
from earmark.tasks.chord.collection import table_of
from earmark.tasks.chord.notation import lab
from earmark.tasks.chord.predictions import Recogniser

CLEAN = Effects()
FIGURES = ("root", "majmin", "sevenths", "tetrads", "bass", "seg")


@dataclass(frozen=True)
class Condition:
    """Effects of a condition, and how the result is stored: sample rate in Hz and a container."""

    effects: Effects = CLEAN
    rate: int = RATE
    store: str = "WAV"


CONDITIONS = {
    "clean": Condition(),
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
    "MP3, lowest quality": Condition(store="MP3"),
    "phone: 300 to 3400 Hz": Condition(Effects(low_cut=300.0, high_cut=3400.0, width=0.0), rate=8000),
    "phone in the room, noise": Condition(
        Effects(room=(0.5, 0.4, 2.5), low_cut=100.0, noise=("pink", 15.0), cents=-15.0, width=0.0)
    ),
}


def degraded(sound: np.ndarray, condition: Condition) -> bytes:
    """Samples (n, 2) at RATE -> the bytes of a file; played at another pitch it lasts `effects.stretch` as long."""
    effects = condition.effects
    if effects.cents:
        sound = soxr.resample(sound, RATE, RATE * effects.stretch)
    sound = apply(sound, effects)
    if condition.rate != RATE:
        sound = soxr.resample(sound, RATE, condition.rate)
    file = io.BytesIO()
    how = {"compression_level": 0.99} if condition.store == "MP3" else {"subtype": "FLOAT"}
    sf.write(file, sound, condition.rate, format=condition.store, **how)
    return file.getvalue()


def judged(table: pd.DataFrame, read: Callable, condition: Condition) -> dict[str, float]:
    """Figures over the songs of a table in one condition."""
    stretch, songs = condition.effects.stretch, []
    for row in table.itertuples():
        sound = np.concatenate(list(audio.read_stereo(row.path, RATE)), axis=1).T
        truth = [s._replace(start_s=s.start_s * stretch, end_s=s.end_s * stretch) for s in lab.read(row.lab)]
        songs.append(scores.Song(str(row.path), truth, read(degraded(sound, condition)).segments, row.group))
    found = scores.evaluate(songs, 0)
    return {name: found[name] for name in FIGURES}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", type=Path, default=bundle.ROOT / "chord")
    parser.add_argument("--songs", type=int, default=20)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    read, table, rows = Recogniser(args.model), table_of([args.folder]).head(args.songs), {}
    print(f"{'condition':<26}" + "".join(f"{name:>16}" for name in FIGURES))
    for name, condition in CONDITIONS.items():
        rows[name] = judged(table, read, condition)
        below = ((value, value - rows["clean"][figure]) for figure, value in rows[name].items())
        print(
            f"{name:<26}" + "".join(f"{value:>8.3f} ({less:+.3f})"[:17].rjust(16) for value, less in below), flush=True
        )
    if args.out:
        pd.DataFrame(rows).T.rename_axis("condition").to_csv(args.out)


if __name__ == "__main__":
    main()
