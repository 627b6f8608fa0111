"""A chord network's word on single notes, pictured: which tones it hears, and which bass, beside what is true."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from earmark.evaluation.pictures import plt, save
from earmark.tasks.chord import scores
from earmark.tasks.chord.networks.build import SONG_AT_ONCE, network_input
from earmark.tasks.chord.networks.pitch_net import ChordLogits
from earmark.tasks.chord.notation import harte, lab
from earmark.tasks.chord.notation.lab import LabSegment

LABEL_S = 0.011  # of a song's length that a letter needs
SHOWN_S = 60.0  # of a song: in more the breaks of a vector cannot be seen
NAMES = [*harte.ROOTS, *harte.ROOTS, "N"]  # 12 chord tones, then the bass


@torch.no_grad()
def network_vectors(model: nn.Module, values: Tensor, channels: int) -> dict[str, np.ndarray]:
    """Vectors (frames, 25) in 0 to 1 from the stored frames (frames, width) of a song's first ten minutes, by name.

    Of ChordNet the vector and, where it has a second network, the smoothed one. PitchNet has one head for tones, of
    which several sound at once, and one for the bass; side by side they say the same.
    """
    answer = model(network_input(values[:SONG_AT_ONCE], channels)[None])
    if isinstance(answer, ChordLogits):
        return {"heard": torch.cat([answer.tones.sigmoid(), answer.bass.softmax(2)], 2)[0].numpy()}
    found = {"raw": answer.vector[0].numpy()}
    return found | ({"smoothed": answer.smooth[0].numpy()} if model.settings.smoothing else {})


def picture(path: Path, song: scores.ScoredSong, found: dict[str, np.ndarray], hop_s: float) -> None:
    """PNG of a song's first minute: true chords and vector, the vectors `found` (frames, 25), the chords read."""
    end = min(SHOWN_S, song.truth[-1].end_s)
    n = min(len(next(iter(found.values()))), 1 + round(end / hop_s))
    shown = {"true": lab.frames(song.truth, n, hop_s).vectors()} | {name: v[:n] for name, v in found.items()}
    heights = [0.5, *[3] * len(shown), 0.5]
    size = {"figsize": (15, 0.9 * sum(heights) + 0.6), "gridspec_kw": {"height_ratios": heights, "hspace": 0.04}}
    fig, axes = plt.subplots(len(heights), 1, sharex=True, layout="constrained", **size)
    for ax, segments, name in ((axes[0], song.truth, "true"), (axes[-1], song.estimate, "heard")):
        band(ax, segments, end)
        ax.set_ylabel(name, rotation=0, ha="right", va="center")
        ax.set_yticks([])
    for ax, (name, vector) in zip(axes[1:], shown.items(), strict=False):
        _vector(fig, ax, vector, hop_s)
        ax.set_ylabel(f"{name}:\ntones, then bass")
    axes[0].set(title=f"{song.name}: which notes sound", xlim=(0, end))
    axes[-1].set_xlabel("seconds")
    save(fig, path)


def band(ax, segments: list[LabSegment], end_s: float) -> None:
    """Chords as bars, coloured by root (N and X grey), with their labels where there is room."""
    for start, end, label, _ in segments:
        root = harte.parse(label).root
        colour = plt.get_cmap("hsv")(root * 7 % 12 / 12) if root >= 0 else "0.8"  # neighbours in fifths look alike
        ax.axvspan(start, end, color=colour, alpha=0.55, lw=0)
        ax.axvline(start, color="white", lw=0.6)
        if end - start > LABEL_S * end_s * len(label):
            ax.text((start + end) / 2, 0.5, label, ha="center", va="center", fontsize=6, clip_on=True)
    ax.set_ylim(0, 1)


def _vector(fig, ax, vector: np.ndarray, hop_s: float) -> None:
    """(n, 25) as a picture; frames are centred on multiples of the hop."""
    extent = (-0.5 * hop_s, (len(vector) - 0.5) * hop_s, -0.5, len(NAMES) - 0.5)
    how = {"origin": "lower", "aspect": "auto", "interpolation": "nearest", "cmap": "magma", "vmin": 0, "vmax": 1}
    image = ax.imshow(vector.T, extent=extent, **how)
    ax.axhline(11.5, color="white", lw=0.8)
    ax.set_yticks(range(len(NAMES)), NAMES, fontsize=6)
    fig.colorbar(image, ax=ax, pad=0.005, aspect=12)
