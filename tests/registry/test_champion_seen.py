"""The champion that is seen without MLflow is the one that MLflow tells of; where that is in doubt, MLflow is asked."""

import os
import shutil
import subprocess
import sys

import pytest

from earmark import paths
from earmark.registry import champion_seen, resolve, tracking
from earmark.registry.glance import UnseenError
from stores import NAME, TASK, change, version

ANSWER = (
    "import sys\nfrom earmark.registry import resolve\nfrom earmark.tasks import catalog\n"
    "print(resolve.model(catalog.task('genre')).source, 'mlflow' in sys.modules)"
)


@pytest.fixture
def crowned(project) -> str:
    """The address of a store whose only version is champion."""
    found = tracking.connect("genre")
    found.client.set_registered_model_alias(NAME, "champion", version(found))
    return str(paths.tracking_store())


def answered_by() -> list[str]:
    """Which model answers in a process of its own, and whether that imported MLflow."""
    done = subprocess.run([sys.executable, "-c", ANSWER], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_what_is_seen_is_what_mlflow_says(crowned):
    number, folder = champion_seen.champion(crowned, NAME)
    asked = resolve._asked(TASK, crowned)
    assert (number, folder) == (asked.version, asked.folder) == ("1", folder)
    assert resolve.champion(TASK) == asked


def test_answers_of_a_champion_and_without_one_import_no_mlflow(crowned, project):
    assert answered_by() == ["champion", "False"]
    change(project / "mlflow.db", "DELETE FROM registered_model_aliases")
    assert champion_seen.champion(crowned, NAME) is None
    assert answered_by() == ["bundle", "False"]


def older_schema(project):
    change(project / "mlflow.db", "UPDATE alembic_version SET version_num = '0a8213491aaa'")


def newer_schema(project):
    change(project / "mlflow.db", "UPDATE alembic_version SET version_num = 'ffffffffffff'")


def deleted_version(project):
    tracking.present().delete_model_version(NAME, "1")
    change(project / "mlflow.db", "INSERT INTO registered_model_aliases VALUES ('champion', 1, ?, 'default')", NAME)


def files_gone(project):
    shutil.rmtree(project / "mlartifacts")


def files_of_another_project(project):
    shutil.copytree(project / "mlartifacts", project.parent / "other/mlartifacts")
    for column in ("source", "storage_location"):
        change(
            project / "mlflow.db",
            f"UPDATE model_versions SET {column} = replace({column}, ?, ?)",
            str(project),
            str(project.parent / "other"),
        )


def files_on_another_machine(project):
    change(project / "mlflow.db", "UPDATE model_versions SET storage_location = 's3://bucket/model'")


def torn(project):
    (project / "mlflow.db").write_bytes(b"SQLite format 3\0" + os.urandom(5000))


def no_tables(project):
    change(project / "mlflow.db", "DROP TABLE registered_model_aliases")


def another_workspace(project):
    for table in ("registered_model_aliases", "model_versions"):
        change(project / "mlflow.db", f"UPDATE {table} SET workspace = 'other'")


def no_schema(project):
    change(project / "mlflow.db", "DELETE FROM alembic_version")


DOUBTS = [
    another_workspace,
    no_schema,
    older_schema,
    newer_schema,
    deleted_version,
    files_gone,
    files_of_another_project,
    files_on_another_machine,
    torn,
    no_tables,
]


@pytest.mark.parametrize("act", DOUBTS)
def test_mlflow_is_asked_in_doubt(crowned, project, act):
    act(project)
    with pytest.raises(UnseenError):
        champion_seen.champion(crowned, NAME)


@pytest.mark.parametrize("address", ["http://127.0.0.1:5000", "postgresql://localhost/mlflow", "sqlite:///:memory:"])
def test_other_stores_are_asked_by_mlflow(address):
    with pytest.raises(UnseenError):
        champion_seen.champion(address, NAME)
