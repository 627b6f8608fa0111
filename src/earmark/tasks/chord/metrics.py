"""The chord task's evaluate stage: pure, files in and files out. Figures, intervals, and every estimated segment."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from earmark.data import manifest
from earmark.errors import EarmarkError
from earmark.evaluation import intervals
from earmark.evaluation.metrics import in_order
from earmark.evaluation.settings import EvaluateSettings
from earmark.features.store import Store
from earmark.tasks.chord import baseline, scores
from earmark.tasks.chord.decoding import weights
from earmark.tasks.chord.networks.build import recording_logits
from earmark.tasks.chord.notation import lab, targets
from earmark.tasks.chord.predictions import Recogniser, SongPrediction


def predicted_songs(recognise: Recogniser, table: pd.DataFrame, store: Store) -> list[SongPrediction]:
    """What the model hears in the recordings of a table, from their stored spectrograms."""
    frames = stored_spectrograms(table, store)
    return [recognise.read(values, seconds) for values, seconds in zip(frames, table.duration_s, strict=True)]


def stored_spectrograms(table: pd.DataFrame, store: Store) -> Iterator[Tensor]:
    """The spectrograms (frames, width) of a table's recordings."""
    missing = sorted(set(table.path) - set(store.ids))
    if missing:
        raise EarmarkError(f"The feature store lacks '{missing[0]}'; run `dvc repro` to extract the features again.")
    return (torch.from_numpy(store.frames(path)) for path in table.path)


def suggest_weights(
    recognise: Recogniser, table: pd.DataFrame, folder: Path, store: Store
) -> weights.Suggestion | None:
    """Weights of the qualities from what the network says of recordings that it was not trained on, frame by frame.

    table, folder: as of `scored_songs`, the validation split's; None without recordings.
    """
    heard, true = [], []
    for row, values in zip(table.itertuples(), stored_spectrograms(table, store), strict=True):
        log_chord = log_softmax(recording_logits(recognise.model, values, recognise.features.channels).chord, 1)
        heard.append(weights.by_quality(log_chord.numpy()))
        segments = lab.read(folder / row.lab)
        true.append(lab.frames(segments, len(values), recognise.features.hop_s, recognise.vocabulary).chord)
    given = None if recognise.quality_weights is None else recognise.quality_weights.numpy()
    return weights.suggest(np.concatenate(heard), np.concatenate(true), given) if heard else None


def scored_songs(table: pd.DataFrame, folder: Path, songs: list[SongPrediction]) -> list[scores.ScoredSong]:
    """Truth, from the .lab files that the table names below `folder`, and estimate of every recording."""
    rows = zip(table.itertuples(), songs, strict=True)
    return [scored_song(row, lab.read(folder / row.lab), song) for row, song in rows]


def scored_song(row: Any, truth: list[lab.LabSegment], heard: SongPrediction) -> scores.ScoredSong:
    """What was heard in a recording beside its true chords; row: of a manifest, with path, group and key."""
    keys = targets.key_of(row.key), targets.key_of(heard.key)
    return scores.ScoredSong(str(row.path), truth, heard.segments, row.group, *keys)


def figures(
    songs: list[scores.ScoredSong],
    table: pd.DataFrame,
    settings: EvaluateSettings,
    beside: list[scores.ScoredSong] | None = None,
) -> dict:
    """Every figure with its interval, the number of recordings and the hash of what they were tested on.

    beside: what the baseline hears in the songs, whose figures stand beside.
    """
    return pooled_figures(songs, settings, beside) | {
        "n_recordings": len(songs),
        "n_groups": int(table.group.nunique()),
        "test_manifest_sha256": manifest.digest(table),
    }


def pooled_figures(
    songs: list[scores.ScoredSong], settings: EvaluateSettings, beside: list[scores.ScoredSong] | None
) -> dict:
    """Figures of songs, and of the baseline where it heard them, too; each with its interval."""
    found = scores.evaluate(songs, settings.bootstrap, settings.seed)
    found |= baseline.figures(songs, beside, settings) if beside else {}
    return found | intervals.methods(found)


def predictions(songs: list[scores.ScoredSong]) -> pd.DataFrame:
    """One row a segment: recording, start_s, end_s, label and probability."""
    rows = [(song.name, *segment) for song in songs for segment in song.estimate]
    return pd.DataFrame(rows, columns=["recording", "start_s", "end_s", "label", "probability"])


def write(out: Path, table: pd.DataFrame, found: dict) -> None:
    """predictions.parquet and metrics.json below `out`."""
    out.mkdir(parents=True, exist_ok=True)
    table.to_parquet(out / "predictions.parquet", index=False)
    (out / "metrics.json").write_text(json.dumps(in_order(found, "majmin"), indent=2) + "\n")
