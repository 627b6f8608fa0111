"""The genre task's listening report: which recordings, in which order, from where they play, and what windows say."""

import base64
import io

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from builders import features_settings, sines
from earmark.evaluation.listening import page
from earmark.tasks.genre import listening

FOUND = {"accuracy": 0.5, "accuracy_ci95": [0.1, 0.9]}
DURATIONS = {"bad.wav": 60.0, "good.wav": 1.0}


def predictions() -> pd.DataFrame:
    """Two recordings of two windows, the first of them wrong, most of all in its second window."""
    rows = []
    for name, said, p_high in (("good.wav", "low", (0.1, 0.2)), ("bad.wav", "high", (0.6, 0.9))):
        for window, p in enumerate(p_high):
            row = {"recording": name, "window": window, "start_s": 40.0 * window, "label": "low"}
            row |= {"p_high": p, "p_low": 1 - p, "recording_p_high": p_high[0], "recording_p_low": 1 - p_high[0]}
            rows.append(row | {"recording_predicted": said, "recording_probability": max(p_high[0], 1 - p_high[0])})
    return pd.DataFrame(rows)


def written(folder, root, **changes) -> dict:
    settings = features_settings(**changes)
    listening.listening(folder / "page.html", predictions(), DURATIONS, root, settings, FOUND)
    return page.read(folder / "page.html")


def test_mistakes_come_first_and_play_about_the_window_that_misled(tmp_path):
    sf.write(tmp_path / "bad.wav", np.concatenate([sines(220, 42.0), sines(1760, 18.0)]), 22050)
    sf.write(tmp_path / "good.wav", sines(220, 1.0), 22050)
    report = written(tmp_path, tmp_path, window_s=2.0, window_hop_s=1.0)
    assert [recording["name"] for recording in report["recordings"]] == ["bad.wav", "good.wav"]
    assert report["figures"] == [["accuracy", 0.5, 0.1, 0.9]]
    assert report["intro"][0] == "Classified wrongly: 1 of 2 test recordings."
    bad, good = report["rows"]
    assert bad == {
        **{"of": [0], "kind": "recording", "truth": "low", "answer": "high", "right": False, "at": None},
        **{"score": 0.6, "sure": 0.6, "doubt": 0.6, "cell": [1, 0]},
    }
    assert (good["right"], good["cell"], good["doubt"]) == (True, [1, 1], 0.1)
    assert report["matrix"] | {"rows": ["high", "low"], "values": [[0, 0], [1, 1]]} == report["matrix"]
    clip = report["clips"][report["recordings"][0]["clip"]]
    assert (clip["start_s"], clip["seconds"]) == (31.0, 20.0)  # the window from 40 to 42 s stands in the middle
    samples, rate = sf.read(io.BytesIO(base64.b64decode(clip["sound"])))
    late = np.abs(np.fft.rfft(samples[15 * rate : 17 * rate]))
    assert late.argmax() / 2 == pytest.approx(1760, abs=10)
    assert report["recordings"][0]["start_s"] == 40.0


def test_votes_are_what_windows_say_of_the_label_the_answer_and_what_else_is_likely(tmp_path):
    report = written(tmp_path, tmp_path)
    votes = report["recordings"][0]["votes"]
    assert (votes["labels"], votes["starts"]) == (["low", "high"], [0.0, 40.0])
    assert votes["p"] == [[0.4, 0.1], [0.6, 0.9]]


def test_the_page_is_the_same_every_time_and_says_what_cannot_be_played(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        assert "reason" in written(tmp_path / name, tmp_path)["clips"][0]
    assert (tmp_path / "a/page.html").read_bytes() == (tmp_path / "b/page.html").read_bytes()


def test_after_the_mistakes_the_least_certain_right_ones_come_and_then_some_by_chance(monkeypatch):
    monkeypatch.setattr(listening, "UNSURE", 2)
    n = 12
    songs = pd.DataFrame(
        {
            "recording": [f"{i:02}" for i in range(n)],
            "label": "a",
            "recording_predicted": ["b", "b", *"a" * (n - 2)],
            "recording_probability": [0.5, 0.9, *(0.4 + 0.05 * i for i in range(n - 2))],
        }
    )
    found = list(listening.in_order(songs).recording)
    assert found[:4] == ["01", "00", "02", "03"]
    assert sorted(found) == list(songs.recording)
    assert found[4:] != sorted(found[4:])
    assert found == list(listening.in_order(songs.sample(frac=1.0, random_state=5)).recording)
