"""The speaker task's train stage: what a training depends on, and what it does not."""

import pandas as pd
import pytest

from earmark import config
from earmark.tasks.speaker import dataset, train
from earmark.tasks.speaker.trials import lists
from project import write_params
from voice_audio import voices


@pytest.fixture
def place(workplace, earmark):
    """A project on nine voices, prepared and with their features."""
    voices(workplace / "audio", 9)
    write_params(workplace, "speaker", **{"data.root": "audio", "data.val_share": 0.34})
    for stage in ("prepare", "features"):
        code, _, err = earmark(stage, "speaker")
        assert code == 0, err
    return workplace


def hashes(*overrides: str) -> dict[str, str]:
    settings = config.load_task("params.yaml", "speaker", [f"tasks.speaker.{o}" for o in overrides])
    return train.hashes(dataset.load(settings), settings.model, settings.train)


def test_settings_of_the_evaluation_leave_the_train_key_alone(place):
    assert hashes() == hashes("evaluate.seed=7", "evaluate.bootstrap=500")
    assert hashes()["params_sha256"] != hashes("train.seed=7")["params_sha256"]


def test_the_train_key_follows_the_validation_trials_alone(place, earmark):
    path, before = place / "data/speaker/trials.csv", hashes()
    trials = lists.load(path)
    assert set(trials["split"]) == {"val", "test"}
    for split, decides in (("test", False), ("val", True)):
        gone = trials.index[trials["split"] == split][0]
        trials.drop(index=gone).to_csv(path, index=False)
        after = hashes()
        assert (after["train_key"] != before["train_key"]) == decides
        assert (after["data_sha256"] != before["data_sha256"]) == decides


def test_the_prepared_trials_are_what_is_validated_and_tested_on(place):
    found = dataset.load(None)
    listed = pd.read_csv(place / "data/speaker/trials.csv")
    for split in ("val", "test"):
        own, judged = listed[listed["split"] == split], found.trial_set(split)
        assert judged.pairs[["a", "b"]].to_numpy().tolist() == own[["a", "b"]].to_numpy().tolist()
        assert judged.same.tolist() == (own.same == 1).tolist()
        assert judged.utterances.id.to_numpy()[judged.at].tolist() == own[["a", "b"]].to_numpy().tolist()
    assert found.trial_set("train").pairs.empty


def test_without_the_prepared_trials_nothing_is_trained(place, earmark):
    (place / "data/speaker/trials.csv").unlink()
    code, _, err = earmark("train", "speaker")
    assert (code, err) == (1, ["earmark: data/speaker/trials.csv is missing; run `dvc repro` first."])
