"""Whether MLflow still shows what the last publish of a task left there: seen in milliseconds, without MLflow.

A publish notes a fingerprint of all that it read: the task's files, the source, the rows of the store about its run,
versions and aliases, and the files behind them. What cannot be seen with the standard library alone (a database server,
a server behind TLS or a password, files elsewhere) counts as changed, and publish does its full work.
"""

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlencode, urlsplit

from earmark import paths

PACKAGE = Path(__file__).parent.parent
# MLflow's tables about an experiment, a run and a registered model, and the column that names it there.
OF_EXPERIMENT = dict.fromkeys(("experiments", "experiment_tags", "logged_models"), "experiment_id")
OF_RUN = dict.fromkeys(("runs", "tags", "params", "latest_metrics"), "run_uuid") | {"inputs": "destination_id"}
OF_MODEL = dict.fromkeys(
    ("registered_models", "registered_model_tags", "registered_model_aliases", "model_versions", "model_version_tags"),
    "name",
)
# Variables, MLFLOW_TRACKING_ before them, with which MLflow shows a server who is asking.
SECRETS = "USERNAME PASSWORD TOKEN AUTH AWS_SIGV4 CLIENT_CERT_PATH SERVER_CERT_PATH INSECURE_TLS"
TIMEOUT_S = 2.0
API = "/api/2.0/mlflow"
MOST = 1000  # versions that one answer of a server lists


class PublishedState(NamedTuple):
    """What a publish made MLflow show: the run of the model, the hash of its weights, and the registered model."""

    run_id: str
    model_sha256: str
    model: str


class UnseenError(Exception):
    """Something that publishing reads cannot be seen from here."""


# Answers and notes that are not as expected are in doubt, too: a publish that has done its work does not fail by them.
UNSEEN = (UnseenError, OSError, ValueError, KeyError, TypeError)


def is_unchanged(task: str) -> bool:
    """Whether a full publish of the task would find everything as the last one left it."""
    if paths.project() is None or os.environ.get("DVC_EXP_NAME"):
        return False
    try:
        noted = json.loads(_note(task).read_text(encoding="utf-8"))
        return bool(noted["fingerprint"] == fingerprint(task, PublishedState(**noted["shown"])))
    except UNSEEN:
        return False


def keep(task: str, shown: PublishedState) -> None:
    """Note what a publish has just left; nothing where not all of it can be seen."""
    note = _note(task)
    note.parent.mkdir(parents=True, exist_ok=True)
    try:
        text = json.dumps({"shown": shown._asdict(), "fingerprint": fingerprint(task, shown)})
    except UNSEEN:
        note.unlink(missing_ok=True)
        return
    partial = note.with_suffix(f".{os.getpid()}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(note)


def forget(task: str) -> None:
    """The next publish is to do its full work."""
    _note(task).unlink(missing_ok=True)


def _note(task: str) -> Path:
    return paths.state() / "published" / f"{task}.json"


def fingerprint(task: str, shown: PublishedState) -> str:
    """Hash of everything that publishing a task reads. Raises UnseenError where that cannot be seen."""
    root, address = paths.main_repository(), paths.tracking_address() or ""
    file = paths.sqlite_file(address) if address else root / "mlflow.db"
    if address.startswith("http"):
        said = list(_served(address, task, shown))
    elif file:
        said = list(_rows(file, task, shown))
    else:
        raise UnseenError
    mlflow = find_spec("mlflow")
    here = [str(root), os.getcwd(), address, mlflow and mlflow.origin]
    of_task = [f"data/{task}", f"models/{task}", f"reports/{task}", str(root / "registry" / task), "params.yaml"]
    of_all = [str(root / ".earmark" / "champion" / f"{task}.json"), *sorted(map(str, PACKAGE.rglob("*.py")))]
    return hashlib.sha256(repr([here, said, *map(_stats, of_task + of_all)]).encode()).hexdigest()


def _stats(path: str) -> list[tuple[str, int, int]]:
    """Name, size and time of a file, or of those below a folder; empty where there is none."""
    found = []
    inner = [path] if os.path.isfile(path) else [os.path.join(at, one) for at, _, some in os.walk(path) for one in some]
    for one in sorted(inner):
        with suppress(FileNotFoundError):
            of = os.stat(one)
            found.append((one, of.st_size, of.st_mtime_ns))
    return found


def _rows(file: Path, task: str, shown: PublishedState) -> Iterator[Any]:
    """The rows of a SQLite store about a task's experiment, run and model, and the files that they name."""
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True, timeout=TIMEOUT_S)) as store:
            yield from _read(store, task, shown)
    except sqlite3.Error:
        raise UnseenError from None


