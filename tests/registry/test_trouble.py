"""A tracking store that cannot be used: one sentence with the remedy, and never a password."""

import shutil
import sqlite3

import pytest
from mlflow.version import VERSION

from earmark.registry import tracking, trouble
from project import REPOSITORY
from stores import change

ASK = ("rollback", "genre")
PARAMS = REPOSITORY / "params.yaml"


def said(earmark, *command: str) -> str:
    """The one line that a command says as it fails."""
    code, out, err = earmark(*command or ASK)
    assert (code, out, len(err)) == (1, "", 1)
    return err[0].removeprefix("earmark: ")


def test_an_older_schema_is_told_with_the_command_and_a_copy(project, earmark):
    change(project / "mlflow.db", "UPDATE alembic_version SET version_num = '451aebb31d03'")
    before = (project / "mlflow.db").read_bytes()
    file = project / "mlflow.db"
    assert said(earmark) == (
        f"{file} was written by an older MLflow than the installed {VERSION}; make a copy of the store with "
        f"`cp {file} {file}.backup`, then run `mlflow db upgrade sqlite:///{file}`."
    )
    change(project / "mlflow.db", "DROP TABLE logged_model_tags")  # as it is in a truly older one
    assert "mlflow db upgrade" in said(earmark)
    change(project / "mlflow.db", "CREATE TABLE logged_model_tags (x)")
    assert len(before) == len((project / "mlflow.db").read_bytes())


def test_the_command_is_quoted_for_the_shell(project, earmark, monkeypatch):
    odd = project.parent / "it's?"
    project.rename(odd)
    monkeypatch.chdir(odd)
    change(odd / "mlflow.db", "UPDATE alembic_version SET version_num = '451aebb31d03'")
    address = f"sqlite+pysqlite:///{project.parent}/it%27s%3F/mlflow.db"
    assert said(earmark).endswith(f"then run `mlflow db upgrade {address}`.")
    assert f"cp '{project.parent}/it'\"'\"'s?/mlflow.db'" in said(earmark)


def test_a_newer_schema_is_told(project, earmark):
    change(project / "mlflow.db", "UPDATE alembic_version SET version_num = 'ffffffffffff'")
    assert f"was written by a newer MLflow than the installed {VERSION} (" in said(earmark)
    assert "install the newer one, or set MLFLOW_TRACKING_URI" in said(earmark)


def test_known_schemas_are_in_order():
    assert len(trouble.revisions()) > 50
    assert trouble.revisions()[-1] == "451aebb31d03"


def no_database(file):
    file.write_text("hello")
    return "is not a database; move it away, and `dvc repro` makes a new one"


def half_a_database(file):
    file.write_bytes(file.read_bytes()[:100_000])
    return "is damaged (database disk image is malformed); put a backup in its place"


def a_folder(file):
    file.unlink()
    file.mkdir()
    return "is a folder, and the tracking store must be a file; move the folder away."


def somebody_elses(file):
    file.unlink()
    change(file, "CREATE TABLE songs (title)")
    return "is a database, but not MLflow's; move it away"


@pytest.mark.parametrize("spoil", [no_database, half_a_database, a_folder, somebody_elses])
@pytest.mark.parametrize("command", [ASK, ("promote", "genre"), ("crossval", "genre"), ("predict", "genre", "a.wav")])
def test_a_file_that_is_no_store_is_named(project, earmark, spoil, command):
    sentence = spoil(project / "mlflow.db")
    if command[0] == "crossval":
        shutil.copy(PARAMS, project)
    (project / "a.wav").touch()
    assert said(earmark, *command).startswith(f"{project / 'mlflow.db'} {sentence}")


def test_an_empty_file_is_made_a_store(project, earmark):
    (project / "mlflow.db").write_bytes(b"")
    assert "There is no registered model earmark-genre" in said(earmark)


