"""Places that cannot be written are found before the work, and nothing is left in those that can."""

import errno
import os
from pathlib import Path

import pytest

from earmark import errors
from earmark.errors import EarmarkError


def refused(function, *args) -> str:
    with pytest.raises(EarmarkError) as caught:
        function(*args)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_that_can_be_written_is_left_as_it_was(tmp_path: Path):
    errors.writable_folder(tmp_path, "--out")
    errors.writable_folder(tmp_path / "a/b/c", "--out")
    errors.writable_file(tmp_path / "x/new.json", "--out")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "old.json").write_text("old")
    errors.writable_file(tmp_path / "old.json", "--out")
    assert [p.read_text() for p in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize("below", ["", "/a", "/a/b"])
def test_a_file_in_the_place_of_a_folder(tmp_path: Path, below):
    (tmp_path / "file").write_text("")
    path = Path(f"{tmp_path}/file{below}")
    sentence = (
        f"{tmp_path}/file is not a folder, so nothing can be written into {path}; name another folder with --out."
    )
    assert refused(errors.writable_folder, path, "--out") == sentence
    assert refused(errors.writable_file, path / "x.json", "--out") == sentence


def test_places_that_the_system_refuses(tmp_path: Path):
    for path in (Path("/proc/x"), Path("/proc/x/y")):
        assert refused(errors.writable_folder, path, "--out").startswith(f"{path} cannot be written: ")
    assert refused(errors.writable_file, Path("/proc/x.json"), "--out").startswith("/proc cannot be written: ")
    long = tmp_path / (300 * "a")
    assert "File name too long; name another folder with --out." in refused(errors.writable_folder, long, "--out")


def test_a_folder_without_permission(tmp_path: Path, monkeypatch):
    """root may write everywhere, so the system's answer is played."""

    def no(*args, **kwargs):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(errors.tempfile, "TemporaryFile", no)
    assert refused(errors.writable_folder, tmp_path / "new", "--out") == (
        f"{tmp_path}/new cannot be written: Permission denied; name another folder with --out."
    )
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_place_of_a_file(tmp_path: Path):
    assert refused(errors.writable_file, tmp_path, "--out") == f"{tmp_path} is a folder; name a file with --out."


def test_a_device_is_no_place_to_try_things(monkeypatch):
    tried = []
    monkeypatch.setattr(errors, "writable_folder", lambda *place: tried.append(place))
    errors.writable_file(Path("/dev/null"), "--out")
    assert tried == []


def test_a_full_disk_is_one_sentence():
    def write():
        with errors.writing(Path("out.json")), Path("/dev/full").open("w") as full:
            full.write("x")

    assert refused(write) == "out.json cannot be written: No space left on device; make room, or name another place."
