"""`earmark study studies/seed001.yaml`: one seed learns, its outputs tell what they should, and it resumes."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from mlflow import MlflowClient

from earmark.errors import EarmarkError
from earmark.experiments.seed001 import run as seed001
from earmark.experiments.seed001.dyad_net import DyadNet
from earmark.experiments.seed001.dyads import PITCHES_HZ, Dyads
from earmark.experiments.seed001.fit import FitSettings, alive_kernels, fit, train, without_each_kernel
from earmark.experiments.study import plan
from project import REPOSITORY

FILE = REPOSITORY / "studies/seed001.yaml"


@pytest.fixture(scope="module")
def fitted() -> dict:
    """A seed that learns from the first epoch on."""
    return fit("dyad", 6, FitSettings(epochs=6))


def test_one_seed_reaches_accuracy_one_after_the_first_epoch(fitted):
    history = pd.DataFrame(fitted["history"])
    assert history.epoch.tolist() == [1, 2, 3, 4, 5, 6]
    assert (history.val_accuracy == 1).all()
    assert history.val_loss.iloc[-1] < 0.01
    assert fitted["parameters"] == 68
    assert fitted["unseen_accuracy"] == 1
    assert fitted["unseen_loss"] < 0.05


def test_the_accuracy_without_a_kernel_falls_to_chance_where_it_matters(fitted):
    left = fitted["accuracy_without"]
    assert len(left) == 4
    assert min(left) == 0.5
    assert max(left) == 1.0  # of four kernels it needs two


def test_a_seed_repeats(fitted):
    again = fit("dyad", 6, FitSettings(epochs=1))
    assert again["history"][0] == fitted["history"][0]
    assert fit("dyad", 7, FitSettings(epochs=1))["history"][0] != fitted["history"][0]


@pytest.mark.parametrize(("momentum", "decay"), [(0.9, 0.0), (0.0, 0.5)])
def test_steps_are_those_of_keras(momentum, decay):
    """By hand: v = m v - lr g; w += m v - lr g, with lr = .01 / (1 + decay t).

    With both at once torch's steps, whose momentum holds gradients, part from Keras's by a millionth, his decay.
    """
    settings = FitSettings(epochs=1, steps=3, batch_size=8, momentum=momentum, decay=decay)
    torch.manual_seed(0)
    model = DyadNet()
    weights = [p.detach().clone().requires_grad_() for p in model.parameters()]
    speeds = [torch.zeros_like(w) for w in weights]
    data, twin, validation = (Dyads(PITCHES_HZ, np.random.default_rng(seed)) for seed in (5, 5, 1))
    for t in range(3):
        x, y = map(torch.from_numpy, data.batch(8))
        named = dict(zip(dict(model.named_parameters()), weights, strict=True))
        loss = torch.nn.functional.cross_entropy(torch.func.functional_call(model, named, x), y)
        lr = 0.01 / (1 + decay * t)
        for w, v, g in zip(weights, speeds, torch.autograd.grad(loss, weights), strict=True):
            with torch.no_grad():
                v.mul_(momentum).sub_(lr * g)
                w.add_(momentum * v - lr * g)
    train(model, twin, validation, settings)
    for mine, w in zip(model.parameters(), weights, strict=True):
        torch.testing.assert_close(mine, w, rtol=0, atol=1e-6)


def test_kernels_below_zero_everywhere_are_dead():
    model, templates = DyadNet(), Dyads(PITCHES_HZ, np.random.default_rng(0)).templates
    with torch.no_grad():
        model.conv.weight[:] = torch.tensor([1.0, -1.0, -1.0, 1.0])[:, None, None, None]
    assert alive_kernels(model, templates) == 2
    before = model.conv.weight.clone()
    without_each_kernel(model, Dyads(PITCHES_HZ, np.random.default_rng(0)), 8)
    torch.testing.assert_close(model.conv.weight, before)


def test_a_row_of_the_table():
    history = [
        {"epoch": 1, "val_loss": 0.5, "val_accuracy": 0.9},
        {"epoch": 2, "val_loss": 0.002, "val_accuracy": 1.0},
        {"epoch": 3, "val_loss": 0.003, "val_accuracy": 1.0},
    ]
    result = {"net": "dyad", "seed": 1, "parameters": 68, "alive_at_start": 3, "history": history}
    result |= {"unseen_loss": 0.1, "quarter_tones_loss": 0.2, "accuracy_without": [1.0, 0.5]}
    line = seed001.row(result)
    assert (line["epoch_of_accuracy_1"], line["val_loss"], line["best_val_loss"]) == (2, 0.003, 0.002)
    assert (line["accuracy_without_1"], line["accuracy_without_2"]) == (1.0, 0.5)
    never = result | {"history": history[:1]}
    found = seed001.figures_of(pd.DataFrame([line, seed001.row(never), seed001.row(never)]))
    assert found["dyad_share_accuracy_1_after_epoch_1"] == 0
    assert found["dyad_share_accuracy_1"] == pytest.approx(1 / 3)
    assert found["dyad_share_loss_as_low_as_his"] == pytest.approx(1 / 3)
    assert found["dyad_median_val_loss"] == 0.5


def test_the_committed_study_is_the_sources():
    settings = seed001.parse(plan.read(FILE), FILE, quick=False, overrides=[])
    assert settings.train == FitSettings(15, 200, 128, 0.01, 0.9, 1e-6, "earmark")
    assert len(settings.seeds["dyad"]) == 10
    assert seed001.parse(plan.read(FILE), FILE, True, ["train.steps=7"]).train == FitSettings(epochs=5, steps=7)


@pytest.mark.parametrize(
    ("changes", "overrides", "sentence"),
    [
        ({"epochs": 3}, [], "the key 'epochs', which does not exist"),
        ({"seeds": {"dyads": [1]}}, [], "seeds names the network 'dyads', which does not exist; did you mean 'dyad'"),
        ({"seeds": {"dyad": [1, 1]}}, [], "seeds.dyad must list different whole numbers from 0"),
        ({"train": {"steps": 0}}, [], "train.steps must be a whole number above 0, not 0"),
        ({"train": {"lr": float("nan")}}, [], "train.lr must be a number from 0, not nan"),
        ({"train": 5}, [], "train must hold keys and values, not 5"),
        ({"train": {"rate": 1}}, [], "train has the key 'rate', which does not exist"),
        ({}, ["train.batch_size=3"], "train.batch_size must be even"),
        ({}, ["train.cqt=libros"], "cqt is 'libros'; did you mean 'librosa'?"),
        ({}, ["model.width=2"], "-S sets 'model.width'; this study's keys begin with train"),
    ],
)
def test_a_wrong_file_is_one_sentence(changes, overrides, sentence):
    with pytest.raises(EarmarkError, match=r"seed001\.yaml: ") as error:
        seed001.parse(plan.read(FILE) | changes, FILE, False, overrides)
    assert sentence in str(error.value)


def test_an_unknown_kind_of_study_is_named(tmp_path):
    (tmp_path / "x.yaml").write_text("kind: seed01\n")
    with pytest.raises(EarmarkError, match=r"x.yaml: kind is 'seed01'; did you mean 'seed001'\?"):
        plan.read(tmp_path / "x.yaml")


@pytest.fixture
def project(workplace, monkeypatch):
    """A project with a study of a few steps."""
    shutil.copy(REPOSITORY / "params.yaml", workplace)
    small = {"kind": "seed001", "seeds": {"dyad": [6, 7], "kernel": [1]}, "train": {"epochs": 2, "steps": 5}}
    (workplace / "mine.yaml").write_text(yaml.safe_dump(small))
    return workplace


def test_the_command_writes_its_outputs_and_resumes(project, earmark, monkeypatch):
    status, out, _ = earmark("study", "mine.yaml")
    assert status == 0
    assert "dyad, seed 6: validation loss" in out
    table = pd.read_csv(project / "study/mine/table.csv")
    assert table[["net", "seed", "parameters"]].values.tolist() == [["dyad", 6, 68], ["dyad", 7, 68], ["kernel", 1, 30]]
    figures = json.loads((project / "study/mine/metrics.json").read_text())
    assert figures["dyad_seeds"] == 2
    pictures = {p.name for p in (project / "study/mine").glob("*.png")}
    assert pictures == {"inputs.png", "curves.png", "kernels.png", "maps.png", "dense.png"}

    client = MlflowClient(f"sqlite:///{project / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("chord").experiment_id
    (run,) = client.search_runs([experiment])
    assert (run.data.tags["earmark.kind"], run.info.status) == ("study", "FINISHED")
    assert run.data.metrics["dyad_median_val_loss"] == pytest.approx(figures["dyad_median_val_loss"])
    assert [m.step for m in client.get_metric_history(run.info.run_id, "val_loss")] == [1, 2]
    assert {f.path for f in client.list_artifacts(run.info.run_id)} >= pictures | {"metrics.json", "mine.yaml"}

    monkeypatch.setattr(seed001, "fit", lambda *_: pytest.fail("trained again"))
    assert earmark("study", "mine.yaml")[0] == 0
    assert len(client.search_runs([experiment])) == 1
    assert pd.read_csv(project / "study/mine/table.csv").equals(table)
