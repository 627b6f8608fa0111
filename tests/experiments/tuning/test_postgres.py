"""Several processes that tune by a database, as several machines do."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
import yaml

from builders import small_folder
from earmark.experiments.tuning import storage
from project import write_params

optuna.logging.set_verbosity(optuna.logging.WARNING)
FILE = {
    "task": "genre",
    "base": {"train.epochs": 1, "train.batch_size": 4},
    "space": {"train.lr": {"log": [0.0001, 0.1]}},
    "k": 4,
    "inner": 1,
    "trials": 10,
    "best": 1,
    "seeds": [11],
}


def program(name: str) -> str | None:
    """A program of PostgreSQL, wherever the system keeps it."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(places[-1]) if places else None)


@pytest.fixture
def database() -> Iterator[str]:
    """The address of a new database on loopback; initdb refuses root, who runs it as postgres."""
    if program("initdb") is None:
        pytest.skip("PostgreSQL is not installed (initdb is missing)")
    place = Path(tempfile.mkdtemp(prefix="earmark-postgres-"))
    root = os.geteuid() == 0
    before = ["runuser", "-u", "postgres", "--"] if root else []
    if root:
        shutil.chown(place, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(name: str, *args: str) -> None:
        done = subprocess.run([*before, program(name), *args], cwd=place, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    run("initdb", "-D", str(place / "data"), "-A", "trust", "-U", "earmark", "--no-sync")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    try:
        run("pg_ctl", "-D", str(place / "data"), "-l", str(place / "log"), "-o", options, "-w", "start")
        yield f"postgresql+psycopg://earmark@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*before, program("pg_ctl"), "-D", str(place / "data"), "-m", "immediate", "stop"], cwd=place)
        shutil.rmtree(place, ignore_errors=True)


def test_four_processes_end_with_exactly_as_many(database, tmp_path):
    small_folder(tmp_path / "audio", 10)
    write_params(tmp_path, **{"data.root": "audio"})
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(FILE, sort_keys=False))
    command = [sys.executable, "-c", "from earmark.cli.app import main; main()", "tune", "mine.yaml", "--workers", "4"]
    done = subprocess.run([*command, "--storage", database], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    kept = storage.open_storage(tmp_path / "nowhere", database)
    study = optuna.load_study(study_name="genre-mine-fold1", storage=kept)
    states = [storage.state(t) for t in study.trials]
    assert len([s for s in states if s != "lost"]) == 10
    assert set(states) <= {"complete", "lost"}
    processes = {t.user_attrs["process"] for t in study.trials}
    assert len(processes) > 1
    assert not (tmp_path / ".earmark/tuning/genre/mine/journal.log").exists()
