"""The shipped spaces on the demo, a few songs and voices of it: every way a trial ends, and a kill."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import pytest
import yaml
from mlflow import MlflowClient

from earmark.experiments.tuning import storage
from earmark.experiments.tuning.log import STATUS
from earmark.generated.demo import music, voices
from project import REPOSITORY

pytestmark = pytest.mark.pipeline
FATES = {2: "pruned", 3: "infeasible", 4: "failed", 6: "killed"}  # by a trial's number
SONGS, VOICES = 5, 24  # a genre has; enough for the folds
MISHAPS = REPOSITORY / "tests/support/mishaps.py"


def demo(task: str, project: Path) -> None:
    if task == "speaker":
        voices.generate(project / "data/demo_voices", VOICES, seed=7)
    else:
        music.generate(project / "data/demo", SONGS, seed=7)


def tune(task: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(MISHAPS), json.dumps(FATES), f"tuning/{task}.yaml", "--quick", "--workers", "1"]
    own = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    return subprocess.run(command, capture_output=True, text=True, env=own, check=False)


def journal(project: Path, task: str) -> optuna.Study:
    kept = storage.open_storage(project / f".earmark/tuning/{task}/{task}-quick", None)
    (name,) = optuna.get_all_study_names(kept)
    return optuna.load_study(study_name=name, storage=kept)


def runs(project: Path, task: str, kind: str) -> list:
    client = MlflowClient(f"sqlite:///{project / 'mlflow.db'}")
    experiment = client.get_experiment_by_name(task)
    return client.search_runs([experiment.experiment_id], f"tags.`earmark.kind` = '{kind}'")


@pytest.mark.parametrize("task", ["chord", "genre", "speaker"])
def test_every_end_of_a_trial_is_told_alike(task: str, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    demo(task, tmp_path)
    shutil.copyfile(REPOSITORY / "params.yaml", tmp_path / "params.yaml")
    shipped = yaml.safe_load((REPOSITORY / f"tuning/{task}.yaml").read_text())
    (tmp_path / "tuning").mkdir()
    (tmp_path / f"tuning/{task}.yaml").write_text(yaml.safe_dump(shipped | {"prune": "median"}, sort_keys=False))

    assert tune(task).returncode == -signal.SIGKILL
    ended = tune(task)
    assert ended.returncode == 0, ended.stderr
    assert "Trials that are run again, because their process had ended: 6." in ended.stdout

    rows = pd.read_csv(tmp_path / f"tuned/{task}-quick/trials.csv")
    wanted = [{"killed": "lost"}.get(FATES.get(n), FATES.get(n, "complete")) for n in range(9)]
    assert rows.state.tolist() == wanted  # eight, and the lost one
    drawn = rows.loc[:, "reason":].iloc[:, 1:]
    pd.testing.assert_series_equal(drawn.loc[6], drawn.loc[7], check_names=False)  # in the same place, the same again
    found = journal(tmp_path, task).trials
    assert [storage.state(t) for t in found] == wanted
    children = {int(r.data.tags["earmark.trial"]): r for r in runs(tmp_path, task, "trial")}
    assert [children[n].data.tags["earmark.state"] for n in range(9)] == wanted
    assert [children[n].info.status for n in range(9)] == [STATUS[word] for word in wanted]
    headline = {"genre": "accuracy", "chord": "majmin", "speaker": "eer"}[task]
    for n, word in enumerate(wanted):
        logged = children[n].data.metrics.get(f"inner/{headline}")
        if word == "complete":
            assert [rows[headline][n], logged] == pytest.approx([found[n].value] * 2)
        else:
            assert np.isnan(rows[headline][n])
            assert logged is None
    assert rows.reason[3] == children[3].data.tags["earmark.reason"] == "refused on purpose"
    assert rows.reason[4] == children[4].data.tags["earmark.reason"] == "RuntimeError: failed on purpose"
    (parent,) = runs(tmp_path, task, "tuning")
    assert parent.info.status == "FINISHED"
    assert {r.data.tags["mlflow.parentRunId"] for r in children.values()} == {parent.info.run_id}
    verdict = json.loads((tmp_path / f"tuned/{task}-quick/result.json").read_text())["verdict"]
    assert " that played no part in the choice." in verdict
