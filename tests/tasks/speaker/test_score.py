"""A folder of voices judged: figures against scikit-learn and by hand, lists honoured, what is left out, the run."""

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
from mlflow import MlflowClient
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.metrics import accuracy_score, adjusted_rand_score, roc_auc_score, roc_curve

from builders import plain_progress, tone
from bundles import small_speaker_bundle
from earmark.data.learnt import Learnt
from earmark.errors import EarmarkError
from earmark.evaluation import scored
from earmark.experiments import score
from earmark.tasks.speaker import score as score_speaker
from earmark.tasks.speaker.predictions import Embedder
from earmark.tasks.speaker.task import TASK
from earmark.tasks.speaker.trials.trial_set import Thresholds
from earmark.training import model_files

CARRIED = {"threshold": 0.9, "cluster_threshold": 0.05}
# Directions of the voices in degrees, by recording; the first letter is the speaker, the second the session.
ANGLES = {"ax0": 0, "ay0": 12, "ay1": 33, "bx0": 60, "by0": 44, "cx0": 90, "cy0": 101, "dx0": 130}


class Told:
    """An embedder that knows the direction of every recording by its name; of several it hears the first alone."""

    config = SimpleNamespace(release=dict(CARRIED), labels=[])

    def __init__(self, folder: Path):
        self.asked = []

    def of_files(self, files) -> np.ndarray:
        files = list(files)
        self.asked.append([file.stem for file in files])
        angle = np.radians(ANGLES[files[0].stem])
        return np.array([np.cos(angle), np.sin(angle)], np.float32)


