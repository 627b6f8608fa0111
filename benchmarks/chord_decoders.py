"""CPU seconds that the chord decoders take for ten minutes of audio, on one thread.

    OMP_NUM_THREADS=1 python benchmarks/chord_decoders.py [--minutes 10]

Frames are drawn: chords of two seconds on average, and noise that leaves the true chord the likeliest in 81 %, 44 %,
17 % and 3 % of the frames, with a rival on the same root nearly as likely. The CRF's transitions are counted in such
songs. The last row has random transitions and flat frames, where pruning helps least.
"""

import argparse
import time

import numpy as np
import torch

from earmark.tasks.chord.decoding.crf import Decoder, TiedCrf
from earmark.tasks.chord.decoding.viterbi import segments, viterbi

N_QUALITIES = 44
N = 12 * N_QUALITIES
SAMPLE_RATE = 22050


def song(frames: int, frames_per_chord: float, rng: np.random.Generator) -> np.ndarray:
    """Classes (frames,) whose roots move by fifths, fourths, seconds and thirds, common qualities more often."""
    share = 1 / np.arange(1, N_QUALITIES + 1)
    classes = np.empty(frames, np.int64)
    root = 0
    t = 0
    while t < frames:
        root = (root + rng.choice([5, 7, 2, 9, 3])) % 12
        n = 1 + int(rng.exponential(frames_per_chord))
        quality = rng.choice(N_QUALITIES, p=share / share.sum())
        classes[t : t + n] = N if rng.random() < 0.02 else 12 * quality + root
        t += n
    return classes


def heard(classes: np.ndarray, lead: float, rng: np.random.Generator) -> np.ndarray:
    """Log-probabilities (frames, 529): unit noise, `lead` on the true class, .8 of it on a rival."""
    every = np.arange(len(classes))
    logits = rng.normal(size=(len(classes), N + 1)).astype(np.float32)
    logits[every, classes] += lead
    logits[every, 12 * rng.integers(0, N_QUALITIES, len(classes)) + classes % 12] += 0.8 * lead
    return logits - np.log(np.exp(logits).sum(1, keepdims=True))


def cpu_seconds(call) -> tuple[float, np.ndarray]:
    began = time.process_time()
    result = call()
    return time.process_time() - began, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    seconds = 60 * parser.parse_args().minutes
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    print("hop   frames  right: frame  CRF    Viterbi   CPU s: CRF  Viterbi  segments")
    for hop in (2048, 544):
        rate = SAMPLE_RATE / hop
        frames = int(seconds * rate)
        crf = TiedCrf(N_QUALITIES)
        crf.fit_counts([song(6000, 2 * rate, rng) for _ in range(20)])
        for lead in (6, 3, 2, 1):
            classes = song(frames, 2 * rate, rng)
            log_probs = heard(classes, lead, rng)
            tied, path = cpu_seconds(lambda x=log_probs, crf=crf: crf.decoder()(x))
            simple, other = cpu_seconds(lambda x=log_probs: viterbi(x, 8.0))
            cut, _ = cpu_seconds(lambda x=log_probs, y=path, r=rate: segments(y, x, 1 / r, seconds))
            right = [np.mean(p == classes) for p in (log_probs.argmax(1), path, other)]
            print(f"{hop:<5}{frames:>7}  {right[0]:>12.3f}{right[1]:>7.3f}{right[2]:>9.3f}", end="")
            print(f"{tied:>12.2f}{simple:>9.2f}{cut:>9.3f}")
        worst = Decoder(rng.normal(size=(N + 1, N + 1)), np.zeros(N + 1))
        took, _ = cpu_seconds(lambda d=worst, n=frames: d(np.zeros((n, N + 1), np.float32)))
        print(f"{hop:<5}{frames:>7}  random transitions, flat frames {took:>8.2f}")


if __name__ == "__main__":
    main()
