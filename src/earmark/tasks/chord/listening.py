"""The listening report of a chord evaluation: a section a song, spectrogram, truth and estimate on one time axis."""

import html
import io
from functools import partial
from pathlib import Path

import numpy as np

from earmark.audio import Root
from earmark.evaluation import listening as page
from earmark.evaluation.pictures import plt
from earmark.evaluation.sounds import clip
from earmark.tasks.chord import scores
from earmark.tasks.chord.notation import harte
from earmark.tasks.chord.notation.lab import Segment
from earmark.tasks.chord.notation.targets import key_label

SONGS = 60  # sections; the rest is in predictions.parquet
HEARD = 8  # songs with a player, the worst ones
HEARD_S = 60.0  # of each
LABEL_S = 0.011  # of a song's length that a letter needs
COLUMNS = 1200  # of the spectrogram's picture
SHOWN = ("tetrads", "majmin", "root", "bass", "seg")


def listening(path: Path, songs: list[scores.Song], spectrograms: list[np.ndarray], hop_s: float, root: Root) -> None:
    """Write the page, the worst songs (by tetrads) first. spectrograms: (frames, bins) of each song.

    root: the audio's folder, below which the songs' names are files.
    """
    sums, sections, order = scores.summed(songs), [], worst_first(songs)[:SONGS]
    for place, i in enumerate(order):
        figures = {name: sums.figure(name, [i]) for name in SHOWN}
        player = page.player(partial(clip, root / songs[i].name, 0.0, HEARD_S)) if place < HEARD else ""
        sections.append(_section(songs[i], figures, picture(songs[i], spectrograms[i], hop_s), player))
    intro = (
        f"{len(order)} of {len(songs)} test recordings, the worst first (share of time with the right tetrad). The "
        f"first {min(HEARD, len(order))} can be played, up to a minute of each, levels evened out. Chords are coloured "
        "by their root; N and X are grey."
    )
    page.write(path, "What the model heard", intro, "\n".join(sections))


def worst_first(songs: list[scores.Song]) -> list[int]:
    """Places of songs in order of their tetrads; songs of X alone come last."""
    sums = scores.summed(songs)
    right = np.array([sums.figure("tetrads", [i]) for i in range(len(songs))])
    return sorted(range(len(songs)), key=lambda i: (np.isnan(right[i]), right[i], songs[i].name))


def picture(song: scores.Song, values: np.ndarray, hop_s: float) -> bytes:
    """PNG of a song: spectrogram (frames, bins), true chords and estimated ones over the same seconds."""
    end = song.truth[-1].end_s
    heights = {"height_ratios": (5, 1, 1), "hspace": 0.06}
    fig, axes = plt.subplots(3, 1, figsize=(12, 3.4), sharex=True, gridspec_kw=heights, layout="constrained")
    step = -(-len(values) // COLUMNS)
    shown = values[::step].astype(np.float32).T
    axes[0].imshow(shown, origin="lower", aspect="auto", cmap="magma", extent=(0, len(values) * hop_s, 0, len(shown)))
    axes[0].set(ylabel="bin", xlim=(0, end))
    for ax, segments, name in zip(axes[1:], (song.truth, song.estimate), ("true", "heard"), strict=True):
        band(ax, segments, end)
        ax.set_ylabel(name, rotation=0, ha="right", va="center")
        ax.set_yticks([])
    axes[2].set_xlabel("seconds")
    file = io.BytesIO()
    fig.savefig(file, format="png", dpi=80, metadata={"Software": None})
    plt.close(fig)
    return file.getvalue()


def band(ax, segments: list[Segment], end_s: float) -> None:
    """Chords as bars, coloured by root (N and X grey), with their labels where there is room."""
    for start, end, label, _ in segments:
        root = harte.parse(label).root
        colour = plt.get_cmap("hsv")(root * 7 % 12 / 12) if root >= 0 else "0.8"  # neighbours in fifths look alike
        ax.axvspan(start, end, color=colour, alpha=0.55, lw=0)
        ax.axvline(start, color="white", lw=0.6)
        if end - start > LABEL_S * end_s * len(label):
            ax.text((start + end) / 2, 0.5, label, ha="center", va="center", fontsize=6, clip_on=True)
    ax.set_ylim(0, 1)


def _section(song: scores.Song, figures: dict[str, float], png: bytes, player: str) -> str:
    keys = f"key {key_label(song.key_truth)}, heard {key_label(song.key_estimate)}"
    said = "; ".join(f"{name} {value:.2f}" for name, value in figures.items() if np.isfinite(value))
    shown = page.picture(png, "spectrogram, true and heard chords")
    return f"<section><h2>{html.escape(song.name)}</h2><p>{said}; {keys}</p>{shown}{player}</section>"
