"""`earmark study studies/siamese_blstm.yaml`: the walk's settings, its voices, and the command on tones."""

import json
import math
import shutil
from dataclasses import replace
from itertools import pairwise

import pandas as pd
import pytest
import soundfile as sf
import yaml
from mlflow import MlflowClient

from builders import plain_progress
from earmark.errors import EarmarkError
from earmark.experiments.siamese_blstm import data as voices
from earmark.experiments.siamese_blstm import run as siamese_blstm
from earmark.experiments.siamese_blstm.data import VoiceSettings
from earmark.experiments.study import plan
from earmark.tasks.speaker.settings import PairSettings
from project import REPOSITORY
from siamese_walk import FILE, SMALL, read, settings

STEPS = ["asked", "answered", "own_distance", "labels", "symmetric", "softplus", "over_mean", "by_direction"]
STEPS += ["soft_hinge", "margin", "batch_norm", "softmax", "dense", "all_pairs", "aam"]


def test_the_committed_walk_changes_one_thing_after_another():
    walk = siamese_blstm.parse(plan.read(FILE), FILE, False, [])
    assert [s.name for s in walk.steps] == STEPS
    asked, last = walk.steps[0], walk.steps[-1]
    assert asked.pair == PairSettings("kl", "clip", "distance", False, 1.0, "sum", 1.0, 1.0, True, "batch")
    assert (asked.model.head, asked.model.read, asked.model.embedding, asked.train.frames) == (
        "prelu",
        "blstm",
        128,
        40,
    )
    assert walk.base.features.n_mels == 128
    for before, after in pairwise(walk.steps):
        assert after != replace(before, name=after.name)
    by_name = {s.name: s for s in walk.steps}
    softplus = by_name["softplus"]
    assert by_name["over_mean"] == replace(softplus, name="over_mean", pair=replace(softplus.pair, over="mean"))
    hinge = replace(softplus.pair, hinge="direction")
    assert by_name["by_direction"] == replace(softplus, name="by_direction", pair=hinge)
    assert by_name["soft_hinge"] == replace(softplus, name="soft_hinge", pair=replace(softplus.pair, soft=True))
    answered = replace(by_name["soft_hinge"].pair, broadcast=True, hinge_over="batch")
    assert by_name["answered"] == replace(by_name["soft_hinge"], name="answered", pair=answered)
    assert by_name["own_distance"].pair == replace(asked.pair, broadcast=False)
    assert by_name["labels"].pair == replace(asked.pair, broadcast=False, hinge_over="pair")
    assert (last.train.loss, last.model.batch_norm, last.pair.broadcast) == ("aam", True, False)
    assert [siamese_blstm.parse(plan.read(FILE), FILE, True, []).seeds, walk.seeds] == [[1], list(range(1, 23))]


@pytest.mark.parametrize(
    ("changes", "overrides", "sentence"),
    [
        ({"epochs": 3}, [], ": it has the key 'epochs', which does not exist"),
        ({"seeds": [1, 1]}, [], "seeds must list different whole numbers, none below 0, as in [1, 2]."),
        ({"steps": []}, [], "steps must list at least one step"),
        ({"steps": [{"name": "a"}, {"name": "a"}]}, [], "each step needs a name of its own, not 'a'"),
        (
            {"steps": [{"name": "a", "set": {"features.n_mels": 3}}]},
            [],
            "step a sets 'features.n_mels', which holds for all steps; set it outside of steps.",
        ),
        ({"steps": [{"name": "a", "set": {"model.name": "tdnn"}}]}, [], "step a: model.name must be blstm"),
        ({"steps": [{"name": "a", "set": {"pair.margin": -1}}]}, [], "step a: in pair, margin must be above 0"),
        (
            {"steps": [{"name": "a"}, {"name": "b", "from": "c"}]},
            [],
            "step b goes on from the step 'c', which does not exist; known: a.",
        ),
        (
            {"steps": [{"name": "a", "set": {"pair.positive": "add"}}]},
            [],
            "step a: pair.positive add needs model.head softplus or softmax, not prelu",
        ),
        ({}, ["features.normalize=both"], "features.normalize must be level or bands"),
        ({}, ["train.batches=9"], "in train, batches must be at least 10"),
        ({}, ["train.batch=3"], "There is no key 'train.batch' to override"),
        ({}, ["train.loss=am"], "train.loss: input should be 'pairs' or 'aam' (it is 'am')"),
    ],
)
def test_a_wrong_file_is_one_sentence(changes, overrides, sentence):
    with pytest.raises(EarmarkError) as error:
        siamese_blstm.parse(plan.read(FILE) | changes, FILE, False, overrides)
    assert sentence in str(error.value)


def copied(root, to, change=lambda table: table):
    """The same recordings in another folder, its manifest changed."""
    shutil.copytree(root, to)
    change(pd.read_csv(to / "manifest.csv")).to_csv(to / "manifest.csv", index=False)
    return to


