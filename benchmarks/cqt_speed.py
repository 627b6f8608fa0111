"""How fast is the CQT on one thread? Times real time, in CPU seconds, beside librosa's.

    python benchmarks/cqt_speed.py [--seconds 180] [--repeats 3]

Mono noise at 22,050 Hz, 252 bins, 36 an octave, filter scale 22/36; the best of the repeats after one that warms up.
Speed does not depend on what is played.
"""

import argparse
import os
import time
from collections.abc import Callable

os.environ["OMP_NUM_THREADS"] = "1"  # before torch and numpy are loaded

import librosa
import numpy as np
import torch

from earmark.features.cqt import C1_HZ, CQT, TRANSPOSING

RATE, SCALE = 22050, 22 / 36


def cpu_seconds(work: Callable[[], object], repeats: int) -> float:
    """CPU seconds of the fastest repeat."""
    work()
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=180)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    y = np.random.default_rng(0).standard_normal(args.seconds * RATE).astype(np.float32)
    x = torch.from_numpy(y)[None, None]
    plain = {"sr": RATE, "fmin": C1_HZ, "n_bins": 252, "bins_per_octave": 36, "filter_scale": SCALE}
    print("hop    gamma  earmark  + 33 bins  librosa   (x real time, one thread)")
    for hop in (512, 544, 2048):
        for gamma in (0.0, 20.0):
            modules = [CQT(hop_length=hop, gamma=gamma, extra=extra) for extra in ((0, 0), TRANSPOSING)]
            ours = [cpu_seconds(lambda m=m: m(x), args.repeats) for m in modules]
            function, more = (librosa.vqt, {"gamma": gamma}) if gamma else (librosa.cqt, {})
            theirs = cpu_seconds(lambda f=function, h=hop, m=more: abs(f(y, hop_length=h, **plain, **m)), args.repeats)
            speeds = [f"{args.seconds / s:8,.0f}" for s in (*ours, theirs)]
            print(f"{hop:4d}  {gamma:6.1f} {speeds[0]}   {speeds[1]} {speeds[2]}  {function.__name__}", flush=True)


if __name__ == "__main__":
    main()
