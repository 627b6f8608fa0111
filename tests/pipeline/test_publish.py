"""Publishing again after somebody deleted in MLflow what was published: it is there again, and said."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from earmark.pipeline import publish, to_commit
from earmark.registry import ledger, tracking, versions
from published import FIGURES, PLACES, write
from stores import NAME, TASK, champion, crown


def run() -> list[str]:
    return publish.run(TASK, *PLACES, {"train.lr": "0.1"})


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_published_twice_says_and_does_nothing(trained):
    assert run()[-2:] == [
        "Registered earmark-genre version 1.",
        "Version 1 is the challenger: `earmark promote genre` asks whether it becomes champion.",
    ]
    before = files(trained / "mlartifacts")
    assert run() == []
    assert files(trained / "mlartifacts") == before


def test_artifacts_that_were_deleted_by_hand_are_there_again(trained):
    """The files of a version cannot be put back into it: the same model is registered anew."""
    run()
    client = tracking.present()
    crown(client, "1")
    before = files(trained / "mlartifacts")
    shutil.rmtree(trained / "mlartifacts")
    assert run() == [
        "The files of earmark-genre version 1 are gone from MLflow's artifacts.",
        "Registered earmark-genre version 2.",
        "Version 2 has the same weights as the champion, whose files were gone: it is champion in its place.",
    ]
    assert [f.replace("model1/", "model0/") for f in files(trained / "mlartifacts")] == before
    assert champion(client) == 2
    assert [e.kind for e in ledger.read("genre").entries] == ["promotion"]  # the same model: nothing was decided
    assert run() == []


def delete_run(tracker):
    tracker.client.delete_run(tracker.find({})[0].info.run_id)


def delete_version(tracker):
    tracker.client.delete_model_version(NAME, "1")


def delete_model(tracker):
    tracker.client.delete_registered_model(NAME)


def rename_model(tracker):
    tracker.client.rename_registered_model(NAME, "other")


def delete_experiment(tracker):
    tracker.client.delete_experiment(tracker.experiment_id)


def rename_experiment(tracker):
    tracker.client.rename_experiment(tracker.experiment_id, "old")


REBUILT = "This tracking store had no run of this model: one was made from models/*/history.csv."


@pytest.mark.parametrize(
    ("spoil", "said", "number"),
    [
        (delete_run, [REBUILT, "Logged the evaluation: accuracy 0.500."], 1),
        (rename_experiment, [REBUILT, "Logged the evaluation: accuracy 0.500."], 1),
        (delete_experiment, [], 1),
        (delete_version, ["Registered earmark-genre version 2.", "Version 2 is the challenger:"], 2),
        (delete_model, ["Registered earmark-genre version 1.", "Version 1 is the challenger:"], 1),
        (rename_model, ["Registered earmark-genre version 1.", "Version 1 is the challenger:"], 1),
    ],
)
def test_what_was_deleted_or_renamed_in_mlflow_is_made_again(trained, spoil, said, number):
    run()
    spoil(tracking.connect("genre"))
    found = run()
    assert len(found) == len(said)
    assert all(sentence.startswith(start) for sentence, start in zip(found, said, strict=True))
    client = tracking.present()
    assert int(client.get_model_version_by_alias(NAME, "challenger").version) == number
    assert run() == []


def test_the_same_figures_in_another_order_are_no_other_evaluation(trained):
    """Earlier releases wrote metrics.json in another order; other figures, or other recordings, are another one."""
    run()
    path = PLACES[2] / "metrics.json"
    found = json.loads(path.read_text())
    path.write_text(json.dumps(dict(reversed(found.items()))))
    assert run() == []
    for other in ({"accuracy_ci95": [0.3, 0.6]}, {"accuracy_ci95": [0.3, 0.6], "test_manifest_sha256": "1" * 64}):
        path.write_text(json.dumps(found | other))
        assert run() == ["Logged the evaluation: accuracy 0.500."]
        path.write_text(json.dumps(dict(reversed((found | other).items()))))
        assert run() == []
    (logged,) = tracking.connect("genre").find({"earmark.kind": "pipeline"})
    tests = {k: v for k, v in logged.data.tags.items() if k.startswith("earmark.evaluation.")}
    assert sorted(tests.values()) == ["0" * 64, "0" * 64, "1" * 64]
    ends = {k: v for k, v in logged.data.metrics.items() if k.endswith("accuracy_low")}
    assert sorted(ends.values()) == [0.3, 0.3, 0.4]


def run_of(client):
    return client.get_model_version(NAME, "1").run_id


def test_the_manifest_is_logged_also_where_earlier_releases_did_not(trained):
    run()
    client, file = tracking.present(), trained / "data/genre/manifest.csv"
    logged = Path(client.get_run(run_of(client)).info.artifact_uri.removeprefix("file://")) / "data/manifest.csv"
    assert logged.read_text() == file.read_text()
    logged.unlink()
    assert run() == []
    assert logged.read_text() == file.read_text()


def test_a_champion_of_before_is_not_called_rolled_back(trained):
    run()
    client = tracking.present()
    crown(client, "1")
    client.set_model_version_tag(NAME, "1", versions.ROLLED_BACK, "true")
    run()
    assert versions.ROLLED_BACK not in client.get_model_version(NAME, "1").tags


def test_a_better_baseline_is_said_and_kept_with_the_version(trained):
    write(n_recordings=20, baseline_accuracy=0.75)
    sentence = (
        "A baseline is better than {}: a logistic regression on MFCC statistics has accuracy 0.750, against 0.500."
    )
    assert run()[1:3] == ["Logged the evaluation: accuracy 0.500.", sentence.format("the model")]
    (kept,) = versions.evaluations(tracking.present().get_model_version(NAME, "1")).values()
    assert kept["baseline_accuracy"] == 0.75


def git(*command: str) -> None:
    who = ("-c", "user.name=tester", "-c", "user.email=tester@example.org")
    subprocess.run(["git", *who, *command], check=True, capture_output=True)


def test_what_is_to_be_committed_is_said(trained, monkeypatch):
    assert not [s for s in run() if "git add" in s]  # outside of git
    git("init", "-q", "-b", "main")
    assert run() == ["To keep this run: git add params.yaml reports/genre/metrics.json && git commit"]
    git("add", "params.yaml", "reports/genre/metrics.json")
    git("commit", "-q", "-m", "a run")
    assert run() == []
    Path("dvc.lock").write_text("x")
    Path("splits").mkdir()
    Path("splits/genre.csv").write_text("x")
    Path("splits/chord.csv").write_text("x")  # another task's
    assert run() == ["To keep this run: git add dvc.lock splits/genre.csv && git commit"]
    git("add", "dvc.lock", "splits/genre.csv")
    assert run() == ["To keep this run: git add dvc.lock splits/genre.csv && git commit"]
    crown(tracking.present(), "1")
    assert run() == ["To keep this run: git add dvc.lock splits/genre.csv registry/genre && git commit"]
    assert to_commit.sentence("chord", "decision") == [
        "To keep this decision: git add dvc.lock splits/chord.csv && git commit"
    ]
    monkeypatch.setenv("DVC_EXP_NAME", "trial")
    assert run() == ["This is the DVC experiment trial, so no version was registered and no alias moved."]


def test_a_project_in_a_folder_of_a_repository(trained):
    run()
    subprocess.run(["git", "init", "-q", str(trained.parent)], check=True)
    assert run() == ["To keep this run: git add params.yaml reports/genre/metrics.json && git commit"]
    crown(tracking.present(), "1")
    subprocess.run(["git", "add", "params.yaml", "reports"], check=True)
    subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t", "commit", "-q", "-m", "a run"], check=True)
    assert run() == ["To keep this run: git add registry/genre && git commit"]


def test_a_version_carries_dvcs_hashes_of_its_files(trained):
    """By which it can be restored: those of its last evaluation."""
    run()
    tag = json.loads(tracking.present().get_model_version(NAME, "1").tags["earmark.dvc"])
    names = ("metrics.json", "predictions.parquet", "listening.html", "plots")
    assert set(tag) == {"data/genre", "models/genre", *(f"reports/genre/{name}" for name in names)}
    assert tag["reports/genre/metrics.json"] == hashlib.md5((PLACES[2] / "metrics.json").read_bytes()).hexdigest()
    (PLACES[2] / "metrics.json").write_text(json.dumps(FIGURES | {"accuracy": 0.75}))
    run()
    later = json.loads(tracking.present().get_model_version(NAME, "1").tags["earmark.dvc"])
    assert {name for name in tag if tag[name] != later[name]} == {"reports/genre/metrics.json"}
    crown(tracking.present(), "1")
    assert ledger.read("genre").champion().dvc == later


def test_a_store_of_before_is_taken_into_the_ledger(trained):
    run()
    client = tracking.present()
    client.set_registered_model_alias(NAME, "champion", "1")
    client.delete_registered_model_alias(NAME, "challenger")
    assert run() == []
    assert [(e.kind, e.version.number) for e in ledger.read("genre").entries] == [("imported", 1)]
    assert champion(client) == 1


def test_an_alias_that_was_moved_by_hand_is_said_and_left(trained):
    run()
    crown(tracking.present(), "1")
    write(1)
    run()
    client = tracking.present()
    client.set_registered_model_alias(NAME, "champion", "2")
    (sentence,) = run()
    assert sentence.startswith("The store has version 2 as champion of genre, the ledger the model with weights ")
    assert champion(client) == 2


def test_a_broken_ledger_does_not_end_the_pipeline(trained):
    run()
    crown(tracking.present(), "1")
    (file,) = Path("registry/genre").iterdir()
    file.write_text("{")
    (sentence,) = run()
    assert sentence.startswith(f"registry/genre/{file.name} is not a valid entry of the ledger")
