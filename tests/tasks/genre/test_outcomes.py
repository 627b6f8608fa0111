"""Whether each recording's answer is right."""

import pandas as pd

from earmark.tasks.genre import outcomes


def test_a_recording_counts_once_however_many_windows_it_has():
    columns = ["recording", "window", "label", "group", "recording_predicted", "recording_probability"]
    rows = [("a", 0, "x", "g", "x", 0.75), ("a", 1, "x", "g", "x", 0.75), ("b", 0, "y", "h", "x", 0.5)]
    found = outcomes.outcomes_of(pd.DataFrame(rows, columns=columns))
    kept = found[["figure", "part", "recording", "group", "right", "weight", "confidence"]].to_numpy().tolist()
    assert kept == [["accuracy", "x", "a", "g", 1.0, 1.0, 0.75], ["accuracy", "y", "b", "h", 0.0, 1.0, 0.5]]
