"""The chord task's listening report: lanes, stretches that differ, and the minute that is heard."""

import numpy as np
import pytest
import soundfile as sf

from builders import sines
from earmark.evaluation.listening import page
from earmark.tasks.chord import listening, scores
from earmark.tasks.chord.notation.lab import LabSegment
from earmark.tasks.chord.notation.vocabulary import WIDE

FOUND = {"majmin": 0.75, "majmin_ci95": [0.5, 1.0]}
TRUTH = [LabSegment(0, 2, "C:maj"), LabSegment(2, 4, "A:min7"), LabSegment(4, 5, "X")]


def judged() -> list[scores.ScoredSong]:
    heard = [LabSegment(0, 3, "C:maj", 0.5), LabSegment(3, 5, "A:min7", 0.9)]
    return [
        scores.ScoredSong("right", TRUTH, TRUTH, "right", 0, 0),
        scores.ScoredSong("wrong", TRUTH, heard, "wrong", 0, 9),
    ]


def written(folder, songs=None) -> dict:
    listening.listening(folder / "page.html", songs or judged(), folder, FOUND, WIDE)
    return page.read(folder / "page.html")


def test_the_worst_song_comes_first_with_its_lanes_and_key(tmp_path):
    report = written(tmp_path)
    assert [recording["name"] for recording in report["recordings"]] == ["wrong", "right"]
    wrong = report["recordings"][0]
    assert wrong["lanes"] == [
        {"name": "true", "segments": [[0, 2, "C:maj"], [2, 4, "A:min7"], [4, 5, "X"]]},
        {"name": "heard", "segments": [[0, 3, "C:maj"], [3, 5, "A:min7"]]},
        {"name": "differs", "segments": [[2, 3, ""]]},
    ]
    assert "tetrads 0.75" in wrong["facts"]
    assert wrong["facts"][-1] == "key C:maj, heard A:maj"
    songs = [row for row in report["rows"] if row["kind"] == "song"]
    assert [(row["of"], row["truth"], row["answer"], row["score"]) for row in songs] == [
        ([0], "key C:maj", "key A:maj", 0.75),
        ([1], "key C:maj", "key C:maj", 1.0),
    ]


def test_stretches_know_their_cell_and_their_doubt(tmp_path):
    report = written(tmp_path)
    rows = [row for row in report["rows"] if row["kind"] == "chord"]
    (wrong,) = (row for row in rows if not row["right"])
    assert (wrong["of"], wrong["at"], wrong["truth"], wrong["answer"]) == ([0], [2, 3], "A:min7", "C:maj")
    assert wrong["doubt"] == 0.25  # half of the segment, at a probability of a half
    names, (i, j) = report["matrix"]["rows"], wrong["cell"]
    assert (names[i], names[j], report["matrix"]["values"][i][j]) == ("min7", "maj", 1.0)
    # What is X in the truth is in no stretch.
    assert sorted((row["of"][0], *row["at"]) for row in rows if row["right"]) == [
        (0, 0, 2),
        (0, 3, 4),
        (1, 0, 2),
        (1, 2, 4),
    ]
    assert np.sum(report["matrix"]["values"]) == 8.0


@pytest.mark.parametrize(
    ("differs", "end", "start"),
    [
        ([], 200.0, 0.0),
        ([(100.0, 130.0)], 200.0, 70.0),
        ([(0.0, 5.0), (180.0, 200.0)], 200.0, 140.0),
        ([(1, 2)], 30.0, 0),
    ],
)
def test_the_minute_that_is_wrong_longest_is_heard(differs, end, start):
    assert listening.worst_minute(differs, end) == start


def test_what_can_be_played_is_listed_first(tmp_path, monkeypatch):
    monkeypatch.setattr(listening, "HEARD_S", 3.0)
    sf.write(tmp_path / "wrong", sines(220, 5.0), 22050, format="WAV")
    heard = [LabSegment(0, 1, "G:maj", 0.3), LabSegment(1, 4, "A:min7", 0.4), LabSegment(4, 9, "D:maj", 0.9)]
    truth = [LabSegment(0, 4, "C:maj"), LabSegment(4, 9, "D:min")]
    report = written(tmp_path, [scores.ScoredSong("wrong", truth, heard, "g", 0, 0)])
    clip = report["clips"][0]
    rows = [row["at"] for row in report["rows"] if row["kind"] == "chord"]
    assert (clip["start_s"], clip["seconds"]) == (0.0, 3.0)
    assert rows == [[0, 1], [4, 9], [1, 4]]


def test_the_page_is_the_same_every_time_and_says_what_cannot_be_played(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        assert all("reason" in clip for clip in written(tmp_path / name)["clips"])
    assert (tmp_path / "a/page.html").read_bytes() == (tmp_path / "b/page.html").read_bytes()
