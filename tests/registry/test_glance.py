"""A publish that nothing changed for is seen without MLflow, and whatever somebody did is seen, too."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

from earmark import paths
from earmark.pipeline import publish
from earmark.registry import glance, tracking
from published import PLACES
from served import free_port
from stores import NAME, TASK, change, crown, rows

UNUSED = ("mlflow", "torch", "numpy", "pandas", "yaml", "rich", "typer", "pydantic")


def run() -> list[str]:
    return publish.run(TASK, *PLACES, {"train.lr": "0.1"})


@pytest.fixture
def published(trained) -> Path:
    """A project whose model was published once."""
    run()
    assert glance.is_unchanged("genre")
    return trained


def run_id(folder: Path) -> str:
    return str(rows(folder / "mlflow.db", "SELECT run_uuid FROM runs")[0])


def in_store(query: str, *values: str):
    return lambda folder: change(folder / "mlflow.db", query, *values)


def by_client(act):
    return lambda folder: act(tracking.present())


def touched(file: str):
    def act(folder: Path) -> None:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((path.read_bytes() if path.exists() else b"") + b" ")

    return act


def deleted_artifact(name: str):
    return lambda folder: next((folder / "mlartifacts").rglob(name)).unlink()


def by_another_copy(folder: Path) -> None:
    """A later run of the very model, as another clone of the project makes one in a store that both use."""
    tracker = tracking.connect("genre")
    tags = tracker.client.get_run(run_id(folder)).data.tags
    tracker.client.create_run(tracker.experiment_id, tags={k: tags[k] for k in tags if k.startswith("earmark.")})


CHANGES = {
    "alias moved": by_client(lambda c: c.delete_registered_model_alias(NAME, "challenger")),
    "champion": by_client(lambda c: crown(c, "1")),
    "alias, by hand": by_client(lambda c: c.set_registered_model_alias(NAME, "champion", "1")),
    "version deleted": by_client(lambda c: c.delete_model_version(NAME, "1")),
    "model deleted": by_client(lambda c: c.delete_registered_model(NAME)),
    "model renamed": by_client(lambda c: c.rename_registered_model(NAME, "other")),
    "run deleted": lambda folder: tracking.present().delete_run(run_id(folder)),
    "run's tag": lambda folder: tracking.present().set_tag(run_id(folder), "mlflow.note.content", "mine"),
    "run's tag deleted": lambda folder: tracking.present().delete_tag(run_id(folder), "earmark.files"),
    "version's tag": by_client(lambda c: c.set_model_version_tag(NAME, "1", "x", "y")),
    "description": by_client(lambda c: c.update_registered_model(NAME, "mine")),
    "experiment deleted": by_client(lambda c: c.delete_experiment("1")),
    "experiment renamed": by_client(lambda c: c.rename_experiment("1", "other")),
    "experiment's tag": by_client(lambda c: c.set_experiment_tag("1", "x", "y")),
    "another copy's run": by_another_copy,
    "a metric lost": in_store("DELETE FROM latest_metrics WHERE key = 'test/accuracy'"),
    "store deleted": lambda folder: (folder / "mlflow.db").unlink(),
    "store empty": lambda folder: (folder / "mlflow.db").write_bytes(b""),
    "store damaged": lambda folder: (folder / "mlflow.db").write_bytes(b"x" * 5000),
    "store of a newer MLflow": in_store("UPDATE alembic_version SET version_num = 'x'"),
    "a run under way": in_store("UPDATE runs SET status = 'RUNNING'"),
    "artifact deleted": deleted_artifact("metrics.json"),
    "version's file deleted": deleted_artifact("genre/config.json"),
    "artifacts deleted": lambda folder: shutil.rmtree(folder / "mlartifacts"),
    "weights": touched("models/genre/model.safetensors"),
    "figures": touched("reports/genre/metrics.json"),
    "a plot": touched("reports/genre/plots/a.png"),
    "another plot": touched("reports/genre/plots/b.png"),
    "prepared data": touched("data/genre/summary.csv"),
    "settings": touched("params.yaml"),
    "ledger": touched("registry/genre/entry.json"),
    "a decision begun": touched(".earmark/champion/genre.json"),
    "note lost": lambda folder: shutil.rmtree(folder / ".earmark/published"),
    "note damaged": lambda folder: (folder / ".earmark/published/genre.json").write_text("{"),
    "note of another release": lambda folder: (folder / ".earmark/published/genre.json").write_text('{"shown": {}}'),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_somebody_did_is_seen(published, what):
    CHANGES[what](published)
    assert not glance.is_unchanged("genre")


def test_what_a_store_of_yesterday_lacks_is_seen(trained):
    tracking.connect("genre")
    shutil.copy("mlflow.db", "yesterday.db")
    run()
    assert glance.is_unchanged("genre")
    shutil.copy("yesterday.db", "mlflow.db")
    assert not glance.is_unchanged("genre")


def test_others_trainings_and_reading_change_nothing(published):
    tracker = tracking.connect("chord")
    run_id = tracker.create("other", {"earmark.kind": "pipeline"}, {"a": "b"})
    assert glance.is_unchanged("genre")
    tracker.client.set_terminated(run_id)
    tracking.present().search_runs(["1"])
    assert glance.is_unchanged("genre")


def test_a_full_publish_mends_what_was_seen_and_is_seen_in_turn(published):
    tracking.present().delete_registered_model_alias(NAME, "challenger")
    assert run() == ["Version 1 is the challenger: `earmark promote genre` asks whether it becomes champion."]
    assert glance.is_unchanged("genre")


def test_what_publishing_finds_it_says_every_time(published):
    """The alias of a champion that the ledger does not have: sync decides, and until then every publish says so."""
    client = tracking.present()
    crown(client, "1")
    client.delete_registered_model_alias(NAME, "champion")
    assert "the alias was removed" in run()[0]
    assert not glance.is_unchanged("genre")
    assert "the alias was removed" in run()[0]


def test_a_copy_of_the_project_is_another(published, tmp_path, monkeypatch):
    shutil.copytree(published, tmp_path / "copy", copy_function=shutil.copy2)
    monkeypatch.chdir(tmp_path / "copy")
    assert not glance.is_unchanged("genre")


def test_experiments_other_stores_and_databases_get_the_full_work(published, monkeypatch, tmp_path):
    for name, value in {
        "DVC_EXP_NAME": "tried",
        "MLFLOW_TRACKING_URI": paths.sqlite_address(tmp_path / "other.db"),
        "DVC_ROOT": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
        assert not glance.is_unchanged("genre"), name
        monkeypatch.delenv(name)
    assert glance.is_unchanged("genre")
    shown = glance.PublishedState(**json.loads(Path(".earmark/published/genre.json").read_text())["shown"])
    for address in ("postgresql://h/db", "https://h", "http://name:word@h", "databricks", "http://127.0.0.1:9"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        with pytest.raises(glance.UnseenError):
            glance.fingerprint("genre", shown)
    glance.keep("genre", shown)  # as after a publish into such a store
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert not glance.is_unchanged("genre")


def test_a_publish_does_not_fail_by_an_answer_that_is_not_as_expected(published, monkeypatch):
    for error in (OSError, KeyError, ValueError):
        monkeypatch.setattr(glance, "_rows", lambda *_, error=error: (_ for _ in ()).throw(error("x")))
        assert run() == []
        assert not Path(".earmark/published/genre.json").exists()


def test_files_elsewhere_cannot_be_seen(published):
    change(published / "mlflow.db", "UPDATE runs SET artifact_uri = 's3://bucket/run'")
    shown = glance.PublishedState(**json.loads(Path(".earmark/published/genre.json").read_text())["shown"])
    with pytest.raises(glance.UnseenError):
        glance.fingerprint("genre", shown)


def test_publish_that_changes_nothing_imports_none_of_what_it_does_not_use(published):
    """MLflow takes seconds to import, and `dvc repro` publishes every task every time."""
    script = (
        "import sys; sys.argv = ['earmark', 'publish', 'genre']\n"
        "from earmark import __main__\n"
        "__main__.main()\n"
        f"print([m for m in {UNUSED} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=dict(os.environ))
    assert done.stdout == "[]\n", done.stderr


def test_a_publish_that_something_changed_for_does_its_work(published):
    """The command line, which is not loaded for one that nothing changed for, is what publishes then."""
    glance.forget("genre")
    done = subprocess.run([sys.executable, "-m", "earmark", "publish", "genre"], capture_output=True, text=True)
    assert done.returncode == 1  # this made-up project has no parameters
    assert "params.yaml" in done.stderr


@pytest.fixture
def server(trained, tmp_path, monkeypatch):
    """A tracking server on loopback, to which the project publishes."""
    place = tmp_path / "served"
    place.mkdir()
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", port]
    command += ["--backend-store-uri", f"sqlite:///{place}/mlflow.db", "--artifacts-destination", str(place / "files")]
    with subprocess.Popen([*command, "--workers", "1"], cwd=place, stderr=subprocess.DEVNULL) as process:
        address = f"http://127.0.0.1:{port}"
        for _ in range(600):
            try:
                urlopen(f"{address}/health").close()
                break
            except OSError:
                time.sleep(0.1)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        yield place
        process.terminate()


def test_a_server_is_asked_and_what_somebody_did_there_is_seen(server, monkeypatch):
    run()
    assert glance.is_unchanged("genre")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "secret")
    assert not glance.is_unchanged("genre")
    monkeypatch.delenv("MLFLOW_TRACKING_TOKEN")
    client = tracking.present()
    for act in (
        lambda: client.delete_registered_model_alias(NAME, "challenger"),
        lambda: client.set_tag(client.search_runs(["1"])[0].info.run_id, "earmark.files", "other"),
        lambda: next((server / "files").rglob("metrics.json")).unlink(),
        lambda: client.delete_experiment("1"),
        lambda: client.delete_registered_model(NAME),
    ):
        act()
        assert not glance.is_unchanged("genre")
        run()
        assert glance.is_unchanged("genre")