def test_voices_of_a_folder_and_of_more(root, tmp_path):
    more = copied(root, tmp_path / "more", lambda t: t.replace({"split": {"val": "open"}}))
    data = VoiceSettings("folder", str(root), (str(more),), "open")
    table = read(data).table
    assert table["split"].value_counts().to_dict() == {"train": 24 + 8, "val": 8, "test": 12}
    assert table.label[-8:].tolist() == ["more/val0"] * 4 + ["more/val1"] * 4
    assert table.path.iloc[-1] == str(more / "val1/11.wav")
    with pytest.raises(
        EarmarkError, match=r"no recording has the split 'mine'; set more_split to one of open, test, train\.$"
    ):
        read(replace(data, more_split="mine"))


def test_other_sounds_or_trials_have_another_hash(root, tmp_path):
    data = VoiceSettings("folder", str(root))
    before = read(data).sha256
    same = copied(root, tmp_path / "same")
    assert read(replace(data, root=str(same))).sha256 == before
    (same / "trials.csv").write_text("split,a,b,same\nval,val0/00.wav,val0/01.wav,1\nval,val0/00.wav,val1/01.wav,0\n")
    judged = read(replace(data, root=str(same))).sha256
    audio, rate = sf.read(same / "train0/00.wav")
    sf.write(same / "train0/00.wav", audio * 0.9, rate)
    assert len({before, judged, read(replace(data, root=str(same))).sha256}) == 3


def test_given_utterances_and_trials_are_used(root, tmp_path):
    folder = copied(root, tmp_path / "given")
    a, b = "val0/00.wav;val0/01.wav", "val1/00.wav;val1/01.wav"
    (folder / "utterances.csv").write_text(f"utterance,label,paths\nu,val0,{a}\nw,val1,{b}\n")
    (folder / "trials.csv").write_text("split,a,b,same\nval,u,val0/10.wav,1\nval,val0/10.wav,w,0\nval,u,w,0\n")
    base = settings(folder).base
    found = voices.sounds(read(base.data), base.features, plain_progress)
    plain = voices.sounds(read(replace(base.data, root=str(root))), base.features, plain_progress)
    assert found.val.same.tolist() == [True, False, False]
    n = plain.val.voices.lengths  # by recording: val0/00, 01, 10, 11, val1/00, ...
    u, w = n[0] + n[1], n[4] + n[5]
    assert found.val.voices.lengths[found.val.a].tolist() == [u, n[2], u]
    assert found.val.voices.lengths[found.val.b].tolist() == [n[2], w, w]
    assert len(found.test.a) > 0  # drawn, as the list has none


def test_the_command_writes_its_outputs_and_resumes(root, workplace, earmark, monkeypatch):
    (workplace / "params.yaml").write_text((REPOSITORY / "params.yaml").read_text())
    small = plan.read(FILE) | {"seeds": [1, 2]}
    asked, labels = (next(s for s in small["steps"] if s["name"] == name) for name in ("asked", "labels"))
    small["steps"] = [asked, labels | {"set": {"pair.broadcast": False, "pair.hinge_over": "pair"}}]
    (workplace / "mine.yaml").write_text(yaml.safe_dump(small))
    command = ["study", "mine.yaml", *(w for o in (f"data.root={root}", *SMALL) for w in ("-S", o))]
    status, out, _ = earmark(*command)
    assert status == 0
    assert "labels, seed 2: loss" in out
    table = pd.read_csv(workplace / "study/mine/table.csv")
    assert table.step.tolist() == ["asked", "labels"]
    assert table.seeds.tolist() == [2, 2]
    claimed = pd.read_csv(workplace / "study/mine/claims.csv")
    assert set(claimed.verdict) <= {"holds", "does not", "cannot tell"}
    assert len(claimed) == 8  # three of asked, two of labels, three of networks that learn
    assert "clustering error" in out
    figures = json.loads((workplace / "study/mine/metrics.json").read_text())
    assert figures["labels_eer_native"] == pytest.approx(table.eer_native[1])
    assert figures["labels_mr"] == pytest.approx(table.mr[1])
    assert not any(math.isnan(v) for v in figures.values())
    assert {p.name for p in (workplace / "study/mine").glob("*.png")} == {
        "walk.png",
        "curves.png",
        "distances.png",
        "kl.png",
    }
    curves = pd.read_csv(workplace / "study/mine/curves.csv")
    assert curves.groupby(["step", "seed"]).batch.apply(list).to_dict() == {
        (step, seed): [10] for step in ("asked", "labels") for seed in (1, 2)
    }
    assert {"loss", "asker_accuracy", "custom_metric", "negative_share", "threshold"} <= set(curves)

    client = MlflowClient(f"sqlite:///{workplace / 'mlflow.db'}")
    (run,) = client.search_runs([client.get_experiment_by_name("speaker").experiment_id])
    assert (run.data.tags["earmark.kind"], run.info.status) == ("study", "FINISHED")
    assert run.data.metrics["labels_eer_native"] == pytest.approx(figures["labels_eer_native"])

    monkeypatch.setattr(siamese_blstm, "fit", lambda *_: pytest.fail("trained again"))
    monkeypatch.setattr(voices, "sounds", lambda *_: pytest.fail("read again"))
    assert earmark(*command)[0] == 0
    assert pd.read_csv(workplace / "study/mine/table.csv").equals(table)
