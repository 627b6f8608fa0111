"""What the model made of every test recording, for a paired comparison (`evaluation.outcomes`)."""

import pandas as pd

from earmark.evaluation import outcomes


def outcomes_of(predictions: pd.DataFrame) -> pd.DataFrame:
    """Whether each recording's answer is right, by its label; predictions: a row a window, as `metrics.predict`."""
    songs = predictions[predictions["window"] == 0]
    right = (songs.recording_predicted == songs.label).to_numpy(float)
    return outcomes.shares("accuracy", songs, right, 1.0, songs.label, songs.recording_probability)
