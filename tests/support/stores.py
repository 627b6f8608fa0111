"""A tracking store without a training: runs and versions as the pipeline makes them, of files that say little."""

import json
import sqlite3
from pathlib import Path

from mlflow import MlflowClient

from earmark.registry import tracking
from earmark.registry.tracking import Tracker
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
    return str(client.create_model_version(NAME, f"{place}/model", run_id, tags=tag).version)


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
