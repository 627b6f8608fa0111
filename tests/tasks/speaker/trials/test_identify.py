"""Whose recordings a folder of enrolled voices holds, and what of it is said to be left out."""

import shutil
from pathlib import Path

import pytest

from builders import tone
from earmark.errors import EarmarkError
from earmark.tasks.speaker.trials import identify


def voice(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())


def enrolled(root: Path) -> tuple[dict[str, list[str]], list[str]]:
    said: list[str] = []
    files = identify.enrolled_files(root, said.append)
    names = {name: [path.relative_to(root).as_posix() for path in paths] for name, paths in files.items()}
    return names, [text.replace(str(root), "ROOT") for text in said]


def refused(root: Path) -> str:
    with pytest.raises(EarmarkError) as caught:
        identify.enrolled_files(root, lambda text: None)
    return str(caught.value).replace(str(root), "ROOT")


def test_speakers_are_folders_or_links_to_them(tmp_path):
    root = tmp_path / "known"
    voice(root, "ann/b.wav", "ann/monday/a.FLAC", "ann/notes.txt", ".ipynb_checkpoints/a.wav")
    voice(tmp_path / "far", "bob/0.wav", "x")
    (root / "bob").symlink_to(tmp_path / "far/bob")
    (root / "ann/c.wav").symlink_to(tmp_path / "far/x")
    (root / "ann/d.wav").symlink_to(root / "ann/b.wav")
    names, said = enrolled(root)
    assert names == {"ann": ["ann/b.wav", "ann/c.wav", "ann/monday/a.FLAC"], "bob": ["bob/0.wav"]}
    assert len(said) == 2
    assert ".ipynb_checkpoints" in said[0]
    assert ", reached a second time through links (ann/d.wav)" in said[1]


def test_a_voice_beside_the_folders_is_named(tmp_path):
    voice(tmp_path, "ann/0.wav", "bob.wav", "carol.xyz")
    names, said = enrolled(tmp_path)
    assert names == {"ann": ["ann/0.wav"]}
    assert "without the suffix of an audio format that is read (carol.xyz)" in said[0]
    assert said[1] == (
        "1 recording lies in ROOT itself and has no speaker (bob.wav): left out; move each into the folder of its "
        "speaker."
    )


def test_a_name_in_two_unicode_forms_is_one_person(tmp_path):
    voice(tmp_path, "Jose\u0301/0.wav", "Jos\u00e9/1.wav")
    assert enrolled(tmp_path) == ({"Jos\u00e9": ["Jose\u0301/0.wav", "Jos\u00e9/1.wav"]}, [])


@pytest.mark.parametrize("make", [shutil.copy, lambda path, link: link.symlink_to(path)])
def test_one_recording_of_two_people_is_refused(tmp_path, make):
    voice(tmp_path, "bob/1.wav", "bob/2.wav", "carol/3.wav")
    tone(tmp_path / "ann/0.wav")
    (tmp_path / "carol/3.wav").write_bytes((tmp_path / "bob/2.wav").read_bytes())  # in which nobody is heard
    make(tmp_path / "ann/0.wav", tmp_path / "bob/again.wav")
    assert refused(tmp_path) == (
        "ROOT/ann/0.wav and ROOT/bob/again.wav hold the same bytes, but are labelled as the speakers 'ann' and "
        "'bob'; remove one."
    )


def test_folders_of_nobody(tmp_path):
    assert refused(tmp_path / "none").startswith("There is no folder ROOT;")
    voice(tmp_path, "ann.wav")
    assert refused(tmp_path).startswith("ROOT has no sub-folder with recordings; give each speaker one")
    voice(tmp_path, "ann/0.wav")
    (tmp_path / "bob").mkdir()
    assert refused(tmp_path) == "ROOT/bob holds no recordings; put some in, or remove the folder."
