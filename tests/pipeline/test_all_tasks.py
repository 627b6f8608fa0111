"""The pipeline as a user runs it, for every task alike: dvc repro on a few small recordings."""

import inspect
import json
import sys

import mlflow
import pandas as pd
import pytest

from earmark import config
from earmark.evaluation import pictures
from earmark.pipeline import stages
from earmark.tasks import catalog
from earmark.training import code, model_files
from project import sha256

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.parametrize("small", ["chord", "genre", "speaker"], indirect=True),
]
STAGES = ("prepare", "features", "train", "evaluate", "publish")
# What a short training follows, and a recording of the small folders.
FOLLOWED = {"genre": "val/loss", "chord": "val/loss", "speaker": "val/eer"}
RECORDING = {"genre": "low/0.wav", "chord": "s0.wav", "speaker": "s00_0_0.wav"}
# In such small folders: classes, and songs and speakers of the test split.
FIGURES = {
    "genre": {
        *("accuracy", "macro_f1", "ece", "window_accuracy", "majority_vote_accuracy", "baseline_accuracy"),
        *("baseline_classical_accuracy", "accuracy_minus_baseline_classical"),
    },
    "chord": {
        *("root", "majmin", "mirex", "sevenths", "tetrads", "bass", "seg", "class_balanced_tetrads"),
        *("key_accuracy", "key_weighted", "transition_f1", "chord529_accuracy"),
        *("baseline_majmin", "majmin_minus_baseline"),
    },
    "speaker": {"eer", "min_dcf", "auc", "mr_at_k", "mr_at_threshold", "ari", "nmi", "baseline_lda_eer"},
}


def version(small, alias: str):
    return small.client.get_model_version_by_alias(f"earmark-{small.task}", alias)


def versions(small) -> list:
    return small.client.search_model_versions(f"name = 'earmark-{small.task}'")


def test_first_repro_trains_evaluates_and_registers(small):
    task = small.task
    assert small.ran == ["code", *(f"{stage}@{task}" for stage in STAGES)]
    (run,) = small.runs()
    assert run.info.status == "FINISHED"
    assert small.steps(run.info.run_id, FOLLOWED[task]) == [1, 2, 3]
    metrics = json.loads((small.path / f"reports/{task}/metrics.json").read_text())
    assert set(metrics) >= FIGURES[task] | {f"{name}_ci95" for name in FIGURES[task]}
    headline = catalog.task(task).headline
    assert run.data.metrics[f"test/{headline}"] == metrics[headline]
    weights = sha256(small.path / f"models/{task}/model.safetensors")
    assert run.data.tags["earmark.model_sha256"] == metrics["model_sha256"] == weights
    config = json.loads((small.path / f"models/{task}/config.json").read_text())
    assert run.data.tags["earmark.train_key"] == config["hashes"]["train_key"]
    assert run.data.tags["earmark.dirty"] == "false"
    assert run.data.tags["earmark.judged"] == "val/ and test/: plain weights; train/loss: plain weights"
    assert (int(version(small, "challenger").version), version(small, "challenger").run_id) == (1, run.info.run_id)
    files = {f.path for f in small.client.list_artifacts(run.info.run_id)}
    assert {"model.txt", "history.csv", "config.json", "batch.png", "evaluation", "card"} <= files
    (evaluation,) = small.client.list_artifacts(run.info.run_id, "evaluation")
    inner = {f.path.split("/")[-1] for f in small.client.list_artifacts(run.info.run_id, evaluation.path)}
    told = {f"{name}.{kind}" for name in ("predictions", "outcomes") for kind in ("parquet", "csv")}
    assert inner == {"metrics.json", "listening.html", "plots"} | told


def test_curves_of_the_report_are_told_the_average_of_the_training(small, tmp_path, monkeypatch):
    monkeypatch.chdir(small.path)
    plain = model_files.read_plain
    told = []
    drawn = inspect.signature(pictures.learning_curves)
    trained_with = lambda path: plain(path) | {"train": plain(path)["train"] | {"average": 0.75}}  # noqa: E731
    monkeypatch.setattr(model_files, "read_plain", trained_with)
    note = lambda *args, **more: told.append(drawn.bind(*args, **more).arguments["average"])  # noqa: E731
    monkeypatch.setattr(pictures, "learning_curves", note)
    asked = config.load_task(small.path / "params.yaml", small.task)
    catalog.task(small.task).room("evaluate").run(asked, small.audio, tmp_path, print)
    assert told == [0.75]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stages_hash_covers_what_it_loads(small, stage: str):
    """What the command line brings along (parameters, the task's facts) decides nothing but through parameters."""
    command = (
        f"from earmark import __main__; from earmark.cli import app, arguments; arguments.settings({small.task!r})"
    )
    command += "; import sys; print(*(m for m in sys.modules if m.split('.')[0] == 'earmark'))"
    brought = set(small.run(sys.executable, "-c", command).stdout.split())
    processes = list(small.seen.glob(f"{stage}-{small.task}.*.json"))
    assert processes
    loaded = {name for path in processes for name in json.loads(path.read_text())}
    covered = set(code.closure(*stages.entries(small.task, stage)))
    followers = set(code.closure("earmark.registry.tracking")) if stage == "train" else set()  # it watches, no more
    assert loaded - brought - followers <= covered
    by_path = {"earmark.registry.pyfunc"}  # as MLflow loads it, under another name
    assert set(stages.entries(small.task, stage)) - by_path <= loaded
    others = [task for task in catalog.names() if task != small.task]
    assert not [name for name in covered if name.startswith(tuple(f"earmark.tasks.{task}." for task in others))]


