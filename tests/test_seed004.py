"""`earmark study studies/seed004.yaml`: the walk's settings, what is asked of a network, and the command on tones."""

import json
import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
import torch
import yaml
from mlflow import MlflowClient

from conftest import plain_progress
from earmark.errors import EarmarkError
from earmark.settings.speaker import PairSettings
from earmark.study import plan, seed004, seed004_data, seed004_fit, seed004_show
from earmark.study.seed004_data import DataSettings
from project import REPOSITORY

FILE = REPOSITORY / "studies/seed004.yaml"
STEPS = ["asked", "labels", "symmetric", "softplus", "soft_hinge", "margin"]
STEPS += ["batch_norm", "softmax", "dense", "all_pairs", "aam"]
SPEAKERS = {"train": 6, "val": 2, "test": 3}
SMALL = ["train.batches=10", "train.speakers=4", "train.segments=4", "model.width=0.1", "features.n_mels=40"]


def voices(root, seconds: float = 0.9):
    """Speakers whose voice is a row of harmonics of a fundamental of their own, in two sessions of two recordings."""
    rng, rows = np.random.default_rng(0), []
    t = np.arange(round(16000 * seconds)) / 16000
    for split, n in SPEAKERS.items():
        for who in range(n):
            hz = 90 * 1.15 ** len({r["label"] for r in rows})
            for session in range(2):
                for take in range(2):
                    path = f"{split}{who}/{session}{take}.wav"
                    (root / path).parent.mkdir(parents=True, exist_ok=True)
                    tone = sum(np.sin(2 * np.pi * hz * k * t + rng.uniform(0, 6)) / k for k in range(1, 9))
                    sf.write(root / path, 0.1 * tone + 0.003 * rng.standard_normal(len(t)), 16000)
                    rows.append({"path": path, "label": f"{split}{who}", "group": str(session), "split": split})
    pd.DataFrame(rows).to_csv(root / "manifest.csv", index=False)
    return root


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return voices(tmp_path_factory.mktemp("voices"))


def settings(root, *overrides: str) -> seed004.Settings:
    return seed004.parse(plan.read(FILE), FILE, False, [f"data.root={root}", *SMALL, *overrides])


@pytest.fixture(scope="module")
def material(root) -> seed004_data.Material:
    base = settings(root).base
    return seed004_data.gathered(base.data, base.features, plain_progress)


def test_the_committed_walk_changes_one_thing_after_another():
    walk = seed004.parse(plan.read(FILE), FILE, False, [])
    assert [s.name for s in walk.steps] == STEPS
    asked, last = walk.steps[0], walk.steps[-1]
    assert asked.pair == PairSettings("kl", "clip", "distance", False, 1.0, "sum", 1.0, 1.0, True)
    assert (asked.model.head, asked.model.read, asked.model.embedding, asked.train.frames) == (
        "prelu",
        "blstm",
        128,
        40,
    )
    assert walk.base.features.n_mels == 128
    for before, after in pairwise(walk.steps):
        assert after != replace(before, name=after.name)
    assert (last.train.loss, last.model.batch_norm, last.pair.broadcast) == ("aam", True, False)
    assert [seed004.parse(plan.read(FILE), FILE, True, []).seeds, walk.seeds] == [[1], [1, 2, 3]]


@pytest.mark.parametrize(
    ("changes", "overrides", "sentence"),
    [
        ({"epochs": 3}, [], "the key 'epochs', which does not exist"),
        ({"seeds": [1, 1]}, [], "seeds must list different whole numbers from 0"),
        ({"steps": []}, [], "steps must list at least one step"),
        ({"steps": [{"name": "a"}, {"name": "a"}]}, [], "each step needs a name of its own, not 'a'"),
        (
            {"steps": [{"name": "a", "set": {"features.n_mels": 3}}]},
            [],
            "step a sets 'features.n_mels', which is for all",
        ),
        ({"steps": [{"name": "a", "set": {"model.name": "tdnn"}}]}, [], "step a: model.name must be blstm"),
        ({"steps": [{"name": "a", "set": {"pair.margin": -1}}]}, [], "step a: in pair, margin must be above 0"),
        ({}, ["train.batch=3"], "There is no key 'train.batch' to override"),
        ({}, ["train.loss=am"], "train.loss: input should be 'pairs' or 'aam' (it is 'am')"),
    ],
)
def test_a_wrong_file_is_one_sentence(changes, overrides, sentence):
    with pytest.raises(EarmarkError) as error:
        seed004.parse(plan.read(FILE) | changes, FILE, False, overrides)
    assert sentence in str(error.value)


