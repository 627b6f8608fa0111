"""A tracking store without a training: runs and versions as the pipeline makes them, of files that say little."""

import json
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from mlflow import MlflowClient

from earmark.evaluation import outcomes
from earmark.registry import crowning, identities, tracking
from earmark.registry.entries import LedgerEntry
from earmark.registry.tracking import Tracker
from earmark.registry.view import turn
from earmark.tasks import catalog

NAME = "earmark-genre"
TASK = catalog.task("genre")


def run(tracker: Tracker, status: str = "FINISHED", **tags: str) -> str:
    """A run of this project with one artifact; its id."""
    run_id = tracker.create("genre-toy", tracking.run_tags("pipeline", tags), {})
    tracker.client.log_text(run_id, "epoch\n1\n", "history.csv")
    if status != "RUNNING":
        tracker.client.set_terminated(run_id, status)
    return run_id


def version(tracker: Tracker, accuracy: float = 0.5) -> str:
    """A version of the genre model, whose files lie with a run of its own; its number."""
    client, run_id = tracker.client, run(tracker)
    client.log_text(run_id, "flavors: {}\n", "model/MLmodel")
    client.log_text(run_id, json.dumps({"task": "genre"}), "model/artifacts/genre/config.json")
    if not client.search_registered_models(f"name = '{NAME}'"):
        client.create_registered_model(NAME)
    place = client.get_run(run_id).info.artifact_uri
    tag = {f"earmark.test.{'0' * 16}": json.dumps({"accuracy": accuracy})}
    number = str(client.create_model_version(NAME, f"{place}/model", run_id, tags=tag).version)
    for name in ("model_sha256", "train_key"):
        client.set_model_version_tag(NAME, number, f"earmark.{name}", f"{int(number):064}")
    return number


def crown(client: MlflowClient, number: str, why: str | None = None) -> LedgerEntry:
    """Promote a version, whatever its figures."""
    with turn(client, TASK, print) as found:
        version = client.get_model_version(NAME, number)
        entry = found.entry("promotion", identities.identity_of(client, version), verdict="yes", why=why)
        crowning.crown(client, TASK, version, entry)
    return entry


def evaluated(tracker: Tracker, number: str, test: str, right: list[float], first: int = 0) -> None:
    """Keep an evaluation with a version and its run, as the publish stage does; one recording a group.

    test: a letter, which repeated is the hash of the test recordings. right: whether each answer is. first: number of
    the first recording.
    """
    n, client = len(right), tracker.client
    names = [f"{i:03}" for i in range(first, first + n)]
    kept = outcomes.shares("accuracy", pd.DataFrame({"recording": names, "group": names}), np.array(right), 1.0, "a")
    run_id = client.get_model_version(NAME, number).run_id
    with TemporaryDirectory() as folder:
        outcomes.write(Path(folder), kept)
        client.log_artifact(run_id, f"{folder}/{outcomes.FILE}", f"evaluation/{test}")
    client.set_tag(run_id, f"earmark.evaluation.{test}", test * 64)
    figures = {"accuracy": float(np.mean(right)), "n_recordings": n}
    client.set_model_version_tag(NAME, number, f"earmark.test.{test * 16}", json.dumps(figures))


def champion(client: MlflowClient) -> int | None:
    """The number of the champion's version."""
    found = client.get_registered_model(NAME).aliases.get("champion")
    return found and int(found)


def rows(file: Path, query: str) -> list:
    """The first column of what a database answers."""
    database = sqlite3.connect(file)
    found = [row[0] for row in database.execute(query)]
    database.close()
    return found


def change(file: Path, query: str, *values: str) -> None:
    """Change a database behind MLflow's back."""
    database = sqlite3.connect(file)
    database.execute(query, values)
    database.commit()
    database.close()
