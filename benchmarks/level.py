"""Does a model hear the same thing when it is quieter? Every test recording, attenuated in float.

    python benchmarks/level.py models/genre data/genre/manifest.csv AUDIO_ROOT

Prints the share of recordings that keep their class at -20 and -40 dB.
"""

import argparse
import io
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile as sf

from earmark.tasks.genre.predictions import Predictor


def attenuated(path: Path, decibels: float) -> bytes:
    """The recording as a float WAV file, `decibels` quieter."""
    samples, rate = sf.read(path, dtype="float64")
    file = io.BytesIO()
    sf.write(file, samples * 10 ** (-decibels / 20), rate, format="WAV", subtype="FLOAT")
    return file.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("root", type=Path)
    args = parser.parse_args()
    table = pd.read_csv(args.manifest, dtype=str)
    paths = [args.root / p for p in table.path[table["split"] == "test"]]
    predictor = Predictor(args.model)
    loud = np.array([predictor(p).label for p in paths])
    for decibels in (20, 40):
        quiet = np.array([predictor(attenuated(p, decibels)).label for p in paths])
        print(f"-{decibels} dB: {np.mean(quiet == loud):.3f} of {len(paths)} test recordings keep their class")


if __name__ == "__main__":
    main()
