"""A fresh clone with DVC's cache and an empty store: the champion is there again, of files, and nothing is trained."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from dvc.repo import Repo
from mlflow import MlflowClient

from earmark.cli.arguments import logged, settings
from earmark.pipeline import publish
from earmark.registry import ledger, publication, tracking, versions
from project import write_params
from published import PLACES, code, registered, write
from stores import NAME, TASK, champion, crown


def git(*command: str) -> str:
    who = ("-c", "user.name=tester", "-c", "user.email=tester@example.org")
    return subprocess.run(["git", *who, *command], check=True, capture_output=True, text=True).stdout.strip()


def published() -> list[str]:
    return publish.run(TASK, *PLACES, logged(settings("genre")))


def repro(seed: int, **figures) -> None:
    """As the pipeline leaves a run: files, the cache that has them, dvc.lock, and a commit."""
    write(seed, **figures)
    reports = [str(PLACES[2] / name) for name in publication.REPORTS if (PLACES[2] / name).exists()]
    Repo().add([str(PLACES[0]), str(PLACES[1]), *(name for name in reports if not name.endswith(".json"))])
    Path("dvc.lock").write_text(Path("models/genre.dvc").read_text())
    published()
    git("add", "-A")
    git("commit", "-q", "-m", f"run {seed}")


def facts(client: MlflowClient, number: int) -> dict:
    """What a store knows of a version, but for numbers, ids and times."""
    version = client.get_model_version(NAME, str(number))
    run = client.get_run(version.run_id)

    def plain(text: str) -> str:
        text = text.replace(run.info.run_id, "RUN").replace(f"{NAME}/{number}", f"{NAME}/N")
        return re.sub(rf"version {number}\b", "version N", text)

    places = (None, "data", "evaluation", "card")
    files = [f.path for place in places for f in client.list_artifacts(run.info.run_id, place)]
    tags = {k: v for k, v in run.data.tags.items() if k in ("earmark.commit", "earmark.dirty", "earmark.model_sha256")}
    steps = [m.value for m in client.get_metric_history(run.info.run_id, "val/accuracy")]
    kept = {k: plain(v) for k, v in version.tags.items() if k != "earmark.card_made"}
    card = Path(client.download_artifacts(run.info.run_id, "card/CARD.md")).read_text()
    return {
        "version": kept,
        "description": plain(version.description),
        "files": sorted(f for f in files if not f.startswith("model")),
        "run": tags,
        "params": run.data.params,
        "card": plain(card),
        "steps": steps,
        "metrics": run.data.metrics,
        "status": run.info.status,
    }


@pytest.fixture
def origin(project, monkeypatch) -> Path:
    """A project whose first model is champion, whose second was rolled back, and whose HEAD has a third one."""
    monkeypatch.setattr(versions, "register", registered)
    git("init", "-q", "-b", "main")
    git("config", "user.name", "Ada")
    git("config", "user.email", "ada@example.org")
    Repo.init()
    write_params(project)
    Path(".gitignore").write_text("/mlflow.db\n/mlartifacts\n/.earmark\n")
    repro(1)
    git("tag", "first")
    crown(tracking.present(), "1")
    repro(2, accuracy=0.625)
    crown(tracking.present(), "2")
    git("add", "-A")
    git("commit", "-q", "-m", "decisions")
    write_params(project, **{"train.lr": 0.5})  # not those of the champion
    monkeypatch.setitem(code, "now", "2" * 64)  # and the code that computes features was changed since
    repro(3)
    return project


@pytest.fixture
def clone(origin, empty_store, monkeypatch, tmp_path) -> Path:
    place = tmp_path / "clone"
    git("clone", "-q", str(origin), str(place))
    shutil.copytree(origin / ".dvc/cache", place / ".dvc/cache")
    shutil.copy(empty_store, place / "mlflow.db")
    origin.rename(tmp_path / "away")
    monkeypatch.chdir(place)
    Repo().checkout()
    return place


def test_a_fresh_clone_has_champion_challenger_and_history(origin, clone, tmp_path, monkeypatch):
    said = published()
    assert said[-3:] == [
        "Registered earmark-genre version 1.",
        "Version 2 is champion, as the ledger has it.",
        "Version 1 is the challenger: `earmark promote genre` asks whether it becomes champion.",
    ]
    client = tracking.present()
    assert (
        dict(client.get_registered_model(NAME).aliases) == {"challenger": "1", "champion": "2"} or champion(client) == 2
    )
    here = facts(client, 2), facts(client, 1)
    assert published() == []
    assert (ledger.read("genre").champion().number, len(ledger.read("genre").entries)) == (2, 2)
    monkeypatch.chdir(tmp_path / "away")
    there = tracking.present()
    assert here[0] == facts(there, 2)
    at_head = ("run", "card")  # the challenger's run is made at the clone's commit, as any that a store never saw
    assert {k: v for k, v in here[1].items() if k not in at_head} == {
        k: v for k, v in facts(there, 3).items() if k not in at_head
    }


def test_rollback_in_a_fresh_clone(clone, earmark):
    """The former champion is restored, as many as there were, without a publish before."""
    assert earmark("rollback", "genre")[1].splitlines()[0] == "Version 2 is champion again; version 1 was rolled back."
    client = tracking.present()
    assert client.get_model_version(NAME, "2").tags["earmark.train_key"] == f"{1:064}"
    assert facts(client, 2)["run"]["earmark.commit"] == ledger.read("genre").champions()[0].commit
    code, _, (sentence,) = earmark("rollback", "genre")
    assert (code, sentence) == (
        *(1, "earmark: Version 2 of earmark-genre is the first champion in the ledger; there is none before it."),
    )


def test_the_cache_is_gone(clone):
    first = git("log", "--format=%H", "-1", "--grep", "run 2")
    shutil.rmtree(".dvc/cache")
    said = published()
    (sentence,) = [s for s in said if "restored" in s]
    wanted = ledger.read("genre").champion()
    assert sentence == (
        f"The model with weights {wanted.model_sha256[:8]} (version 2 where it was registered) is not in this store "
        f"and cannot be restored: DVC's cache lacks data/genre ({wanted.dvc['data/genre']}), and the project has no "
        "default remote; run `dvc pull --all-commits` from a remote that has it, or run "
        f"`git checkout {first[:12]} && dvc repro publish@genre`, which trains it again."
    )
    assert champion(tracking.present()) is None
    assert said[-1] == "Version 1 is the challenger: `earmark promote genre` asks whether it becomes champion."


def test_other_files_under_the_same_hashes_are_refused(clone):
    """As from a cache that somebody changed."""
    value = ledger.read("genre").champion().dvc["models/genre"]
    listed = json.loads(Path(f".dvc/cache/files/md5/{value[:2]}/{value[2:]}").read_text())
    (md5,) = [part["md5"] for part in listed if part["relpath"] == "model.safetensors"]
    weights = Path(f".dvc/cache/files/md5/{md5[:2]}/{md5[2:]}")
    weights.chmod(0o644)
    weights.write_bytes(weights.read_bytes()[:-1] + b"\xff")
    (sentence,) = [s for s in published() if "restored" in s]
    assert "cannot be restored: the files with its DVC hashes belong to another model; run" in sentence
    assert champion(tracking.present()) is None
    assert not list(Path(".earmark").glob("restored-*"))
