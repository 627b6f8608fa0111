"""Walking a folder: links, circles, copies, hidden and foreign folders, and the sentence on each kind left out."""

import os
from pathlib import Path, PurePosixPath

import pytest

from earmark.data.walking import walk
from earmark.errors import EarmarkError


def put(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())


def audio(root: Path, below: str = ".") -> list[str]:
    return [str(path) for path in walk(root, below).audio]


def told(root: Path, **options) -> list[str]:
    said: list[str] = []
    walk(root).tell(said.append, **options)
    return [text.replace(str(root), "ROOT") for text in said]


def once(root: Path, paths: list[str], label: int | None = 0) -> tuple[list[str], list[str]]:
    said: list[str] = []
    key = (lambda path: "") if label is None else (lambda path: path.parts[label])
    kept = walk(root).once(map(PurePosixPath, paths), key, said.append)
    return [str(path) for path in kept], [text.replace(str(root), "ROOT") for text in said]


@pytest.fixture
def root(tmp_path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


def test_files_of_every_depth_and_case_are_found(root):
    put(root, "b/1.wav", "b/c/2.FLAC", "a.Wav", "a/0.opus", "a/notes.txt")
    assert audio(root) == ["a/0.opus", "a.Wav", "b/1.wav", "b/c/2.FLAC"]
    assert audio(root, "b") == ["b/1.wav", "b/c/2.FLAC"]
    assert [str(path) for path in walk(root).folders] == ["a", "b", "b/c"]
    assert told(root) == []


def test_links_to_folders_and_files_are_followed(root, tmp_path):
    put(tmp_path, "far/jazz/0.wav", "far/deep/er/1.wav", "cache/ab/cdef")
    put(root, "rock/0.wav")
    (root / "jazz").symlink_to(tmp_path / "far/jazz")
    (root / "rock/more").symlink_to(tmp_path / "far/deep")
    (root / "rock/1.wav").symlink_to(tmp_path / "cache/ab/cdef")  # as DVC's links into its cache
    assert audio(root) == ["jazz/0.wav", "rock/0.wav", "rock/1.wav", "rock/more/er/1.wav"]
    found = walk(root)
    assert found.real(PurePosixPath("rock/1.wav")) == str(tmp_path / "cache/ab/cdef")
    assert found.real(PurePosixPath("jazz/0.wav")) == str(tmp_path / "far/jazz/0.wav")
    assert found.real(PurePosixPath("rock/0.wav")) == str(root / "rock/0.wav")
    assert told(root) == []


def test_circles_end(root):
    put(root, "a/0.wav", "b/1.wav")
    (root / "a/up").symlink_to(root)
    (root / "a/self").symlink_to(root / "a")
    (root / "a/loop.wav").symlink_to(root / "a/loop.wav")
    (root / "a/b").symlink_to(root / "b")
    (root / "b/a").symlink_to(root / "a")
    assert audio(root) == ["a/0.wav", "a/b/1.wav", "a/loop.wav", "b/1.wav", "b/a/0.wav", "b/a/loop.wav"]


def test_a_link_and_its_target_are_one_recording(root):
    """The real name is kept, also where a link sorts before it; another label is another matter."""
    put(root, "rock/5.wav")
    for link in ("rock/0.wav", "rock/9.wav", "jazz/0.wav"):
        (root / link).parent.mkdir(exist_ok=True)
        (root / link).symlink_to(root / "rock/5.wav")
    both = ["jazz/0.wav", "rock/0.wav", "rock/5.wav", "rock/9.wav"]
    sentence = (
        "left out 2 recordings below ROOT, reached a second time through links (rock/0.wav, rock/9.wav); each is read "
        "once."
    )
    assert once(root, both) == (["jazz/0.wav", "rock/5.wav"], [sentence])
    assert once(root, both, None)[0] == ["rock/5.wav"]
    assert once(root, ["rock/0.wav", "rock/9.wav"])[0] == ["rock/0.wav"]  # the real one is not among them


def test_two_links_into_a_cache_are_one_recording(root, tmp_path):
    put(tmp_path, "cache/ab")
    put(root, "rock/2.wav")
    for name in ("0", "1"):
        (root / f"rock/{name}.wav").symlink_to(tmp_path / "cache/ab")
    assert once(root, audio(root))[0] == ["rock/0.wav", "rock/2.wav"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (".ipynb_checkpoints/0.wav", ".ipynb_checkpoints"),
        (".git/lfs/0.wav", ".git"),
        (".Trash-1000/files/0.wav", ".Trash-1000"),
        ("@eaDir/0.wav/SYNO@.wav", "@eaDir"),
        ("__MACOSX/rock/._0.wav", "__MACOSX"),
        ("$RECYCLE.BIN/0.wav", "$RECYCLE.BIN"),
        ("System Volume Information/0.wav", "System Volume Information"),
        ("lost+found/0.wav", "lost+found"),
        ("rock/._0.wav", "rock/._0.wav"),
        ("rock/.hidden.wav", "rock/.hidden.wav"),
    ],
)
def test_hidden_and_foreign_recordings_are_passed_over_and_counted(root, name, shown):
    put(root, "rock/0.wav", name, "rock/.DS_Store", ".git/HEAD", "Thumbs.db")
    assert audio(root) == ["rock/0.wav"]
    assert told(root) == [
        (
            f"left out 1 recording below ROOT, hidden or in folders of other programs ({shown}); rename those that "
            "are to be read."
        )
    ]


