"""The speaker task's listening report: which trials, who is taken for whom, the threshold, and the map."""

import base64
import io

import numpy as np
import pytest
import soundfile as sf

from builders import sines
from earmark.evaluation.listening import page
from earmark.tasks.speaker import listening, report
from earmark.tasks.speaker.trials import enrolment
from speaker_answers import answers, crowd

FOUND = {"eer": 0.25, "eer_ci95": [0.1, 0.5]}


def written(folder, root, test, threshold=0.9) -> dict:
    rest = FOUND, enrolment.identify(test), report.map_utterances(test)
    listening.listening(folder / "page.html", test, threshold, root, *rest)
    return page.read(folder / "page.html")


def test_the_worst_trials_come_first_and_no_pair_too_often():
    test = answers(labels="aaaaab", degrees=(0, 10, 30, 60, 100, 50))
    missed = test.trials.same & (test.score < 0.99)
    shown = listening.worst(test, missed, test.score)
    # 100 and 90 degrees apart; the others of the same speaker come after all that are of others.
    assert test.trials.at[shown].tolist()[:3] == [[0, 4], [1, 4], [2, 4]]
    taken = listening.worst(test, ~test.trials.same & (test.score > 0.9), -test.score)
    assert test.trials.at[taken].tolist() == [[3, 5], [2, 5]]
    both = answers(labels="aaaabb", degrees=(0, 90, 80, 70, 0, 60))
    shown = listening.worst(both, both.trials.same & (both.score < 0.99), both.score)
    assert both.trials.at[shown].tolist()[:3] == [[0, 1], [0, 2], [4, 5]]  # bb is heard before aa a third time


def test_mistakes_of_both_kinds_in_turn_then_the_least_certain_right_ones():
    test = answers()  # a: 0, 10; b: 20, 100; c: 95 degrees
    order = listening.listed(test, 0.9)
    scores = test.score[order]
    wrong = (test.score[order] >= 0.9) != test.trials.same[order]
    assert wrong.tolist() == [True] * 4 + [False] * 6
    # different ones taken for one at 5, 10 and 20 degrees; one taken for two at 80
    np.testing.assert_allclose(np.degrees(np.arccos(scores[:4])), [5, 80, 10, 20], atol=0.1)
    away = np.abs(scores[4:] - 0.9)
    assert (np.diff(away) >= 0).all()


def test_pairs_queries_threshold_and_map(tmp_path):
    for i in range(5):
        sf.write(tmp_path / f"{i}.wav", sines(200 + 100 * i, 1.0), 22050)
        sf.write(tmp_path / f"{i}b.wav", sines(1000 + 100 * i, 1.0), 22050)
    (tmp_path / "3b.wav").unlink()
    found = written(tmp_path, tmp_path, answers())
    assert found["intro"][1] == (
        "Different speakers were mistaken for one in 3 of 8 trials, one speaker for two in 1 of 2."
    )
    names = [recording["name"] for recording in found["recordings"]]
    trials = [row for row in found["rows"] if row["kind"] == "trial"]
    first, second = trials[:2]
    assert [names[i] for i in first["of"]] == ["u<3>", "u<4>"]
    assert (first["truth"], first["answer"], first["right"]) == ("different", "same", False)
    assert (second["truth"], second["answer"], second["score"]) == (
        "same",
        "different",
        round(np.cos(np.radians(80)), 4),
    )
    assert second["doubt"] == pytest.approx(0.9 - np.cos(np.radians(80)), abs=1e-4)
    # a's second utterance (10 degrees) lies between both; b's second (100) is nearest to c.
    queries = {names[row["of"][0]]: row for row in found["rows"] if row["kind"] == "query"}
    assert queries["u<3>"]["truth"] == "b"
    assert queries["u<3>"]["answer"] == "c"
    assert [names[i] for i in queries["u<3>"]["of"]] == ["u<3>", "u<4>"]
    i, j = queries["u<3>"]["cell"]
    assert (found["matrix"]["rows"][i], found["matrix"]["columns"][j]) == ("b", "c")
    assert found["matrix"]["values"][i][j] == 1
    assert found["pairs"]["threshold"] == 0.9
    assert sum(found["pairs"]["same"]) == pytest.approx(1, abs=1e-3)
    assert sum(found["pairs"]["different"]) == pytest.approx(1, abs=1e-3)
    assert len(found["map"]["x"]) == len(found["map"]["y"]) == 5
    nearest = found["map"]["neighbours"][names.index("u<4>")][0]
    assert nearest == [names.index("u<3>"), round(np.cos(np.radians(5)), 4)]
    clip = {name: found["clips"][r["clip"]] for name, r in zip(names, found["recordings"], strict=True)}
    assert "reason" in clip["u<3>"]
    samples, rate = sf.read(io.BytesIO(base64.b64decode(clip["u<2>"]["sound"])))
    assert dominant(samples[rate // 4 : rate // 2], rate) == pytest.approx(400, abs=10)
    assert dominant(samples[5 * rate // 4 : 3 * rate // 2], rate) == pytest.approx(1200, abs=10)


def dominant(samples: np.ndarray, rate: int) -> float:
    return float(np.abs(np.fft.rfft(samples)).argmax() * rate / len(samples))


def test_a_crowd_is_sampled_and_the_page_is_the_same_every_time(tmp_path, monkeypatch):
    monkeypatch.setattr(listening, "RIGHT", 10)
    monkeypatch.setattr(report, "CONFUSED", 3)
    test = crowd(8, 4)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        found = written(tmp_path / name, tmp_path, test, 0.95)
    assert (tmp_path / "a/page.html").read_bytes() == (tmp_path / "b/page.html").read_bytes()
    right = [row for row in found["rows"] if row["kind"] == "trial" and row["right"]]
    assert len(right) == 10
    cells = {tuple(row["cell"]) for row in found["rows"] if row["cell"]}
    assert all(found["matrix"]["values"][i][j] for i, j in cells)
