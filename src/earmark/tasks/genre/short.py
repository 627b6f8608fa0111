"""Recordings shorter than a window: they are filled up, which is said."""

from typing import TYPE_CHECKING

import pandas as pd

from earmark.data import manifest

if TYPE_CHECKING:  # else a change of how features are set would prepare anew
    from earmark.features.settings import FeatureSettings

FILLED = {
    "tile": "each is repeated to that length",
    "pad": "each is padded to that length with silence on both sides",
    "pad_log": "each is padded to that length on both sides with zeros after the logarithm",
}


def notes(table: pd.DataFrame, settings: "FeatureSettings") -> list[str]:
    """A sentence where all recordings, or more than half, are shorter than a window. table: with duration_s."""
    filled = f"{FILLED[settings.fill]} (features.fill: {settings.fill})"
    found = manifest.shorter(table.duration_s, settings.window_s, "tasks.genre.features.window_s", filled)
    hop = settings.window_hop_s
    short = hop > table.duration_s.median()
    return [
        f"{sentence} (window_hop_s, now {hop:g} s, must not be longer than that.)" if short else sentence
        for sentence in found
    ]
