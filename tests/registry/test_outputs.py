"""Hashes as DVC computes them, and files back out of its cache, its remote and git's history."""

import shutil
import subprocess
from pathlib import Path

import pytest
from dvc.repo import Repo

from earmark.registry import outputs
from earmark.registry.outputs import GoneError

FILES = {
    "models/genre/model.safetensors": b"\x00\x01" * 1000,
    "models/genre/inner/b.txt": "ä\r\n".encode(),
    "models/genre/inner.txt": b"",
    "reports/genre/listening.html": b"<html>\r\n",
}


def git(*command: str) -> str:
    who = ("-c", "user.name=tester", "-c", "user.email=tester@example.org")
    return subprocess.run(["git", *who, *command], check=True, capture_output=True, text=True).stdout.strip()


def write(files: dict[str, bytes], root: Path = Path()) -> None:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A DVC project with two outputs in its cache, and metrics.json of two commits."""
    place = tmp_path_factory.mktemp("dvc") / "project"
    place.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        git("init", "-q", "-b", "main")
        Repo.init()
        Path("params.yaml").touch()
        write(FILES)
        Repo().add(["models/genre", "reports/genre/listening.html"])
        for accuracy in (b"0.5", b"0.75"):
            write({"reports/genre/metrics.json": b'{"accuracy": ' + accuracy + b"}"})
            git("add", "-A")
            git("commit", "-q", "-m", "a run")
    return place


@pytest.fixture
def place(made, tmp_path, monkeypatch) -> Path:
    shutil.copytree(made, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def added(name: str) -> str:
    """The hash that DVC wrote into its own file."""
    import yaml

    return yaml.safe_load(Path(f"{name}.dvc").read_text())["outs"][0]["md5"]


def hashed() -> dict[str, str]:
    return outputs.hashes("genre", Path("models"), Path("models/genre"), Path("reports/genre"), ["listening.html", "x"])


def test_hashes_are_those_of_dvc(place):
    found = hashed()
    assert found["models/genre"] == added("models/genre")
    assert found["models/genre"].endswith(".dir")
    assert found["reports/genre/listening.html"] == added("reports/genre/listening.html")
    assert set(found) == {"data/genre", "models/genre", "reports/genre/listening.html"}


def wanted() -> dict[str, str]:
    first = git("rev-list", "--reverse", "HEAD").split()[0]
    metrics = outputs.hashlib.md5(outputs.at_commit(first, "reports/genre/metrics.json")).hexdigest()
    names = ("models/genre", "reports/genre/listening.html")
    return {name: added(name) for name in names} | {"reports/genre/metrics.json": metrics}


def test_files_come_out_of_the_cache_and_of_gits_history(place, tmp_path):
    dvc = wanted()
    shutil.rmtree("models/genre")
    outputs.restore(dvc, tmp_path / "out")
    found = {str(p.relative_to(tmp_path / "out")): p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert found == FILES | {"reports/genre/metrics.json": b'{"accuracy": 0.5}'}


def test_in_a_folder_of_a_repository(place, tmp_path, monkeypatch):
    """Git's paths begin at the top of the repository, the project's in its own folder."""
    inner = place / "inner"
    inner.mkdir()
    monkeypatch.chdir(inner)
    Path("params.yaml").touch()
    write({"reports/genre/metrics.json": b"old"})
    git("add", ".")
    git("commit", "-q", "-m", "inner")
    value = outputs.md5(Path("reports/genre/metrics.json"))
    write({"reports/genre/metrics.json": b"new"})
    assert outputs._from_git("reports/genre/metrics.json", value) == b"old"


def gone(dvc: dict[str, str], into: Path) -> str:
    with pytest.raises(GoneError) as error:
        outputs.restore(dvc, into)
    return str(error.value)


def test_what_the_cache_lacks_comes_from_the_remote(place, tmp_path):
    dvc, value = wanted(), added("models/genre")
    subprocess.run(["dvc", "remote", "add", "-d", "-q", "there", str(tmp_path / "remote")], check=True)
    repo = Repo()
    repo.push()
    shutil.rmtree(".dvc/cache")
    outputs.restore(dvc, tmp_path / "out")
    assert outputs.md5(tmp_path / "out/models/genre") == value
    shutil.rmtree(".dvc/cache")
    shutil.rmtree(tmp_path / "remote")
    assert gone(dvc, tmp_path / "out2").startswith(f"neither DVC's cache nor its remote has models/genre ({value})")


def test_what_is_nowhere(place, tmp_path):
    dvc, value = wanted(), added("models/genre")
    unknown = {"reports/genre/metrics.json": "1" * 32}
    assert gone(unknown, tmp_path / "out") == f"no commit has reports/genre/metrics.json as it was then ({'1' * 32})"
    inner = outputs.md5(Path("models/genre/model.safetensors"))
    Path(f".dvc/cache/files/md5/{inner[:2]}/{inner[2:]}").unlink()
    lacks = f"DVC's cache lacks models/genre ({value}), and the project has no default remote"
    assert gone(dvc, tmp_path / "out") == lacks
    listed = Path(f".dvc/cache/files/md5/{value[:2]}/{value[2:]}")
    listed.chmod(0o644)
    listed.write_text("[{")
    assert gone(dvc, tmp_path / "out") == f"the list of files {value} in DVC's cache is broken"
    shutil.rmtree(".dvc")
    assert gone(dvc, tmp_path / "out").startswith("this is not a DVC project (")


def test_a_list_that_names_a_file_outside_of_its_folder(place, tmp_path):
    value = added("models/genre")
    listed = Path(f".dvc/cache/files/md5/{value[:2]}/{value[2:]}")
    listed.chmod(0o644)
    listed.write_text(listed.read_text().replace("inner.txt", "../../../../x.txt"))
    assert gone(wanted(), tmp_path / "out") == "DVC's cache names a file outside of its folder ('../../../../x.txt')"
    assert not (tmp_path / "x.txt").exists()


def test_the_commit_that_had_the_files_first(place):
    dvc = wanted()
    assert outputs.commit_of("genre", dvc) is None  # no dvc.lock yet
    commits = []
    for content in (f"md5: {dvc['models/genre']}\n", "md5: other\n", f"md5: {dvc['models/genre']}\n"):
        Path("dvc.lock").write_text(content)
        git("add", "dvc.lock")
        git("commit", "-q", "-m", "a run")
        commits.append(git("rev-parse", "HEAD"))
    assert outputs.commit_of("genre", dvc) == commits[0]
    assert outputs.commit_of("genre", {}) is None