@pytest.fixture
def voices(tmp_path, monkeypatch) -> Path:
    """Eight recordings of four speakers, who are told apart by `Told`."""
    monkeypatch.setattr(score_speaker, "Embedder", Told)
    rows = ["path,label,group,split"]
    for i, name in enumerate(ANGLES):
        tone(tmp_path / f"voices/{name}.wav", 200 + 10 * i, 0.2, 16000)
        rows.append(f"{name}.wav,{name[0]},{name[:2]},{'test' if name[0] < 'c' else 'train'}")
    (tmp_path / "voices/manifest.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "voices"


def judged(root: Path, warn=pytest.fail) -> scored.ScoredFolder:
    return score_speaker.judge_folder(Path("model"), root, warn, plain_progress)


def cosine(a: str, b: str) -> float:
    return float(np.cos(np.radians(ANGLES[a[:3]] - ANGLES[b[:3]])))


def test_figures_are_scikit_learns_on_the_same_trials(voices):
    found = judged(voices)
    table, figures = found.predictions, found.figures
    # Across sessions a has two same-speaker pairs, b and c one each: so many of different speakers are drawn.
    assert (figures["n_same_trials"], figures["n_different_trials"]) == (4, 4)
    assert (figures["n_speakers"], figures["n_utterances"], figures["n_recordings"]) == (4, 8, 8)
    np.testing.assert_allclose(table.score, [cosine(a, b) for a, b in zip(table.a, table.b, strict=True)], atol=1e-6)
    false_alarm, hit, _ = roc_curve(table.same, table.score, drop_intermediate=False)
    eer = brentq(lambda x: 1 - x - interp1d(false_alarm, hit)(x), 0, 1)
    assert figures["eer"] == pytest.approx(eer, abs=1e-9)
    assert figures["auc"] == pytest.approx(roc_auc_score(table.same, table.score))
    assert figures["threshold"] == 0.9
    assert figures["accuracy"] == accuracy_score(table.same, table.score >= 0.9)
    assert figures["accuracy_at_eer_threshold"] == accuracy_score(table.same, table.score >= figures["eer_threshold"])
    assert figures["accuracy_at_eer_threshold"] != figures["accuracy"]
    for name in TASK.compared:
        low, high = figures[f"{name}_ci95"]
        assert low <= high


def test_clusters_by_hand(voices):
    figures = judged(voices).figures
    # Up to a distance of .05, 18 degrees: {0, 12}, {33, 44}, {60}, {90, 101}, {130}; a keeps two of its three, b has
    # {60} or shares {33, 44}, c and d are whole.
    assert figures["n_clusters"] == 5
    assert figures["mr_at_threshold"] == pytest.approx(2 / 8)
    labels, clusters = list("aaabbccd"), [0, 0, 1, 2, 1, 3, 3, 4]
    assert figures["ari"] == pytest.approx(adjusted_rand_score(labels, clusters))
    # Four clusters by average linkage: {33, 44, 60} are joined next.
    assert figures["mr_at_k"] == pytest.approx(1 / 8)


def test_queries_are_asked_of_the_enrolled_by_hand(voices, tmp_path):
    """Enrolled are the first sessions: a at 0, b at 60, c at 90, d at 130. Asked are ay0, ay1, by0 and cy0."""
    found = judged(voices)
    assert found.figures["identification_accuracy"] == 3 / 4  # ay1, at 33 degrees, is nearer to b
    found.draw(tmp_path)
    table = pd.read_csv(tmp_path / "confusion.csv")
    assert list(zip(table.speaker, table.taken_for, table.n, strict=True)) == [
        ("a", "a", 1),
        ("a", "b", 1),
        ("b", "b", 1),
        ("c", "c", 1),
    ]


def test_a_list_of_trials_is_judged_as_it_stands_whatever_its_splits(voices):
    pairs = [("ax0", "ay0", 1), ("bx0", "by0", 1), ("ax0", "dx0", 0), ("bx0", "cx0", 0), ("cy0", "cx0", 1)]
    rows = [f"{a}.wav,{b}.wav,{same},{split}" for (a, b, same), split in zip(pairs, "vwxyz", strict=True)]
    (voices / "trials.csv").write_text("\n".join(["a,b,same,split", *rows]) + "\n")
    found = judged(voices)
    assert list(zip(found.predictions.a, found.predictions.b, found.predictions.same.astype(int), strict=True)) == [
        (f"{a}.wav", f"{b}.wav", same) for a, b, same in pairs
    ]
    assert found.figures["accuracy"] == 1.0  # cosines .98, .96, -.64, .87, .98 at .9
    (voices / "trials.csv").write_text("a,b,same\nax0.wav,ay0.wav,0\n")
    with pytest.raises(EarmarkError, match=r"trials\.csv, line 2: same is 0, but 'ax0.wav' is of speaker 'a'"):
        judged(voices)


def test_recordings_of_an_utterance_are_heard_together_in_their_order(voices, monkeypatch):
    (voices / "utterances.csv").write_text("utterance,label,paths\nlong,a,ay1.wav;ay0.wav\n")
    asked = []
    monkeypatch.setattr(Told, "of_files", lambda self, files: asked.append([f.stem for f in files]) or np.eye(8)[0])
    found = judged(voices, warn=print)
    assert ["ay1", "ay0"] in asked
    assert len(asked) == found.figures["n_utterances"] == 7
    assert "long" in set(found.predictions.a) | set(found.predictions.b)


def test_sub_folders_are_speakers(voices, tmp_path):
    for name in ANGLES:
        place = tmp_path / "folders" / name[0] / name[1]
        place.mkdir(parents=True, exist_ok=True)
        (voices / f"{name}.wav").rename(place / f"{name}.wav")
    said = []
    found = judged(tmp_path / "folders", said.append)
    assert "SPEAKERS ARE THE NAMES OF ITS SUB-FOLDERS" in said[0]
    assert found.figures["n_speakers"] == 4
    assert (found.predictions.group_a != found.predictions.group_b)[found.predictions.same].all()


def test_what_cannot_be_used_is_left_out_by_name(voices):
    sf.write(voices / "dx0.wav", np.zeros(3200), 16000)
    (voices / "ay1.wav").write_text("no audio")
    found = judged(voices)
    reasons = dict(zip(found.unusable.path, found.unusable.reason, strict=True))
    assert reasons["dx0.wav"] == "it is digital silence: every sample is zero"
    assert "cannot be decoded" in reasons["ay1.wav"]
    assert list(found.unusable) == ["path", "reason"]
    assert (found.figures["n_speakers"], found.figures["n_utterances"]) == (3, 6)


def test_trials_of_what_cannot_be_used_are_left_out_and_drawn_anew_where_none_is_left(voices):
    (voices / "trials.csv").write_text("a,b,same\nax0.wav,dx0.wav,0\n")
    (voices / "dx0.wav").write_text("no audio")
    said = []
    assert judged(voices, said.append).figures["n_same_trials"] == 4
    assert said == [
        "left out 1 of 1 trials, for lack of a usable recording.",
        "None of the given trials is left, so trials are drawn.",
    ]


def test_folders_in_which_nobody_can_be_told_apart(voices, tmp_path):
    with pytest.raises(EarmarkError, match=r"There is no folder .*nowhere; name one with a sub-folder per speaker"):
        judged(tmp_path / "nowhere")
    manifest = voices / "manifest.csv"
    said: list[str] = []
    manifest.write_text("path,label,group\nax0.wav,a,1\nay0.wav,a,2\n")
    with pytest.raises(EarmarkError, match=r"only one speaker \('a'\), but telling speakers apart takes two"):
        judged(voices, said.append)
    manifest.write_text("path,label,group\nax0.wav,a,1\nbx0.wav,b,2\n")
    with pytest.raises(EarmarkError) as e:
        judged(voices, said.append)
    assert str(e.value) == (
        f"No speaker in {voices} has two utterances, so no speaker can be recognised again: give some of them "
        "more recordings."
    )
    for name in ("ax0", "bx0"):
        sf.write(voices / f"{name}.wav", np.zeros(3200), 16000)
    with pytest.raises(
        EarmarkError, match=r"None of the recordings \(2\) can be used.*'ax0.wav': it is digital silence"
    ):
        judged(voices, said.append)
    unlisted = [sentence for sentence in said if sentence.startswith(f"6 recordings below {voices} are not listed in")]
    assert said == unlisted
    assert len(said) == 3


def test_speakers_that_the_model_learnt_are_named():
    table = pd.DataFrame({"label": list("abcdefgh")})
    root = Path("there/voices")
    assert score_speaker.familiar_speakers(table, root, ["x", "y", "elsewhere/a"]) is None
    assert score_speaker.familiar_speakers(table, root, ["c", "voices/a"]) == (
        "2 of 8 speakers have the names of speakers that the model was trained on (a, c): if they are the same "
        "people the figures are too good; leave them out."
    )
    assert "(a, b, c, d, e and 2 more)" in score_speaker.familiar_speakers(table, root, list("gfedcba"))


def test_a_model_without_thresholds_is_judged_by_what_needs_none(voices, tmp_path, monkeypatch):
    monkeypatch.setattr(Told, "config", SimpleNamespace(release={}, labels=[]))
    said = []
    found = judged(voices, said.append)
    assert said == [
        (
            "The model carries no thresholds, because it was trained without validation speakers; figures that need "
            "them are left out."
        )
    ]
    assert {"eer", "auc", "mr_at_k", "accuracy_at_eer_threshold"} <= set(found.figures)
    assert not {"threshold", "accuracy", "mr_at_threshold", "ari"} & set(found.figures)
    assert (found.predictions.accepted == (found.predictions.score >= found.figures["eer_threshold"])).all()
    files = ["det.png", "distances.png", "confusion.png", "confusion.csv"]
    assert [path.name for path in found.draw(tmp_path)] == files
    assert score_speaker.carried_thresholds({"threshold": 0.5, "cluster_threshold": 0.25}) == Thresholds(0.5, 0.25)


@pytest.fixture
def place(workplace) -> Path:
    """A project without any training, a bundle, and the voices of five speakers; one recording is silent."""
    (workplace / "params.yaml").write_text("")
    for speaker in range(5):
        for session in range(2):
            name = workplace / f"sounds/s{speaker}/{session}.wav"
            tone(name, 150 + 60 * speaker + 5 * session, 0.3, 16000)
    sf.write(workplace / "sounds/s4/1.wav", np.zeros(4800), 16000)
    return workplace


FIGURES = {"eer": 0.25, "eer_ci95": [0.2, 0.3], "accuracy": 0.75, "mr_at_k": 0.5, "mr_at_k_ci95": [0.25, 0.5]}


def test_score_writes_files_and_a_run_beside_the_cards_figures(place, earmark):
    cards = {"near": FIGURES, "far": FIGURES | {"eer": 0.5}}
    folder = small_speaker_bundle(place / "bundles/speaker", labels=("s1",), figures=cards, **CARRIED)
    code, out, err = earmark("score", "speaker", "sounds")
    assert code == 0, err
    assert "earmark: left out s4/1.wav: it is digital silence: every sample is zero." in err
    assert any("1 of 5 speakers have the names of speakers that the model was trained on (s1)" in line for line in err)
    found = json.loads((place / "score/speaker/score.json").read_text())
    trials = pd.read_parquet(place / "score/speaker/predictions.parquet")
    assert (found["n_recordings"], found["n_speakers"], len(trials)) == (9, 5, 8)
    assert found["model_sha256"] == model_files.weights_sha256(folder)
    embedder = Embedder(folder)
    for row in trials.itertuples():
        a, b = (embedder(place / "sounds" / name) for name in (row.a, row.b))
        assert row.score == pytest.approx(float(a @ b), abs=1e-5)
    assert found["auc"] == pytest.approx(roc_auc_score(trials.same, trials.score))
    assert found["real"] == {k: FIGURES[k] for k in ("eer", "eer_ci95", "mr_at_k", "mr_at_k_ci95")} | {
        "from": "the test speakers of near (far is in the card, too), as the bundle's card says"
    }
    assert found["difference"]["eer"] == found["eer"] - 0.25
    assert "5 speakers, 9 utterances, 4 same-speaker and 4 different-speaker trials." in out
    assert f"a cosine of {found['eer_threshold']:.3f}; the model carries the threshold 0.900." in out
    client = MlflowClient(f"sqlite:///{place / 'mlflow.db'}")
    (run,) = client.search_runs([client.get_experiment_by_name("speaker").experiment_id])
    assert (run.data.tags["earmark.kind"], run.info.status) == ("score", "FINISHED")
    assert run.data.metrics["score/eer"] == found["eer"]
    assert run.data.metrics["score-ci95/accuracy_low"] == found["accuracy_ci95"][0]
    assert run.data.metrics["score-minus-test/eer"] == found["difference"]["eer"]
    files = {"score.json", "predictions.parquet", "det.png", "distances.png", "clusters.csv"} | {
        "confusion.png",
        "confusion.csv",
    }
    assert {f.path for f in client.list_artifacts(run.info.run_id)} == files
    assert {p.name for p in (place / "score/speaker").iterdir()} == files


def test_the_reports_figures_come_before_the_cards(place):
    folder = small_speaker_bundle(place / "bundles/speaker", figures={"near": FIGURES}, **CARRIED)
    reports = place / "reports"
    reports.mkdir()
    theirs = FIGURES | {"eer": 0.125, "model_sha256": model_files.weights_sha256(folder)}
    (reports / "metrics.json").write_text(json.dumps(theirs))
    got = score.real_figures(TASK, folder, reports)
    assert (got["eer"], got["from"]) == (0.125, f"the test set of {reports / 'metrics.json'}")
    assert (
        score.real_figures(TASK, folder, place / "nowhere")["from"]
        == "the test speakers of near, as the bundle's card says"
    )


def test_speakers_of_the_training_are_left_out_with_their_trials(voices):
    (voices / "trials.csv").write_text(
        "a,b,same\nax0.wav,ay0.wav,1\nbx0.wav,by0.wav,1\nbx0.wav,cx0.wav,0\ncx0.wav,dx0.wav,0\ncx0.wav,cy0.wav,1\n"
    )
    said: list[str] = []
    learnt = Learnt({hashlib.sha256((voices / "ay1.wav").read_bytes()).hexdigest()})
    found = score_speaker.judge_folder(Path("model"), voices, said.append, plain_progress, learnt)
    assert set(found.predictions.speaker_a) | set(found.predictions.speaker_b) == {"b", "c", "d"}
    assert len(found.predictions) == 4
    assert said[0] == (
        f"1 of 8 recordings in {voices} is among those that the model "
        "was trained or validated on (ay1.wav): left out, with 2 more of the same "
        "speakers; --with-training judges them, too."
    )
    assert not any("unusable" in sentence for sentence in said)
