"""The tracking store's address: from the environment, and of files whose folders are called anything."""

import pytest
from sqlalchemy.engine import make_url

from earmark import paths

FOLDERS = (
    "plain",
    "it's mine",
    "feature%2Fx",
    "100%",
    "what?",
    "a#b",
    "a;b&c=d",
    "größe 日本",
    "a@b:c",
    'two "quotes"',
)


@pytest.mark.parametrize("folder", FOLDERS)
def test_an_address_names_the_very_file_to_sqlalchemy_and_to_earmark(tmp_path, folder):
    file = tmp_path / folder / "mlflow.db"
    url = make_url(paths.sqlite_address(file))
    assert (url.get_backend_name(), url.database, dict(url.query)) == ("sqlite", str(file), {})
    assert paths.sqlite_file(paths.sqlite_address(file)) == file


def test_a_plain_folders_address_is_written_as_everybody_writes_it(tmp_path):
    assert paths.sqlite_address(tmp_path / "mlflow.db") == f"sqlite:///{tmp_path}/mlflow.db"
    assert paths.sqlite_address(tmp_path / "it's/mlflow.db") == f"sqlite:///{tmp_path}/it's/mlflow.db"


@pytest.mark.parametrize(
    "address",
    [
        "http://host:5000",
        "postgresql://u:p@host/x",
        "sqlite:///:memory:",
        "sqlite://",
        "file:///tmp/x",
        "/tmp/mlflow.db",
    ],
)
def test_other_addresses_name_no_sqlite_file(address):
    assert paths.sqlite_file(address) is None


def test_a_relative_address_is_of_the_present_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert paths.sqlite_file("sqlite:///mlflow.db") == tmp_path / "mlflow.db"


@pytest.mark.parametrize(
    ("said", "meant"), [("http://host \n", "http://host"), ("\thttp://host", "http://host"), ("", None), (" \n", None)]
)
def test_blanks_around_the_address_do_not_count(monkeypatch, said, meant):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", said)
    assert paths.tracking_address() == meant


def test_the_store_is_the_environments_else_the_projects_if_it_is_there(tmp_path, monkeypatch):
    (tmp_path / "a?").mkdir()
    monkeypatch.chdir(tmp_path / "a?")
    assert paths.tracking_store() is None
    (tmp_path / "a?/params.yaml").touch()
    assert paths.tracking_store() is None
    (tmp_path / "a?/mlflow.db").touch()
    assert paths.tracking_store() == f"sqlite+pysqlite:///{tmp_path}/a%3F/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://host\n")
    assert paths.tracking_store() == "http://host"


def test_the_audio_folder_of_a_user(tmp_path, monkeypatch):
    (tmp_path / "home").mkdir()
    (tmp_path / "project").mkdir()
    (tmp_path / "project/params.yaml").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "project")
    assert paths.audio_root("~/x") == tmp_path / "home/x"
    assert paths.audio_root("~nobody-at-all/x") == tmp_path / "project/~nobody-at-all/x"
    assert paths.audio_root("audio") == tmp_path / "project/audio"
    (tmp_path / "project/~/x").mkdir(parents=True)
    assert str(paths.audio_root("~/x")) == "~/x"  # as DVC takes it
