"""A registered version judged anew on the test split: the figures that the pipeline's own evaluation gave."""

import json

import pandas as pd
import pytest

from builders import plain_progress
from earmark import config
from earmark.data import manifest
from earmark.evaluation import outcomes
from earmark.registry import judging, tracking
from earmark.tasks import catalog

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.parametrize("small", ["chord", "genre", "speaker"], indirect=True),
]
# What is not found anew: baselines, and what thresholds decide, which are chosen on the validation speakers.
CARRIED = ("threshold", "accuracy", "miss_rate", "false_alarm_rate", "n_clusters", "mr_at_threshold", "ari", "nmi")


def found_anew(task: str, name: str) -> bool:
    if "baseline" in name:
        return False
    return task != "speaker" or not (name.startswith(CARRIED) or name == "cluster_threshold")


def test_a_version_judged_on_its_own_test_set_has_the_same_figures(small, monkeypatch):
    monkeypatch.chdir(small.path)
    task, settings = catalog.task(small.task), config.load_task("params.yaml", small.task)
    before = json.loads((small.path / f"reports/{small.task}/metrics.json").read_text())
    table = manifest.load(small.path / f"data/{small.task}/manifest.csv")
    rows = table[table["split"] == "test"].reset_index(drop=True)
    assert manifest.digest(rows) == before["test_manifest_sha256"]
    client = tracking.present()
    every = client.search_model_versions(f"name = '{task.registered_model}'")
    mine = [v for v in every if v.tags["earmark.model_sha256"] == before["model_sha256"]]
    version = max(mine, key=lambda v: int(v.version))
    found, kept = judging.judge_version(task, version, rows, settings, print, plain_progress)
    assert {name for of in found.pop("ci95_methods").values() for name in of} == {
        name.removesuffix("_ci95") for name in found if name.endswith("_ci95")
    }
    del before["ci95_methods"]
    assert found == {name: value for name, value in before.items() if found_anew(small.task, name)}
    assert task.headline in found
    assert outcomes.same_recordings(kept, pd.read_parquet(small.path / f"reports/{small.task}" / outcomes.FILE))
