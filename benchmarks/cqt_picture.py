"""Low and high notes equally sharp? librosa's CQT beside shorter filters and a variable Q, drawn.

    python benchmarks/cqt_picture.py RECORDING OUT.png [--start 0] [--seconds 6] [--gamma 4]

ChordNet's author found that in librosa's CQT low notes are smeared in time while high ones are needlessly sharp, and
adjusted Q until both looked alike. Below each spectrogram: how long its filters are (sharpness in time), and how broad
(in pitch), from C1 up.
"""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch

from earmark.audio import read_blocks
from earmark.features.cqt import CQT, bandwidths

RATE = 22050
HOP = 256
BINS = 36
NOTES = np.arange(0, 252, BINS)


def variants(gamma: float) -> list[tuple[str, float, float]]:
    """Title, filter scale and gamma in Hz of each column."""
    return [
        ("librosa's: filter scale 1", 1.0, 0.0),
        ("filter scale 22/36", 22 / 36, 0.0),
        (f"filter scale 22/36, gamma {gamma:g} Hz", 22 / 36, gamma),
    ]


def draw(axes: np.ndarray, samples: np.ndarray, title: str, scale: float, gamma: float) -> None:
    """Fill one column: decibels over time and pitch, then length in ms and bandwidth in semitones."""
    cqt = CQT(hop_length=HOP, filter_scale=scale, gamma=gamma)
    magnitude = cqt(torch.from_numpy(samples)[None, None])[0, 0].numpy().T
    db = 20 * np.log10(np.maximum(magnitude / magnitude.max(), 1e-3))
    width = bandwidths(cqt.frequencies, BINS, gamma) / scale
    axes[0].imshow(db, origin="lower", aspect="auto", cmap="magma", extent=(0, len(samples) / RATE, 0, len(db)))
    axes[0].set_title(title, fontsize=10)
    axes[0].set_xlabel("seconds")
    axes[0].set_yticks(NOTES, [f"C{i + 1}" for i in range(len(NOTES))])
    broad = 12 * np.log2((cqt.frequencies + width / 2) / np.maximum(cqt.frequencies - width / 2, cqt.frequencies / 16))
    for axis, values, label in (
        (axes[1], 1000 / width, "length of filter (ms)"),
        (axes[2], broad, "width (semitones)"),
    ):
        axis.semilogy(values)
        axis.set_xticks(NOTES, [f"C{i + 1}" for i in range(len(NOTES))])
        axis.set_ylabel(label, fontsize=8)
        axis.grid(color="0.9")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recording", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--start", type=float, default=0.0)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--gamma", type=float, default=4.0)
    args = parser.parse_args()
    samples = np.concatenate(list(read_blocks(args.recording, RATE, args.start + args.seconds)))
    samples = samples[round(args.start * RATE) :]
    fig, axes = plt.subplots(3, 3, figsize=(13, 8), height_ratios=[3, 1, 1], sharey="row", layout="constrained")
    for column, variant in zip(axes.T, variants(args.gamma), strict=True):
        draw(column, samples, *variant)
    fig.savefig(args.out, dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    main()
