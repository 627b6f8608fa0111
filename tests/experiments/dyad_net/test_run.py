"""`earmark study studies/dyad_net.yaml`: what it may say, what it writes, and that it resumes."""

import json
import shutil
import sys

import pandas as pd
import pytest
import yaml
from mlflow import MlflowClient

from earmark.errors import EarmarkError
from earmark.experiments.dyad_net import run as dyad_net
from earmark.experiments.dyad_net.fit import DyadNetFitSettings
from earmark.experiments.study import plan
from project import REPOSITORY

FILE = REPOSITORY / "studies/dyad_net.yaml"


def test_the_committed_study_is_the_sources():
    settings = dyad_net.parse(plan.read(FILE), FILE, quick=False, overrides=[])
    assert settings.train == DyadNetFitSettings(15, 200, 128, 0.01, 0.9, 1e-6, "librosa") == DyadNetFitSettings()
    assert settings.seeds == {"dyad": list(range(1, 11)), "kernel": [1, 2, 3]}
    quick = dyad_net.parse(plan.read(FILE), FILE, True, ["train.steps=7"])
    assert quick.train == DyadNetFitSettings(steps=7)
    assert quick.seeds == {"dyad": list(range(1, 11))}
    assert dyad_net.parse(plan.read(FILE), FILE, True, ["seeds.dyad=[11,12]"]).seeds == {"dyad": [11, 12]}


def test_without_librosa_the_sentence_names_both_remedies(monkeypatch):
    monkeypatch.setitem(sys.modules, "librosa", None)
    with pytest.raises(EarmarkError, match=r"dyad_net\.yaml: train\.cqt is librosa.*not installed") as error:
        dyad_net.parse(plan.read(FILE), FILE, False, [])
    assert "pip install librosa" in str(error.value)
    assert "-S train.cqt=earmark" in str(error.value)
    assert dyad_net.parse(plan.read(FILE), FILE, False, ["train.cqt=earmark"]).train.cqt == "earmark"


@pytest.mark.parametrize(
    ("changes", "overrides", "sentence"),
    [
        ({"epochs": 3}, [], "the key 'epochs', which does not exist"),
        ({"seeds": {"dyads": [1]}}, [], "seeds names the network 'dyads', which does not exist; did you mean 'dyad'"),
        ({"seeds": {"dyad": [1, 1]}}, [], "seeds.dyad must list different whole numbers, none below 0"),
        ({"train": {"steps": 0}}, [], "train.steps must be a whole number above 0, not 0"),
        ({"train": {"lr": float("nan")}}, [], "train.lr must be a number of at least 0, not nan"),
        ({"train": 5}, [], "train must hold keys and values, not 5"),
        ({"train": {"rate": 1}}, [], "train has the key 'rate', which does not exist"),
        ({}, ["train.batch_size=3"], "train.batch_size must be even"),
        ({}, ["seeds.dyad=[1,1]"], "seeds.dyad must list different whole numbers, none below 0"),
        ({}, ["seeds.dyads=[1]"], "seeds names the network 'dyads'"),
        ({}, ["train=5"], "-S sets 'train'; this study's keys begin with train or seeds"),
        ({}, ["train.cqt=libros"], "cqt is 'libros'; did you mean 'librosa'?"),
        ({}, ["model.width=2"], "-S sets 'model.width'; this study's keys begin with train or seeds"),
    ],
)
def test_a_wrong_file_is_one_sentence(changes, overrides, sentence):
    with pytest.raises(EarmarkError, match=r"dyad_net\.yaml: ") as error:
        dyad_net.parse(plan.read(FILE) | changes, FILE, False, overrides)
    assert sentence in str(error.value)


def test_an_unknown_kind_of_study_is_named(tmp_path):
    (tmp_path / "x.yaml").write_text("kind: dyad_nett\n")
    with pytest.raises(EarmarkError, match=r"x.yaml: kind is 'dyad_nett'; did you mean 'dyad_net'\?"):
        plan.read(tmp_path / "x.yaml")


@pytest.fixture
def project(workplace, monkeypatch):
    """A project with a study of a few steps."""
    shutil.copy(REPOSITORY / "params.yaml", workplace)
    small = {"kind": "dyad_net", "seeds": {"dyad": [6, 7], "kernel": [1]}, "train": {"epochs": 2, "steps": 5}}
    (workplace / "mine.yaml").write_text(yaml.safe_dump(small))
    return workplace


def test_the_command_writes_its_outputs_and_resumes(project, earmark, monkeypatch):
    status, out, _ = earmark("study", "mine.yaml")
    assert status == 0
    assert "dyad, seed 6: validation loss" in out
    table = pd.read_csv(project / "study/mine/table.csv")
    assert table[["net", "seed", "parameters"]].values.tolist() == [["dyad", 6, 68], ["dyad", 7, 68], ["kernel", 1, 30]]
    assert len(pd.read_csv(project / "study/mine/history.csv")) == 3 * 2
    assert len(pd.read_csv(project / "study/mine/kernels.csv")) == 4 + 4 + 2
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

    monkeypatch.setattr(dyad_net, "fit", lambda *_: pytest.fail("trained again"))
    assert earmark("study", "mine.yaml")[0] == 0
    assert len(client.search_runs([experiment])) == 1
    assert pd.read_csv(project / "study/mine/table.csv").equals(table)

    (project / "old.yaml").symlink_to("mine.yaml")  # another name for the same study
    assert earmark("study", "old.yaml")[0] == 0
    assert len(client.search_runs([experiment])) == 1
    assert [p.name for p in (project / "study").iterdir()] == ["mine"]
    assert [p.name for p in (project / "study/mine").glob("*.yaml")] == ["mine.yaml"]