def test_voices_of_a_folder_and_of_more(root, tmp_path):
    (tmp_path / "more").mkdir()
    table = pd.read_csv(root / "manifest.csv")
    more = table[table["split"] == "val"].assign(path=lambda t: [str(root / p) for p in t.path], split="open")
    more.to_csv(tmp_path / "more/manifest.csv", index=False)
    data = DataSettings(str(root), (str(tmp_path / "more"),), "open")
    found = seed004_data.recordings(data)
    assert found["split"].value_counts().to_dict() == {"train": 24 + 8, "val": 8, "test": 12}
    assert set(found.label[-8:]) == {"more/val0", "more/val1"}
    with pytest.raises(EarmarkError, match="no recording has the split 'train'"):
        seed004_data.recordings(replace(data, more_split="train"))
    with pytest.raises(EarmarkError, match=r"manifest\.csv is missing; set data\.root"):
        seed004_data.recordings(DataSettings(str(tmp_path)))


def test_a_speaker_in_two_splits_is_refused(root, tmp_path):
    table = pd.read_csv(root / "manifest.csv")
    table.loc[table.label == "test0", "label"] = "train0"
    table.to_csv(tmp_path / "manifest.csv", index=False)
    with pytest.raises(EarmarkError, match="speaker 'train0' is in several splits; give each one split"):
        seed004_data.recordings(DataSettings(str(tmp_path)))


def test_given_utterances_and_trials_are_used(root, tmp_path):
    table = pd.read_csv(root / "manifest.csv")
    table.assign(path=[str(root / p) for p in table.path]).to_csv(tmp_path / "manifest.csv", index=False)
    val = [str(root / p) for p in table.path[table.label.isin(["val0", "val1"])]]
    joined = pd.DataFrame({"utterance": ["u", "v", "w"], "paths": [";".join(val[:2]), val[2], ";".join(val[4:])]})
    joined.to_csv(tmp_path / "utterances.csv", index=False)
    trials = pd.DataFrame({"split": "val", "a": ["u", "v", "v"], "b": ["v", "w", val[3]], "same": [1, 0, 1]})
    trials.to_csv(tmp_path / "trials.csv", index=False)
    base = settings(tmp_path).base
    found = seed004_data.gathered(base.data, base.features, plain_progress)
    assert found.val.same.tolist() == [True, False, True]
    alone = seed004_data.gathered(DataSettings(str(root)), base.features, plain_progress)
    lengths = alone.val.voices.lengths  # by recording
    at = {"u": lengths[:2].sum(), "v": lengths[2], "w": lengths[4:].sum(), "last": lengths[3]}
    assert found.val.voices.lengths[found.val.a].tolist() == [at["u"], at["v"], at["v"]]
    assert found.val.voices.lengths[found.val.b].tolist() == [at["v"], at["w"], at["last"]]
    assert len(found.test.a) > 0  # drawn, as the list has none


def test_a_step_repeats_and_says_what_it_is(root, material):
    step = settings(root).steps[1]
    found, again, other = (seed004_fit.fit(step, material, seed) for seed in (1, 1, 2))
    assert len(found["curve"]) == 1
    assert found["curve"] == again["curve"]
    assert found["curve"] != other["curve"]
    assert {k: found[k] for k in ("step", "seed")} == {"step": "labels", "seed": 1}
    assert 0 <= found["eer_native"] <= 1
    assert found["dead_share"] > 0
    assert len(found["distances_same"]) == 21


def test_every_step_runs(root, material):
    walk = settings(root)
    found = {s.name: seed004_fit.fit(s, material, 1) for s in walk.steps}
    assert found["asked"]["dead_share"] > 0.3
    assert found["softplus"]["dead_share"] is None
    assert found["symmetric"]["negative_share"] == 0
    assert "asker_accuracy" not in found["aam"]
    # only what is read changes: the same network, the same word, another embedding
    assert found["dense"]["curve"] == found["softmax"]["curve"]
    assert found["dense"]["eer_native"] == found["softmax"]["eer_native"]
    table = seed004_show.medians(pd.DataFrame([seed004_show.row(r) for r in found.values()]), walk.why)
    assert table.step.tolist() == STEPS
    assert len(seed004_show.claims(table)) == len(seed004_show.CLAIMS)


def test_utterances_are_means_of_their_segments(root, material):
    step = settings(root).steps[8]  # dense
    torch.manual_seed(0)
    tower = seed004_fit.towers.build(step.model, 40).eval()
    with torch.no_grad():
        found = seed004_fit.Utterances(tower, material.test, step.train)
        v = material.test.voices
        first = torch.from_numpy(v.values[: v.lengths[0]].astype(np.float32))
        parts = torch.stack([first[i : i + 40] for i in range(0, len(first) - 39, 40)])
        words = tower((parts + 40) / 15)
    torch.testing.assert_close(found.words[0], words.mean(0))
    torch.testing.assert_close(found.first_words[0], words[0])
    assert torch.equal(found.embeddings, found.words)


