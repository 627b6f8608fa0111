"""A project that was copied or moved has its own store: nothing of the former folder is read or written."""

import hashlib
import platform
import shutil
from pathlib import Path

import pytest

from earmark.errors import EarmarkError
from earmark.registry import moved, tracking, versions
from stores import NAME, champion, change, rows, run, version

ALL = " UNION ALL ".join(f"SELECT {column} FROM {table}" for table, column in moved.PLACES)
FOLDERS = ("elsewhere", "it's", "feature%2Fx", "what?", "größe; a#b & c")


def places(folder: Path) -> list[str]:
    """The places in the store of a project, but for those that name no folder."""
    return [place for place in rows(folder / "mlflow.db", ALL) if place and place.startswith(("file:", "/"))]


def below(folder: Path, place: str) -> bool:
    return place.startswith((f"{folder.as_uri()}/", f"{folder}/"))


def untagged(folder: Path) -> None:
    """As releases before this one left it."""
    change(folder / "mlflow.db", "DELETE FROM experiment_tags")


def state(folder: Path) -> dict[str, str]:
    """Hashes of all files, but for locks."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".lock"]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def used(project: Path) -> Path:
    """A project with two versions, the second champion, and a run that was killed under way."""
    tracker = tracking.connect("genre")
    for number in (version(tracker), version(tracker)):
        tracker.client.set_registered_model_alias(NAME, "champion", number)
    run(tracker, "RUNNING", train_key="k", lock="gone")
    return project


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize("before", [lambda folder: None, untagged], ids=["tagged", "untagged"])
@pytest.mark.parametrize("how", [shutil.copytree, shutil.move], ids=["copied", "moved"])
def test_everything_lies_in_the_new_folder(used, tmp_path, monkeypatch, capsys, how, before, name):
    before(used)
    new = tmp_path / name
    how(used, new)
    was = state(used) if used.exists() else {}
    monkeypatch.chdir(new)
    client = tracking.present()
    said = capsys.readouterr().err
    assert said == f"earmark: This project used to be in {used}: mlflow.db now has its models and files below {new}.\n"
    found = places(new)
    assert len(found) == 2 + 3 + 2 + 2  # two experiments, three runs, sources and storage of two versions
    assert all(below(new, place) for place in found)
    assert champion(client) == 2
    assert versions.download(f"models:/{NAME}@champion") == new / found_below(new, found)
    tracker = tracking.connect("genre")
    tracker.client.log_text(run(tracker), "x", "new.txt")
    assert len(list((new / "mlartifacts").rglob("new.txt"))) == 1
    assert (state(used) if used.exists() else {}) == was
    assert capsys.readouterr().err == ""


def found_below(new: Path, found: list[str]) -> Path:
    """The champion's model folder, which is the second version's, as a path below the project."""
    (run_id,) = rows(new / "mlflow.db", "SELECT run_id FROM model_versions WHERE version = 2")
    return Path("mlartifacts/genre") / run_id / "artifacts/model/artifacts/genre"


def test_moved_and_copied_again_and_again(used, tmp_path, monkeypatch):
    untagged(used)
    for i, how in enumerate((shutil.copytree, shutil.move, shutil.copytree)):
        new = tmp_path / f"place{i}"
        how(used, new)
        monkeypatch.chdir(new)
        tracking.connect("genre")
        assert all(below(new, place) for place in places(new))
        used = new


def test_a_copy_leaves_the_runs_of_the_original_alone(used, tmp_path, monkeypatch):
    shutil.copytree(used, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    tracker = tracking.connect("genre")
    assert [r.info.status for r in tracker.find({"earmark.train_key": "k"})] == ["RUNNING"]
    assert tracker.find_own({}) == []


def test_a_moved_project_finds_its_own_runs(used, tmp_path, monkeypatch):
    used.rename(tmp_path / "moved's")
    monkeypatch.chdir(tmp_path / "moved's")
    tracker = tracking.connect("genre")
    assert len(tracker.find_own({})) == 3
    assert [r.info.status for r in tracker.find({"earmark.train_key": "k"})] == ["KILLED"]


def test_whose_a_run_is_names_no_folder_and_runs_of_earlier_releases_are_known(project):
    tracker = tracking.connect("genre")
    now = tracker.create("now", tracking.run_tags("pipeline", {}), {})
    before = tracker.create("before", {"earmark.owner": f"{platform.node()}:{project}"}, {})
    tracker.create("another's", {"earmark.owner": "host:/elsewhere"}, {})
    assert {r.info.run_id for r in tracker.find_own({})} == {now, before}
    told = " ".join(tracker.client.get_run(now).data.tags.values())
    assert str(project) not in told
    assert platform.node() not in told.split()


def test_what_a_copy_wrote_into_the_original_is_fetched(used, tmp_path, monkeypatch, capsys):
    """As releases before this one did."""
    untagged(used)
    new = tmp_path / "copy"
    shutil.copytree(used, new)
    (run_id,) = rows(new / "mlflow.db", "SELECT run_id FROM model_versions WHERE version = 2")
    shutil.rmtree(new / f"mlartifacts/genre/{run_id}")
    monkeypatch.chdir(new)
    tracking.present()
    assert "Folders copied, of files that existed only there: 1." in capsys.readouterr().err
    assert below(new, versions.download(f"models:/{NAME}/2").as_uri())


def test_a_place_that_a_user_chose_stays(project, tmp_path, monkeypatch, capsys):
    chosen = (tmp_path / "disk/mlartifacts/genre").as_uri()
    (tmp_path / "disk").mkdir()
    client = tracking.present()
    client.create_experiment("genre", artifact_location=chosen)
    client.create_experiment("mine", artifact_location=(project / "files").as_uri())
    tracking.connect("chord")
    for with_run in (False, True):
        if with_run:
            run(tracking.connect("genre"))
        shutil.copytree(project, tmp_path / f"copy{with_run}")
        monkeypatch.chdir(tmp_path / f"copy{with_run}")
        tracking.connect("genre")
        found = {e.name: e.artifact_location for e in tracking.present().search_experiments()}
        assert found["genre"] == chosen
        assert found["chord"] == (Path.cwd() / "mlartifacts/chord").as_uri()
        assert found["mine"] == (Path.cwd() / "files").as_uri()
        monkeypatch.chdir(project)
    assert "used to be in" in capsys.readouterr().err


def test_a_store_elsewhere_is_left_alone(used, tmp_path, monkeypatch, capsys):
    """It lies in one project, and another one names it."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "params.yaml").touch()
    monkeypatch.chdir(other)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{used / 'mlflow.db'}")
    tracking.connect("genre")
    assert all(below(used, place) for place in places(used))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("address", ["sqlite:///mlflow.db", "sqlite:///{}/mlflow.db", "sqlite:///../new/mlflow.db\n"])
