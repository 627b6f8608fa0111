"""What a folder holds, in words."""

import pandas as pd

from earmark.data import overview


def table(**columns) -> pd.DataFrame:
    return pd.DataFrame({"duration_s": 30.0, "sample_rate": 44100, "channels": 1} | columns)


def test_labels_are_counted_the_most_frequent_first():
    found = overview.labels(table(path=list("abcd"), label=["x", "y", "y", "y"], group=["1", "2", "2", "3"]))
    assert found == [("y", "3", "2", "1.5"), ("x", "1", "1", "0.5")]


def test_many_labels_end_in_a_row_for_the_rest():
    names = [f"n{i:02}" for i in range(25)]
    found = overview.labels(table(path=[f"p{n}" for n in names], label=names, group=names))
    assert len(found) == overview.LABELS
    assert found[-1] == ("(6 more)", "6", "6", "3.0")


def test_recordings_without_labels_are_one_row():
    assert overview.labels(table(path=["a", "b"], group=["g", "g"])) == [("(all)", "2", "1", "1.0")]


def test_formats_by_name_rate_and_channels():
    some = table(
        path=["a.wav", "b.WAV", "c.mp3"], group=list("abc"), channels=[1, 1, 2], sample_rate=[8000, 8000, 44100]
    )
    assert overview.formats(some) == "2 WAV 8 kHz mono, 1 MP3 44.1 kHz stereo"


def test_groups_and_durations_as_sentences():
    some = table(path=list("abc"), group=["g", "g", "h"], duration_s=[1.0, 2.0, 6.0])
    assert overview.groups(some) == "Groups: 2, for 3 recordings; all recordings of a group are in the same split."
    assert overview.groups(some.assign(group=list("abc"))) == "Groups: every recording is its own group (3)."
    assert overview.durations(some) == (
        "3 recordings, 0.1 minutes in all: the shortest lasts 1.00 s, the median 2.00 s, the longest 6.00 s."
    )
