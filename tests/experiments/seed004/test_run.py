"""`earmark study studies/seed004.yaml`: the walk's settings, what is asked of a network, and the command on tones."""

import json
import math
import shutil
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
import torch
import yaml
from mlflow import MlflowClient

from builders import plain_progress
from earmark.errors import EarmarkError
from earmark.experiments.seed004 import data as seed004_data
from earmark.experiments.seed004 import fit, show
from earmark.experiments.seed004 import run as seed004
from earmark.experiments.seed004.data import VoiceSettings
from earmark.experiments.study import plan
from earmark.tasks.speaker.settings import PairSettings
from project import REPOSITORY

FILE = REPOSITORY / "studies/seed004.yaml"
STEPS = ["asked", "labels", "symmetric", "softplus", "soft_hinge", "margin"]
STEPS += ["batch_norm", "softmax", "dense", "all_pairs", "aam"]
SPEAKERS = {"train": 6, "val": 2, "test": 3}
SMALL = [
    "data.source=folder",
    "train.batches=10",
    "train.speakers=4",
    "train.segments=4",
    "model.width=0.1",
    "features.n_mels=40",
]


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


def read(data: VoiceSettings) -> seed004_data.Recordings:
    return seed004_data.recordings(data, pytest.fail, plain_progress)


@pytest.fixture(scope="module")
def sounds(root) -> seed004_data.Sounds:
    base = settings(root).base
    return seed004_data.sounds(read(base.data), base.features, plain_progress)


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
    with pytest.raises(EarmarkError, match="no recording has the split 'mine'; set more_split"):
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
    found = seed004_data.sounds(read(base.data), base.features, plain_progress)
    plain = seed004_data.sounds(read(replace(base.data, root=str(root))), base.features, plain_progress)
    assert found.val.same.tolist() == [True, False, False]
    n = plain.val.voices.lengths  # by recording: val0/00, 01, 10, 11, val1/00, ...
    u, w = n[0] + n[1], n[4] + n[5]
    assert found.val.voices.lengths[found.val.a].tolist() == [u, n[2], u]
    assert found.val.voices.lengths[found.val.b].tolist() == [n[2], w, w]
    assert len(found.test.a) > 0  # drawn, as the list has none


def test_a_step_repeats_and_says_what_it_is(root, sounds):
    step = settings(root).steps[1]
    found, again, other = (fit.fit(step, sounds, seed) for seed in (1, 1, 2))
    assert len(found["curve"]) == 1
    assert found["curve"] == again["curve"]
    assert found["curve"] != other["curve"]
    assert {k: found[k] for k in ("step", "seed")} == {"step": "labels", "seed": 1}
    assert 0 <= found["eer_native"] <= 1
    assert found["dead_share"] > 0
    assert len(found["distances_same"]) == 21


def test_every_step_runs(root, sounds):
    walk = settings(root)
    found = {s.name: fit.fit(s, sounds, 1) for s in walk.steps}
    assert found["asked"]["dead_share"] > 0.3
    assert found["softplus"]["dead_share"] is None
    assert found["symmetric"]["negative_share"] == 0
    assert "asker_accuracy" not in found["aam"]
    # only what is read changes: the same network, the same word, another embedding
    assert found["dense"]["curve"] == found["softmax"]["curve"]
    assert found["dense"]["eer_native"] == found["softmax"]["eer_native"]
    table = show.medians(pd.DataFrame([show.row(r) for r in found.values()]), walk.why)
    assert table.step.tolist() == STEPS
    assert len(show.claims(table)) == len(show.CLAIMS)


def test_utterances_are_means_of_their_segments(root, sounds):
    step = settings(root).steps[8]  # dense
    torch.manual_seed(0)
    tower = fit.build.build(step.model, 40).eval()
    with torch.no_grad():
        found = fit.Utterances(tower, sounds.test, step)
        v = sounds.test.voices
        first = torch.from_numpy(v.values[: v.lengths[0]].astype(np.float32))
        parts = torch.stack([first[i : i + 40] for i in range(0, len(first) - 39, 40)])
        words = tower((parts - parts.mean((1, 2), keepdim=True)) / 15)
    torch.testing.assert_close(found.words[0], words.mean(0))
    torch.testing.assert_close(found.first_words[0], words[0])
    assert torch.equal(found.embeddings, found.words)


def test_the_askers_accuracy_is_inverted():
    same = torch.tensor([True, True, False, False])
    perfect, stuck = torch.tensor([0.0, 0.1, 0.9, 1.2]), torch.zeros(4)
    assert fit.asker_accuracy(perfect, same) == 0
    assert fit.asker_accuracy(1 - perfect, same) == 1
    assert fit.asker_accuracy(stuck, same) == 0.5
    one_of_four = torch.tensor([False, True, False, False])
    for d in (perfect, stuck, torch.tensor([0.0, 0.7, 5.0, 0.2])):
        square = (np.round(d.numpy()) == one_of_four.float().numpy()[:, None]).mean()
        assert fit.blind_accuracy(d, one_of_four) == pytest.approx(square)


def test_the_threshold_weighs_both_kinds_alike():
    score, same = np.array([3.0, 2.0, 1.0, 0.5, 0.4]), np.array([True, False, False, False, True])
    threshold = fit.best_threshold(score, same)
    assert threshold == 3.0  # misses one of two; 0.4 would accept all, and of all five trials be right in two
    assert fit.balanced_accuracy(score, same, threshold) == (1 / 2 + 1) / 2
    assert fit.balanced(torch.from_numpy(same)).tolist() == [0, 4, 1, 2]


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
    table = show.medians(pd.DataFrame(rows), {"asked": "as asked", "labels": "cured"})
    assert table.eer_native.tolist() == [0.47, 0.3]
    assert table.seeds.tolist() == [3, 1]
    assert table.alarm.tolist() == [pytest.approx(1 / 3), 0]
    claims = show.claims(table).set_index("claim")
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
    monkeypatch.setattr(seed004_data, "sounds", lambda *_: pytest.fail("read again"))
    assert earmark(*command)[0] == 0
    assert pd.read_csv(workplace / "study/mine/table.csv").equals(table)