def test_the_projects_own_store_may_be_named(used, tmp_path, monkeypatch, address):
    used.rename(tmp_path / "new")
    monkeypatch.chdir(tmp_path / "new")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address.format(tmp_path / "new"))
    tracking.present()
    assert all(below(tmp_path / "new", place) for place in places(tmp_path / "new"))


def test_another_name_of_the_same_folder_is_no_move(used, tmp_path, monkeypatch, capsys):
    (tmp_path / "link").symlink_to(used)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "link"))
    tracking.connect("genre")
    assert all(below(used, place) for place in places(used))
    assert capsys.readouterr().err == ""


def test_a_store_that_cannot_be_written_is_said(used, tmp_path, monkeypatch):
    new = tmp_path / "copy"
    shutil.copytree(used, new)
    monkeypatch.chdir(new)
    monkeypatch.setattr(moved, "_rewrite", lambda *_: change(Path("/proc/mlflow.db"), ""))
    with pytest.raises(EarmarkError) as error:
        tracking.present()
    assert str(error.value).startswith(
        f"{new}/mlflow.db still says that the project is in {used}, and could not be updated"
    )
    assert all(below(used, place) for place in places(new))


def test_another_task_of_the_same_project(used, tmp_path, monkeypatch):
    """Each experiment is found by its own place; a renamed one and one in the trash are followed, too."""
    tracker = tracking.connect("chord")
    tracker.client.rename_experiment(tracker.experiment_id, "songs")
    tracker.client.delete_experiment(tracking.connect("speaker").experiment_id)
    untagged(used)
    used.rename(tmp_path / "new")
    monkeypatch.chdir(tmp_path / "new")
    tracking.present()
    assert all(below(tmp_path / "new", place) for place in places(tmp_path / "new"))