def test_a_locked_database_is_waited_for_and_told(project, earmark, monkeypatch):
    monkeypatch.setattr(trouble, "WAIT_S", 0.1)
    other = sqlite3.connect(project / "mlflow.db")
    other.execute("BEGIN EXCLUSIVE")
    assert said(earmark).startswith(f"{project / 'mlflow.db'} is locked by another process; wait until")
    other.close()


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        (
            "postgresql+psycopg2://u:secret@127.0.0.1/x",
            "The tracking store postgresql+psycopg2://***@127.0.0.1/x needs the database driver psycopg2, which is not "
            "installed; install it with `pip install psycopg2-binary`, or unset MLFLOW_TRACKING_URI.",
        ),
        (
            "mysql+pymysql://u:se@c/ret@host/x?password=secret",
            "The tracking store mysql+pymysql://***@host/x?*** needs the database driver pymysql, which is not "
            "installed; install it with `pip install pymysql`, or unset MLFLOW_TRACKING_URI.",
        ),
        (
            "foo://u:secret@host/x",
            "MLFLOW_TRACKING_URI names a store of the kind 'foo', which MLflow does not know; write it as "
            "http://HOST:PORT, sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME, or unset it.",
        ),
        (
            "nowhere",
            (
                "MLFLOW_TRACKING_URI names the folder nowhere, which MLflow no longer accepts as a store; write "
                "sqlite:///FILE, or unset it."
            ),
        ),
    ],
)
def test_an_address_that_cannot_be_used(project, earmark, monkeypatch, address, sentence):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    assert said(earmark) == sentence


URL = "https://u:se@cret@host:5000/a"
NAMED = "The tracking store https://***@host:5000/a cannot be"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Connection refused", f"{NAMED} reached (it refuses the connection); start it or unset MLFLOW_TRACKING_URI."),
        (
            f"request to {URL} failed: [Errno -2] Name or service not known",
            f"{NAMED} reached (no host of that name is known); check the name in MLFLOW_TRACKING_URI, or unset "
            "MLFLOW_TRACKING_URI.",
        ),
        ("Read timed out.", f"{NAMED} reached (it does not answer in time); start it or unset MLFLOW_TRACKING_URI."),
        (
            "API request failed with error code 401 != 200",
            f"{NAMED} reached (it refuses these credentials); give the user name and password that it requires.",
        ),
        (
            f"Odd answer of {URL}, asked as u:se@cret.\nmore",
            f"{NAMED} used (Odd answer of https://***@host:5000/a, asked as u:***); check the address in "
            "MLFLOW_TRACKING_URI, or unset it.",
        ),
    ],
)
def test_a_servers_trouble_is_told_without_the_password(text, sentence):
    assert str(trouble.unreachable(OSError(text), URL)) == sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("attempt to write a readonly database", "cannot be written; make the file and its folder writable for you"),
        ("[Errno 30] Read-only file system", "cannot be written; make the file and its folder writable for you"),
        ("unable to open database file", "cannot be opened; make the file and its folder readable and writable"),
        ("[Errno 13] Permission denied: 'mlflow.lock'", "cannot be opened; make the file and its folder readable"),
        ("database or disk is full", "cannot be written, because the disk is full; make room"),
        ("database is locked", "is locked by another process; wait until that process ends"),
    ],
)
def test_a_files_trouble_is_told_with_its_own_remedy(tmp_path, text, sentence):
    file = tmp_path / "mlflow.db"
    said = str(trouble.unreachable(OSError(text), f"sqlite:///{file}"))
    assert said.startswith(f"{file} {sentence}")
    assert "MLFLOW_TRACKING_URI" not in said


def test_trouble_in_the_midst_of_a_command_is_one_sentence(project, earmark, monkeypatch):
    """The store answers first, and cannot be written then."""
    tracking.connect("genre")
    other = sqlite3.connect(project / "mlflow.db")
    other.execute("CREATE TRIGGER no BEFORE INSERT ON runs BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END")
    other.close()
    shutil.copy(PARAMS, project)
    assert said(earmark, "crossval", "genre").startswith(f"{project / 'mlflow.db'} cannot be written, because the disk")


def test_an_error_of_another_kind_is_nobodys_store():
    assert trouble.error_of(ValueError("x"), "http://host") is None
    assert trouble.error_of(OSError("x"), "http://host") is None
