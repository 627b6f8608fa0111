"""CPU milliseconds to embed an utterance of 3 s from a WAV file, features included, one thread, median of many.

python benchmarks/embed_speed.py [BUNDLE]
"""

import io
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import soundfile as sf
import torch

from earmark.release import bundle
from earmark.tasks.speaker.predictions import Embedder

SECONDS, TIMES = 3.0, 51


def main() -> None:
    torch.set_num_threads(1)
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else bundle.folder("speaker")
    rng, file = np.random.default_rng(0), io.BytesIO()
    sf.write(file, 0.1 * rng.standard_normal(int(16000 * SECONDS)), 16000, format="WAV")
    embed = Embedder(folder)
    spent = []
    for _ in range(TIMES + 5):
        began = time.process_time()
        embed(file.getvalue())
        spent.append(1000 * (time.process_time() - began))
    spent = spent[5:]
    print(f"{folder}: {statistics.median(spent):.1f} ms of CPU (fastest {min(spent):.1f}) for {SECONDS:g} s")


if __name__ == "__main__":
    main()