def _read(store: sqlite3.Connection, task: str, shown: PublishedState) -> Iterator[Any]:
    def rows(table: str, column: str, value: Any) -> list[dict[str, Any]]:
        found = store.execute(f"SELECT * FROM {table} WHERE {column} = ?", (value,))
        names = [one[0] for one in found.description]
        return sorted((dict(zip(names, row, strict=True)) for row in found), key=repr)

    yield store.execute("SELECT version_num FROM alembic_version").fetchall()
    for experiment in rows("experiments", "name", task):
        if any(run["status"] == "RUNNING" for run in rows("runs", "experiment_id", experiment["experiment_id"])):
            raise UnseenError  # whether its process is alive is for a full publish to see
        yield from (rows(name, column, experiment["experiment_id"]) for name, column in OF_EXPERIMENT.items())
    of_run = {name: rows(name, column, shown.run_id) for name, column in OF_RUN.items()}
    of_model = {name: rows(name, column, shown.model) for name, column in OF_MODEL.items()}
    yield [row for row in rows("tags", "value", shown.model_sha256) if row["key"] == "earmark.model_sha256"]
    yield from (of_run, of_model)
    bearing = {row["version"] for row in of_model["registered_model_aliases"]}
    versions = [v for v in of_model["model_versions"] if v["version"] in bearing or v["run_id"] == shown.run_id]
    places = [run["artifact_uri"] for run in of_run["runs"]] + [v["storage_location"] or v["source"] for v in versions]
    yield from (_stats(local(place)) for place in places)


def local(place: str | None) -> str:
    """The folder that an address of artifacts names. Raises UnseenError where it is not on this machine's disk."""
    found = urlsplit(place or "")
    if found.scheme not in ("", "file") or found.netloc or not found.path.startswith("/"):
        raise UnseenError
    return unquote(found.path) if found.scheme else str(place)


class _Server:
    """An MLflow server that asks for no name. Raises UnseenError for another, and where it does not answer so."""

    def __init__(self, address: str):
        import http.client

        to = urlsplit(address)
        secret = any(f"MLFLOW_TRACKING_{name}" in os.environ for name in SECRETS.split())
        if to.scheme != "http" or "@" in to.netloc or secret:
            raise UnseenError
        self.connection = http.client.HTTPConnection(to.hostname or "", to.port or 80, timeout=TIMEOUT_S)
        self.base = to.path.rstrip("/") + API

    def get(self, method: str, **asked: str) -> dict[str, Any]:
        return self._answer("GET", f"{method}?{urlencode(asked)}")

    def runs(self, experiment: str, where: str) -> list[Any]:
        body = {"experiment_ids": [experiment], "filter": where, "max_results": MOST}
        return self._whole(self._answer("POST", "runs/search", json.dumps(body)), "runs")

    def versions(self, model: str) -> list[dict[str, Any]]:
        found = self.get("model-versions/search", filter=f"name='{model}'", max_results=str(MOST))
        return self._whole(found, "model_versions")

    def files(self, method: str, folder: str, path: str = "", **asked: str) -> list[Any]:
        """Everything below a path among artifacts; folder: what the method calls a path."""
        found = self.get(method, **asked, **({folder: path} if path else {})).get("files", [])
        below = [self.files(method, folder, one["path"], **asked) for one in found if one.get("is_dir")]
        return [found, *below]

    def _whole(self, answer: dict[str, Any], name: str) -> list[Any]:
        if answer.get("next_page_token"):
            raise UnseenError
        found: list[Any] = answer.get(name, [])
        return found

    def _answer(self, verb: str, target: str, body: str | None = None) -> dict[str, Any]:
        import http.client

        try:
            head = {"Content-Type": "application/json"} if body else {}
            self.connection.request(verb, f"{self.base}/{target}", body, head)
            said = self.connection.getresponse()
            text = said.read()
            if said.status != http.client.OK:
                raise UnseenError
            found: dict[str, Any] = json.loads(text)
            return found
        except (OSError, http.client.HTTPException, ValueError):
            raise UnseenError from None


def _served(address: str, task: str, shown: PublishedState) -> Iterator[Any]:
    """What a server answers about a task's experiment, run and model, and the names and sizes of their files."""
    server = _Server(address)
    with closing(server.connection):
        experiment = server.get("experiments/get-by-name", experiment_name=task)["experiment"]
        if server.runs(experiment["experiment_id"], "attributes.status = 'RUNNING'"):
            raise UnseenError
        yield experiment
        yield server.runs(experiment["experiment_id"], f"tags.`earmark.model_sha256` = '{shown.model_sha256}'")
        yield server.get("registered-models/get", name=shown.model)
        versions = server.versions(shown.model)
        yield versions
        yield server.files("artifacts/list", "path", run_id=shown.run_id)
        for version in versions:
            if version.get("aliases") or version.get("run_id") == shown.run_id:
                source = version["source"]
                if source.startswith("models:/"):
                    model = source.removeprefix("models:/")
                    yield server.files(f"logged-models/{model}/artifacts/directories", "artifact_directory_path")
                else:  # of an earlier MLflow, which had a version's files among those of its run
                    yield server.files("artifacts/list", "path", run_id=version["run_id"])
