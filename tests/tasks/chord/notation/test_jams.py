"""Chords as JAMS: what the schema asks, and the way back, by our own reader and by mir_eval."""

import json
import re

import mir_eval
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from earmark.tasks.chord import annotations
from earmark.tasks.chord.notation import harte, jams, lab
from earmark.tasks.chord.notation.lab import LabSegment
from earmark.tasks.chord.notation.targets import NO_KEY, key_label, key_of
from earmark.tasks.chord.notation.vocabulary import NARROW, WIDE

MODEL = {"name": "version 3", "source": "champion", "version": "3", "sha256": "ab"}
# jams 0.3.5, schemata/namespaces/chord/chord.json and key/key_mode.json
DEGREE = r"(b*|#*)([1-9]|1[0-3]?)"
QUALITY = (
    "maj|min|dim|aug|1|5|sus2|sus4|maj6|min6|7|maj7|min7|dim7|hdim7|minmaj7|aug7|9|maj9|min9|11|maj11|min11|13|maj13|"
    "min13"
)
ADDED = rf"\((\*?({DEGREE})(,\*?({DEGREE}))*)\)"
CHORD = re.compile(rf"^((N|X)|(([A-G](b*|#*))((:({QUALITY})({ADDED})?)|(:{ADDED}))?((/({DEGREE}))?)?))$")
KEY_MODE = re.compile(r"^N|([A-G][b#]?)(:(major|minor|ionian|dorian|phrygian|lydian|mixolydian|aeolian|locrian))?$")
SONG = [LabSegment(0.0, 1.5, "N", 1.0), LabSegment(1.5, 2.25, "C:maj/3", 0.75), LabSegment(2.25, 3.0, "F#:min7", 0.5)]


def written(path, segments=SONG, key="A:min", duration_s=3.0) -> dict:
    jams.write(path, segments, key, 0.9, duration_s, MODEL)
    return json.loads(path.read_text(encoding="utf-8"))


def test_a_file_as_the_schema_has_it(tmp_path):
    """https://jams.readthedocs.io/en/stable/jams_structure.html."""
    metadata = {"annotation_tools": "earmark, version 3", "data_source": "program"}
    shared = {"annotation_metadata": metadata, "sandbox": {"model": MODEL}, "time": 0.0, "duration": 3.0}
    assert written(tmp_path / "a.jams") == {
        "file_metadata": {"duration": 3.0, "jams_version": "0.3.0"},
        "annotations": [
            {
                "namespace": "chord",
                "data": [
                    {"time": 0.0, "duration": 1.5, "value": "N", "confidence": 1.0},
                    {"time": 1.5, "duration": 0.75, "value": "C:maj/3", "confidence": 0.75},
                    {"time": 2.25, "duration": 0.75, "value": "F#:min7", "confidence": 0.5},
                ],
                **shared,
            },
            {
                "namespace": "key_mode",
                "data": [{"time": 0.0, "duration": 3.0, "value": "A:minor", "confidence": 0.9}],
                **shared,
            },
        ],
        "sandbox": {},
    }


@pytest.mark.parametrize("words", [NARROW, WIDE], ids=["narrow", "wide"])
def test_every_label_that_a_model_can_say_is_of_the_namespace(words):
    labels = {harte.label_of(index, bass, words) for index in range(words.n_classes) for bass in range(12)}
    assert len(labels) == 12 * 12 * len(words.qualities) + 1
    assert [label for label in labels if not CHORD.fullmatch(label)] == []


@pytest.mark.parametrize("key", [key_label(i) for i in range(25)])
def test_every_key_is_of_its_namespace_and_comes_back(tmp_path, key):
    value = written(tmp_path / "a.jams", key=key)["annotations"][1]["data"][0]["value"]
    assert KEY_MODE.fullmatch(value)
    assert key_of(value) == key_of(key)
    assert annotations.main_key(annotations.keys(tmp_path / "a.jams")) == ("" if key_of(key) == NO_KEY else key)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, WIDE.none), st.integers(0, 11)), min_size=1, max_size=12),
    st.lists(st.floats(0.1, 500.0), min_size=12, max_size=12),
)
def test_lab_and_jams_say_the_same(tmp_path, classes, lengths):
    """By our readers, and by mir_eval's of .lab beside the plain JSON, to the microsecond."""
    segments, start = [], 0.0
    for (index, bass), length in zip(classes, lengths, strict=False):
        segments.append(LabSegment(start, start + length, harte.label_of(index, bass, WIDE), 0.5))
        start += length
    document = written(tmp_path / "a.jams", segments, duration_s=start)
    lab.write(tmp_path / "a.lab", segments)
    found, other = (annotations.chords(tmp_path / f"a.{kind}", start) for kind in ("jams", "lab"))
    assert [s.label for s in found] == [s.label for s in other] == [harte.scorable(s.label) for s in segments]
    for one, two in zip(found, other, strict=True):
        assert one[:2] == pytest.approx(two[:2], abs=2e-6)
    intervals, labels = mir_eval.io.load_labeled_intervals(str(tmp_path / "a.lab"), delimiter="\t")
    rows = document["annotations"][0]["data"]
    assert [row["value"] for row in rows] == labels
    spans = [[row["time"], row["time"] + row["duration"]] for row in rows]
    np.testing.assert_allclose(intervals, spans, rtol=0, atol=2e-6)
    mir_eval.chord.validate(labels, [row["value"] for row in rows])