def test_second_repro_runs_publish_alone_and_changes_nothing(small):
    before = [(r.info.run_id, r.data.metrics, r.data.tags) for r in small.runs()]
    assert small.repro() == [f"publish@{small.task}"]
    assert [(r.info.run_id, r.data.metrics, r.data.tags) for r in small.runs()] == before
    assert len(versions(small)) == 1
    assert small.run("git", "status", "--porcelain").stdout == ""


def test_registered_model_answers_bytes_and_paths_without_pickle(small, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    mlflow.set_tracking_uri(f"sqlite:///{small.path / 'mlflow.db'}")
    model = mlflow.pyfunc.load_model(f"models:/earmark-{small.task}@challenger")
    path = small.audio / RECORDING[small.task]
    answer = model.predict(pd.DataFrame({"audio": [path.read_bytes()]}))
    pd.testing.assert_frame_equal(answer, model.predict(pd.DataFrame({"path": [str(path)]})))
    assert list(answer.columns) == list(catalog.task(small.task).answers)
    with pytest.raises(Exception, match="cannot be used"):
        model.predict(pd.DataFrame({"audio": [b"no audio"]}))
    monkeypatch.setenv("__pyfunc_model_path__", "served")
    with pytest.raises(Exception, match="does not read paths on the server"):
        model.predict(pd.DataFrame({"path": [str(path)]}))


def test_an_evaluations_parameter_trains_nothing(small):
    small.set(**{"evaluate.bootstrap": 120})
    assert small.repro() == ["code", f"evaluate@{small.task}", f"publish@{small.task}"]
    small.set(**{"evaluate.bootstrap": 100})
    assert small.repro() == [f"publish@{small.task}"]  # the evaluation is restored from the run cache
    assert len(small.runs()) == len(versions(small)) == 1


def test_temporary_experiment_logs_to_the_same_store_and_moves_no_alias(small):
    small.run("dvc", "exp", "run", "--temp", "--name", "slower", "-S", f"tasks.{small.task}.train.lr=0.0005")
    runs = {r.data.tags.get("earmark.experiment"): r for r in small.runs()}
    assert set(runs) == {None, "slower"}
    assert runs["slower"].data.params["train.lr"] == "0.0005"
    assert runs["slower"].info.status == "FINISHED"
    assert f"test/{catalog.task(small.task).headline}" in runs["slower"].data.metrics
    assert len(versions(small)) == version(small, "challenger").version == 1


def test_training_parameter_reruns_what_follows_and_promotion_has_a_way_back(small):
    task, client = small.task, small.client
    name, one = f"earmark-{task}", catalog.task(small.task)
    assert "Version 1 is champion." in small.run("earmark", "promote", task).stdout
    small.set(**{"train.lr": 0.0007})
    assert small.repro() == ["code", *(f"{stage}@{task}" for stage in STAGES[2:])]
    assert version(small, "challenger").version == 2
    test = next(k for k in client.get_model_version(name, "2").tags if k.startswith("earmark.test."))
    kept = client.get_model_version(name, "2").tags[test]
    worse = 1.1 if one.lower_is_better else -0.1
    client.set_model_version_tag(name, "2", test, json.dumps({one.headline: worse}))
    refused = small.run("earmark", "promote", task, check=False)
    assert refused.returncode in (3, 4)  # so few recordings cannot show that it is no worse
    assert f"{worse:.3f} of version 2 against" in refused.stdout
    assert "version 2 is not promoted" in refused.stdout
    assert "Traceback" not in refused.stderr
    small.run("earmark", "promote", task, "--force", "--why", "a trial")
    assert version(small, "champion").version == 2
    assert "Version 1 is champion again" in small.run("earmark", "rollback", task).stdout
    assert version(small, "champion").version == 1
    assert "none before it" in small.run("earmark", "rollback", task, check=False).stderr
    client.set_model_version_tag(name, "2", test, kept)
    # publish makes the present model challenger again, and leaves a champion alone
    assert small.repro() == [f"publish@{task}"]
    assert version(small, "challenger").version == 2


def test_publish_needs_a_store_that_answers(small):
    address = "http://user:secret@127.0.0.1:9"
    done = small.run("earmark", "publish", small.task, check=False, MLFLOW_TRACKING_URI=address)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("earmark: The tracking store http://***@127.0.0.1:9")
    assert "secret" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
