"""A fourth task is one folder and one block of params.yaml: nothing else of the project changes."""

import json
import shutil

import mlflow
import pandas as pd
import pytest

from builders import small_folder
from project import REPOSITORY, commit, make, stages

pytestmark = pytest.mark.pipeline
FOURTH = REPOSITORY / "tests/support/fourth_task"
STAGES = ("prepare", "features", "train", "evaluate", "publish")


def test_dvc_repro_carries_a_fourth_task_to_a_registered_version(tmp_path):
    project = make(tmp_path / "project", small_folder(tmp_path / "audio"), "genre")
    project.task = "linear"
    folder = project.path / "src/earmark/tasks/linear"
    shutil.copytree(FOURTH, folder, ignore=shutil.ignore_patterns("params.yaml", "__pycache__"))
    block = (FOURTH / "params.yaml").read_text().replace("ROOT", str(tmp_path / "audio"))
    params = project.path / "params.yaml"
    params.write_text(params.read_text().rstrip() + "\n" + block)
    changed = project.run("git", "status", "--porcelain").stdout.splitlines()
    assert changed == [" M params.yaml", "?? src/earmark/tasks/linear/"]
    commit(project, "a fourth task")

    own = {"PYTHONPATH": str(project.path / "src")}
    everything = [f"{stage}@linear" for stage in STAGES]
    assert project.repro("publish@linear", **own) == ["code", *everything]
    assert project.repro("publish@linear", **own) == ["publish@linear"]
    metrics = json.loads((project.path / "reports/linear/metrics.json").read_text())
    assert metrics["accuracy"] == 1.0  # low, high and noise: one layer tells them apart
    (run,) = project.runs()
    assert run.info.status == "FINISHED"
    assert run.data.metrics["test/accuracy"] == metrics["accuracy"]
    assert project.steps(run.info.run_id, "val/loss") == list(range(1, 31))
    assert "Version 1 is champion." in project.run("earmark", "promote", "linear", **own).stdout
    hashes = json.loads((project.path / "code.json").read_text())
    assert set(hashes["linear"]) == set(STAGES)

    # The task's own code runs its own stages again, and no other's.
    path = folder / "evaluate.py"
    path.write_text(path.read_text().replace('"Mistakes"', '"What it got wrong"'))
    done = project.run("dvc", "repro", "publish@linear", **own)
    assert stages(done.stdout) == ["code", "evaluate@linear", "publish@linear"]
    assert {k: v for k, v in json.loads((project.path / "code.json").read_text()).items() if k != "linear"} == {
        k: v for k, v in hashes.items() if k != "linear"
    }

    mlflow.set_tracking_uri(f"sqlite:///{project.path / 'mlflow.db'}")
    version = mlflow.MlflowClient().get_model_version_by_alias("earmark-linear", "champion")
    command = "import sys, mlflow, pandas as pd; m = mlflow.pyfunc.load_model('models:/earmark-linear@champion'); "
    command += "print(m.predict(pd.DataFrame({'path': sys.argv[1:]})).label.tolist())"
    sounds = [str(tmp_path / f"audio/{label}/0.wav") for label in ("low", "high", "noise")]
    uri = {"MLFLOW_TRACKING_URI": f"sqlite:///{project.path / 'mlflow.db'}"}
    assert project.run("python", "-c", command, *sounds, **uri, **own).stdout.strip() == "['low', 'high', 'noise']"
    assert version.run_id == run.info.run_id
    assert pd.read_parquet(project.path / "reports/linear/predictions.parquet").columns.tolist() == [
        *("path", "label", "predicted"),
    ]
