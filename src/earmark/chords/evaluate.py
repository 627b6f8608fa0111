"""The chord task's evaluate stage: pure, files in and files out. Figures, intervals, and every estimated segment."""

import json
from pathlib import Path

import pandas as pd
import torch

from earmark import manifest
from earmark.chords import lab, scores, targets
from earmark.chords.recognise import Recogniser, Song
from earmark.errors import EarmarkError
from earmark.features.store import Store
from earmark.settings.evaluation import EvaluateSettings


def recognised(recognise: Recogniser, table: pd.DataFrame, store: Store) -> list[Song]:
    """What the model hears in the recordings of a table, from their stored spectrograms."""
    missing = sorted(set(table.path) - set(store.ids))
    if missing:
        raise EarmarkError(f"The feature store lacks '{missing[0]}'; run `dvc repro` to extract features anew.")
    frames = (torch.from_numpy(store.frames(path)) for path in table.path)
    return [recognise.read(values, seconds) for values, seconds in zip(frames, table.duration_s, strict=True)]


def judged(table: pd.DataFrame, folder: Path, songs: list[Song]) -> list[scores.Song]:
    """Truth, from the .lab files that the table names below `folder`, and estimate of every recording."""
    return [
        scores.Song(
            row.path,
            lab.read(folder / row.lab),
            song.segments,
            row.group,
            targets.key_of(row.key),
            targets.key_of(song.key),
        )
        for row, song in zip(table.itertuples(), songs, strict=True)
    ]


def figures(songs: list[scores.Song], table: pd.DataFrame, settings: EvaluateSettings) -> dict:
    """Every figure with its interval, the number of recordings and the hash of what they were tested on."""
    found = scores.evaluate(songs, settings.bootstrap, settings.seed)
    return found | {
        "n_recordings": len(songs),
        "n_groups": int(table.group.nunique()),
        "test_manifest_sha256": manifest.digest(table),
    }


def predictions(songs: list[scores.Song]) -> pd.DataFrame:
    """One row a segment: recording, start_s, end_s, label and probability."""
    rows = [(song.name, *segment) for song in songs for segment in song.estimate]
    return pd.DataFrame(rows, columns=["recording", "start_s", "end_s", "label", "probability"])


def write(out: Path, table: pd.DataFrame, found: dict) -> None:
    """predictions.parquet and metrics.json below `out`."""
    out.mkdir(parents=True, exist_ok=True)
    table.to_parquet(out / "predictions.parquet", index=False)
    (out / "metrics.json").write_text(json.dumps(found, indent=2) + "\n")
