"""Timelines as other programs read them: written by hand, read back, one file a recording."""

import csv
import io
import json

import pytest

from builders import tone
from bundles import small_bundle
from earmark.tasks.genre import timelines
from earmark.tasks.genre.predictions import GenreSegment

SEGMENTS = [GenreSegment(0.0, 2.5, "rain", 0.75), GenreSegment(2.5, 4.125, "dog\tbark\n", 0.5)]


@pytest.fixture
def nowhere(workplace):
    """A folder outside every project, with a released bundle."""
    small_bundle(workplace / "bundles")
    for name in ("in/sub/one.wav", "in/two.wav", "a/one.wav", "b/one.wav"):
        (workplace / name).parent.mkdir(parents=True, exist_ok=True)
        tone(workplace / name, rate=8000, seconds=61 if "sub" in name else 2)
    return workplace


def test_audacity_reads_start_end_and_label():
    assert timelines.audacity(SEGMENTS) == "0.000000\t2.500000\train\n2.500000\t4.125000\tdog bark \n"


def test_raven_reads_a_selection_a_segment():
    rows = list(csv.DictReader(io.StringIO(timelines.raven(SEGMENTS, 22050.0)), delimiter="\t"))
    assert [row["Annotation"] for row in rows] == ["rain", "dog bark "]
    assert rows[1] == {
        "Selection": "2",
        "View": "Spectrogram 1",
        "Channel": "1",
        "Begin Time (s)": "2.500000",
        "End Time (s)": "4.125000",
        "Low Freq (Hz)": "0.0",
        "High Freq (Hz)": "22050.0",
        "Annotation": "dog bark ",
        "Score": "0.5000",
    }


def test_predict_writes_what_its_json_says(nowhere, earmark):
    code, out, err = earmark("predict", "genre", "in", "--out", "times")
    assert (code, err) == (0, [])
    assert "sub/one.wav -> times/sub/one.txt, .selections.txt" in out
    _, out, _ = earmark("predict", "genre", "in", "--json", "--timeline")
    said = {row["path"]: row["timeline"] for row in json.loads(out)}
    for path, segments in said.items():
        lines = (nowhere / "times" / path.removeprefix("in/")).with_suffix(".txt").read_text().splitlines()
        found = [line.split("\t") for line in lines]
        assert [label for *_, label in found] == [s["label"] for s in segments]
        times = [(float(start), float(end)) for start, end, _ in found]
        assert times == [pytest.approx((s["start_s"], s["end_s"]), abs=1e-6) for s in segments]


def test_two_recordings_of_one_name_are_refused_before_any_is_written(nowhere, earmark):
    code, _, (sentence,) = earmark("predict", "genre", "a/one.wav", "b/one.wav", "--out", "times")
    assert code == 1
    assert sentence == (
        "earmark: a/one.wav and b/one.wav would both become times/one.txt; write their timelines into two folders."
    )
    assert not list(nowhere.glob("times/*"))