def test_a_kind_has_one_sentence_with_few_names(root):
    put(root, *(f".a/{i}.wav" for i in range(3)), *(f"rock/._{i}.wav" for i in range(3)))
    assert told(root) == [
        (
            "left out 6 recordings below ROOT, hidden or in folders of other programs (.a, rock/._0.wav, "
            "rock/._1.wav and 1 more); rename those that are to be read."
        )
    ]


def test_what_a_link_names_is_not_left_out(root):
    put(root, ".pool/0.wav")
    (root / "rock").mkdir()
    (root / "rock/0.wav").symlink_to(root / ".pool/0.wav")
    assert audio(root) == ["rock/0.wav"]
    assert told(root) == []


def test_files_without_a_suffix_of_audio_are_named_but_for_texts_and_pictures(root):
    put(root, "rock/0.wav", "rock/notes.txt", "cover.JPG", "README", "rock/0.lab")
    assert told(root) == []
    put(root, "rock/1.xyz", "rock/2", "songs.zip")
    assert told(root) == [
        (
            "left out 3 files below ROOT without the suffix of an audio format that is read (rock/1.xyz, rock/2, "
            "songs.zip); convert any recordings among them, for example to .flac."
        )
    ]
    assert told(root, others=False) == []


def test_links_that_lead_nowhere_are_named(root):
    """A recording stays among the files, for its reader to put aside with the reason."""
    put(root, "rock/0.wav")
    (root / "jazz").symlink_to("/nowhere/jazz")
    (root / "rock/1.wav").symlink_to("/nowhere/1.wav")
    assert told(root) == ["left out 1 link below ROOT leading nowhere (jazz): repair or remove what is listed."]
    assert audio(root) == ["rock/0.wav", "rock/1.wav"]


def test_names_that_are_not_utf8_are_told(root):
    put(root, "rock/0.wav")
    with open(os.fsencode(root) + b"/rock/caf\xe9.wav", "wb"):
        pass
    assert audio(root) == ["rock/0.wav"]
    assert told(root) == [
        "left out files and folders below ROOT whose names are not UTF-8 (rock/caf\\xe9.wav); rename them."
    ]


def test_pipes_are_no_recordings(root):
    os.mkfifo(root / "pipe.wav")
    assert audio(root) == []


def test_a_folder_that_is_none(root):
    with pytest.raises(EarmarkError, match=r"nowhere cannot be read \(No such file or directory\); make it readable"):
        walk(root, "nowhere")