def test_the_askers_accuracy_is_inverted():
    same = torch.tensor([True, True, False, False])
    perfect, stuck = torch.tensor([0.0, 0.1, 0.9, 1.2]), torch.zeros(4)
    assert seed004_fit.asker_accuracy(perfect, same) == 0
    assert seed004_fit.asker_accuracy(1 - perfect, same) == 1
    assert seed004_fit.asker_accuracy(stuck, same) == 0.5
    labels = same.float().numpy()[:, None]
    for d in (perfect, stuck, torch.tensor([0.0, 0.7, 5.0, 0.2])):
        square = (np.round(d.numpy()) == labels).mean()
        assert seed004_fit.blind_accuracy(d, same) == pytest.approx(square)


def test_the_threshold_weighs_both_kinds_alike():
    score, same = np.array([3.0, 2.0, 1.0, 0.5, 0.4]), np.array([True, False, True, False, False])
    threshold = seed004_fit.best_threshold(score, same)
    assert threshold == 1.0
    assert seed004_fit.balanced_accuracy(score, same, threshold) == pytest.approx((1 + 2 / 3) / 2)
    assert seed004_fit.balanced(torch.from_numpy(same)).tolist() == [0, 2, 1, 3]


def test_medians_and_claims():
    rows = [
        {
            "step": "asked",
            "seed": s,
            "alarm": a,
            "said": None,
            "eer_native": e,
            "auc_native": 0.5,
            "blind_accuracy": 0.5,
        }
        for s, a, e in ((1, 1, 0.5), (2, 0, 0.44), (3, 0, 0.47))
    ]
    rows[0]["blind_accuracy"] = 0.5
    rows += [{"step": "labels", "seed": 1, "alarm": 0, "said": None, "eer_native": 0.3, "dead_share": 0.9}]
    rows[-1] |= {"negative_share": 0.2, "lowest": -1.0}
    table = seed004_show.medians(pd.DataFrame(rows), {"asked": "as asked", "labels": "cured"})
    assert table.eer_native.tolist() == [0.47, 0.3]
    assert table.seeds.tolist() == [3, 1]
    assert table.alarm.tolist() == [pytest.approx(1 / 3), 0]
    claims = seed004_show.claims(table).set_index("claim")
    assert len(claims) == 4  # those about these two steps
    assert claims.holds["KL of one direction falls below zero"]
    assert not claims.holds["Clipping freezes the model"]
    assert claims.figures.iloc[1] == "EER 0.470 -> 0.300"


def test_the_command_writes_its_outputs_and_resumes(root, workplace, earmark, monkeypatch):
    (workplace / "params.yaml").write_text((REPOSITORY / "params.yaml").read_text())
    small = plan.read(FILE) | {"seeds": [1, 2]}
    small["steps"] = [s for s in small["steps"] if s["name"] in ("asked", "labels")]
    (workplace / "mine.yaml").write_text(yaml.safe_dump(small))
    command = ["study", "mine.yaml", *(w for o in (f"data.root={root}", *SMALL) for w in ("-S", o))]
    status, out, _ = earmark(*command)
    assert status == 0
    assert "labels, seed 2: loss" in out
    table = pd.read_csv(workplace / "study/mine/table.csv")
    assert table.step.tolist() == ["asked", "labels"]
    assert table.seeds.tolist() == [2, 2]
    figures = json.loads((workplace / "study/mine/metrics.json").read_text())
    assert figures["labels_eer_native"] == pytest.approx(table.eer_native[1])
    assert not any(math.isnan(v) for v in figures.values())
    assert {p.name for p in (workplace / "study/mine").glob("*.png")} == {"walk.png", "curves.png", "distances.png"}

    client = MlflowClient(f"sqlite:///{workplace / 'mlflow.db'}")
    (run,) = client.search_runs([client.get_experiment_by_name("speaker").experiment_id])
    assert (run.data.tags["earmark.kind"], run.info.status) == ("study", "FINISHED")
    assert run.data.metrics["labels_eer_native"] == pytest.approx(figures["labels_eer_native"])

    monkeypatch.setattr(seed004, "fit", lambda *_: pytest.fail("trained again"))
    monkeypatch.setattr(seed004_data, "gathered", lambda *_: pytest.fail("read again"))
    assert earmark(*command)[0] == 0
    assert pd.read_csv(workplace / "study/mine/table.csv").equals(table)
