"""The listening report of a genre evaluation: every test recording with what its windows say over time."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix

from earmark.audio import Root
from earmark.evaluation.listening import page
from earmark.evaluation.listening.clips import Clips
from earmark.features.settings import FeatureSettings

HEARD_S = 20.0  # of each recording, about the window that spoke most for the answer
LISTED = 5000  # recordings
UNSURE = 20  # right answers that can be played because they are the least certain ones; more are drawn
VOTERS = 4  # labels whose votes are shown
FIGURES = ("accuracy", "baseline_accuracy", "baseline_classical_accuracy", "macro_f1")


def listening(
    path: Path,
    predictions: pd.DataFrame,
    durations: Mapping[str, float],
    root: Root,
    features: FeatureSettings,
    found: Mapping[str, Any],
) -> None:
    """Write the page. predictions: a row a window, as `metrics.predict`; durations: seconds of each recording.

    root: the audio's folder, below which the recordings' names are files. found: the evaluation's figures.
    """
    classes = [column.removeprefix("recording_p_") for column in predictions if column.startswith("recording_p_")]
    songs = in_order(predictions[predictions["window"] == 0])
    clips, windows = Clips("mel"), dict(tuple(predictions.groupby("recording", sort=False)))
    recordings = [
        _recording(windows[song.recording], durations[song.recording], classes, root, features.window_s, clips)
        for song in songs.head(LISTED).itertuples()
    ]
    rows = [_row(i, song, classes) for i, song in enumerate(songs.head(LISTED).to_dict("records"))]
    counts = confusion_matrix(songs.label, songs.recording_predicted, labels=classes)
    matrix = {"title": "Confusion", "rows": classes, "columns": classes, "values": counts.tolist()}
    page.write(
        path,
        page.ListeningReport(
            task="genre",
            title="What the model heard: genre or sound class",
            intro=_intro(songs, len(recordings), clips, features),
            figures=page.figures(found, FIGURES),
            kinds={"recording": "test recordings"},
            recordings=recordings,
            rows=rows,
            clips=clips.made,
            matrix=matrix | {"unit": "recordings"},
            labels=classes,
        ),
    )


def in_order(songs: pd.DataFrame) -> pd.DataFrame:
    """Rows of recordings: mistakes, the most confident first; the least certain right ones; the others drawn."""
    wrong = songs.recording_predicted != songs.label
    mistakes = songs[wrong].sort_values(["recording_probability", "recording"], ascending=[False, True])
    right = songs[~wrong].sort_values(["recording_probability", "recording"])
    drawn = right.iloc[UNSURE:].sample(frac=1.0, random_state=0)
    return pd.concat([mistakes, right.iloc[:UNSURE], drawn], ignore_index=True)


def _intro(songs: pd.DataFrame, listed: int, clips: Clips, features: FeatureSettings) -> list[str]:
    n, wrong = len(songs), int((songs.recording_predicted != songs.label).sum())
    said = [
        f"Classified wrongly: {wrong} of {n} test recordings.",
        (
            f"{len(clips.made)} can be played here, up to {HEARD_S:g} s of each: the mistakes, the most confident "
            "first, then the right answers that were the least certain, then right ones at random. Levels are "
            "evened out."
        ),
        f"The bars below a spectrogram show the answers of the windows of {features.window_s:g} s over time.",
    ]
    said += [f"{listed} of {n} are listed."] if listed < n else []
    quiet = "Quiet ends are cut before the model hears a recording: its windows count from the first sound on."
    return [*said, quiet] if features.trim_db is not None else said


def _recording(
    windows: pd.DataFrame, duration_s: float, classes: list[str], root: Root, window_s: float, clips: Clips
) -> page.ReportRecording:
    first = windows.iloc[0]
    worst = windows.loc[windows[f"p_{first.recording_predicted}"].idxmax()]
    start = float(np.clip(worst.start_s + window_s / 2 - HEARD_S / 2, 0, max(duration_s - HEARD_S, 0)))
    name = first.recording
    return page.ReportRecording(
        name,
        [name],
        first.label,
        round(float(duration_s), 3),
        clip=clips.place(name, [root / name], round(start, 3), HEARD_S),
        start_s=round(float(worst.start_s), 3),
        votes=votes(windows, classes, window_s),
    )


def votes(windows: pd.DataFrame, classes: list[str], window_s: float) -> dict[str, Any]:
    """What the windows of a recording say of its label, of the answer, and of what else is likely, over time."""
    first = windows.iloc[0]
    likely = sorted(classes, key=lambda label: -first[f"recording_p_{label}"])
    labels = list(dict.fromkeys([first.label, first.recording_predicted, *likely]))[:VOTERS]
    return {
        "starts": windows.start_s.round(3).tolist(),
        "window_s": window_s,
        "labels": labels,
        "p": [windows[f"p_{label}"].astype(float).round(3).tolist() for label in labels],
    }


def _row(i: int, song: dict, classes: list[str]) -> page.ReportRow:
    truth, answer = song["label"], song["recording_predicted"]
    sure = round(float(song["recording_probability"]), 4)
    cell = classes.index(truth), classes.index(answer)
    doubt = round(1 - float(song[f"recording_p_{truth}"]), 4)
    return page.ReportRow([i], "recording", truth, answer, truth == answer, sure, sure, doubt, cell)
