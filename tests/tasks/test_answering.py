"""Which files `earmark predict` can use: true reasons, and what comes through pipes."""

import hashlib
import os
import socket
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from builders import noise
from bundles import small_chord_bundle, small_model, small_speaker_bundle
from earmark import audio
from earmark.audio import AudioError, CheckedRecording
from earmark.errors import EarmarkError
from earmark.tasks import answering, piped
from earmark.training import model_files
from earmark.training.model_files import ResolvedModel
from voice_audio import voice


def asked(*files) -> tuple[list[tuple[str, bytes, str]], list[str]]:
    """(shown, bytes, stem) of what can be used, and the sentences on the others."""
    problems: answering.Problems = []
    with answering.recordings([Path(f) for f in files], problems) as found:
        return [(r.shown, Path(r.source).read_bytes(), r.stem) for r in found], sentences(problems)


def sentences(problems: answering.Problems) -> list[str]:
    return [problem.sentence for problem in problems]


@pytest.fixture
def pipe():
    """Makes a pipe that holds some bytes, as a path."""
    ends = []

    def make(data: bytes) -> str:
        reader, writer = os.pipe()
        os.write(writer, data)
        os.close(writer)
        ends.append(reader)
        return f"/dev/fd/{reader}"

    yield make
    for end in ends:
        os.close(end)


@pytest.fixture
def stdin(tmp_path):
    """Puts a file or a pipe in the place of standard input."""
    kept = os.dup(0)

    def put(path) -> None:
        end = os.open(path, os.O_RDONLY)
        os.dup2(end, 0)
        os.close(end)

    yield put
    os.dup2(kept, 0)
    os.close(kept)


def test_reasons_are_true(workplace):
    Path("folder").mkdir()
    Path("broken.wav").symlink_to("gone.wav")
    Path("loop.wav").symlink_to("loop.wav")
    Path("a.wav").write_bytes(b"sound")
    long = 300 * "a"
    found, problems = asked(
        "a.wav", "none.wav", "folder", "broken.wav", "loop.wav", "a.wav/b.wav", long, "/dev/null", "/dev/zero"
    )
    assert found == [("a.wav", b"sound", "a")]
    assert problems == [
        "There is no file or folder none.wav.",
        "There is no recording in the folder folder; name another folder, or files.",
        "broken.wav is a broken link: it leads to gone.wav, which does not exist.",
        "loop.wav cannot be used: Too many levels of symbolic links.",
        "a.wav/b.wav cannot be used: Not a directory.",
        f"{long} cannot be used: File name too long.",
        "/dev/null is a device, not a recording; name a file or a pipe.",
        "/dev/zero is a device, not a recording; name a file or a pipe.",
    ]


def test_a_socket_is_no_recording(workplace):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        assert asked("s")[1] == ["s is a socket, not a recording; name a file or a pipe."]


def test_a_file_without_permission(workplace, monkeypatch):
    """root may read everything, so the decoder's answer is played."""
    Path("a.wav").write_bytes(b"sound")

    def no(path):
        raise PermissionError(13, "Permission denied", str(path))

    problems: answering.Problems = []
    with answering.recordings([Path("a.wav")], problems) as found:
        assert list(answering.answers(found, no, problems)) == []
    assert sentences(problems) == ["a.wav cannot be used: Permission denied."]


def test_names_are_those_that_were_typed(workplace, capsys):
    name = os.fsdecode(b"caf\xe9.wav")
    Path(name).write_bytes(b"sound")
    found, problems = asked(name, os.fsdecode(b"gone\xe9.wav"))
    assert found == [(r"caf\xe9.wav", b"sound", os.fsdecode(b"caf\xe9"))]
    assert problems == [r"There is no file or folder gone\xe9.wav."]
    assert capsys.readouterr().err == (
        "earmark: the name of caf\\xe9.wav is not UTF-8, so it is written with escapes; rename the file to "
        "avoid them.\n"
    )


def test_pipes_are_read_under_their_own_names(pipe):
    one, other = pipe(b"one"), pipe(b"other")
    assert asked(one, other) == ([(one, b"one", Path(one).name), (other, b"other", Path(other).name)], [])


def test_a_named_pipe_is_read(workplace):
    os.mkfifo("song.wav")
    writer = threading.Thread(target=lambda: Path("song.wav").write_bytes(b"sound"))
    writer.start()
    assert asked("song.wav") == ([("song.wav", b"sound", "song")], [])
    writer.join()


@pytest.mark.parametrize(("name", "stem"), [("-", "stdin"), ("/dev/stdin", "stdin"), ("/dev/fd/0", "0")])
def test_standard_input_is_read(pipe, stdin, name, stem):
    stdin(pipe(b"sound"))
    assert asked(name) == ([(name, b"sound", stem)], [])


def test_a_file_as_standard_input_is_read(workplace, stdin):
    Path("a.wav").write_bytes(b"sound")
    stdin("a.wav")
    assert asked("-", "/dev/stdin") == ([("-", b"sound", "stdin"), ("/dev/stdin", b"sound", "stdin")], [])


def test_nothing_comes_through(pipe, stdin):
    empty = pipe(b"")
    stdin("/dev/null")
    assert asked(empty, "-")[1] == [
        f"{empty} is empty: nothing came through the pipe.",
        "- is empty: nothing came through the pipe.",
    ]


def test_standard_input_that_is_a_folder_or_a_terminal(workplace, stdin):
    stdin(".")
    assert asked("-")[1] == ["- is a folder, not a recording; name a file."]
    leader, follower = os.openpty()
    os.dup2(follower, 0)
    assert asked("-")[1] == ["- is the terminal; pipe a recording into the command, or name a file."]
    os.close(leader)
    os.close(follower)


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_standard_input_that_is_closed(monkeypatch, name):
    monkeypatch.setattr("sys.stdin", None)
    assert asked(name)[1] == [f"{name} is closed; pipe a recording into the command, or name a file."]


def test_a_pipe_is_read_once(pipe):
    one = pipe(b"one")
    assert asked(one, one)[1] == [f"{one} is named twice, but a pipe can be read only once; name it once."]


def test_a_pipe_has_a_limit(pipe, monkeypatch):
    monkeypatch.setattr(piped, "MOST_BYTES", 4)
    over, at = pipe(b"12345"), pipe(b"1234")
    found, problems = asked(over, at)
    assert [data for _, data, _ in found] == [b"1234"]
    assert problems == [
        f"{over} delivers more than 3.72529e-09 GiB, the most that is read from a pipe; save it as a file, and name "
        "that."
    ]


def test_copies_are_gone_afterwards(pipe, tmp_path, monkeypatch):
    monkeypatch.setattr(piped.tempfile, "tempdir", str(tmp_path))
    with answering.recordings([Path(pipe(b"sound"))], []) as found:
        assert found[0].source.is_relative_to(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_was_found_is_told_when_the_command_ends_early(capsys):
    with pytest.raises(EarmarkError), answering.recordings([Path("none.wav")], []):
        raise EarmarkError("no model")
    assert capsys.readouterr().err == "earmark: There is no file or folder none.wav.\n"


def test_a_recording_that_cannot_be_decoded_does_not_stop_the_others(workplace):
    for name in ("a.wav", "b.wav"):
        Path(name).write_bytes(b"sound")
    problems: answering.Problems = []

    def answer(recording: CheckedRecording) -> str:
        if recording.source == Path("a.wav"):
            raise AudioError("it is no sound")
        return "sound"

    with answering.recordings([Path("a.wav"), Path("b.wav")], problems) as found:
        assert [(r.shown, said) for r, said in answering.answers(found, answer, problems)] == [("b.wav", "sound")]
    assert sentences(problems) == ["a.wav cannot be used: it is no sound."]


def test_what_was_passed_over_in_a_recording_is_said(workplace, capsys):
    sf.write("whole.mp3", noise(2.0), 22050)
    data = Path("whole.mp3").read_bytes()
    at = data.find(b"Xing") + 7
    Path("short.mp3").write_bytes(data[:at] + b"\0" + data[at + 1 : -30])  # that states no number of frames
    problems: answering.Problems = []
    with answering.recordings([Path("whole.mp3"), Path("short.mp3")], problems) as found:
        seconds = [info.duration_s for _, info in answering.answers(found, audio.check, problems)]
    assert (problems, seconds[0]) == ([], 2.0)
    said = f"earmark: short.mp3: its last frame is incomplete; {seconds[1]:.2f} s were read.\n"
    assert capsys.readouterr().err == said


def test_one_channel_is_read(workplace):
    left, right = noise(1.0, 8000), noise(1.0, 8000, seed=1)
    sf.write("a.wav", np.stack([left, right], 1), 8000, subtype="FLOAT")
    for channel, wanted in ((1, left), (2, right), (None, (left + right) / 2)):
        with answering.recordings([Path("a.wav")], [], channel) as found:
            got = np.concatenate(list(audio.read_blocks(found[0].source, 8000)))
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-7)


def test_folders_are_entered_and_named_as_they_were(workplace, capsys):
    for name in ("music/b.wav", "music/live/a.flac", "music/.trash/c.wav", "music/notes.txt", "music/x.dat", "z.wav"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(name.encode())
    Path("music/again.wav").symlink_to("b.wav")
    Path("music/gone.wav").symlink_to("nowhere.wav")
    problems: answering.Problems = []
    with answering.recordings([Path("music"), Path("none.wav"), Path("z.wav")], problems) as found:
        shown = [(r.shown, Path(r.source).read_bytes().decode(), r.stem, r.place) for r in found]
    assert shown == [
        ("music/b.wav", "music/b.wav", "b", 0),
        ("music/live/a.flac", "music/live/a.flac", "live/a", 2),
        ("z.wav", "z.wav", "z", 4),
    ]
    assert problems == [
        ("music/gone.wav is a broken link: it leads to nowhere.wav, which does not exist.", "music/gone.wav", 1),
        ("There is no file or folder none.wav.", "none.wav", 3),
    ]
    err = capsys.readouterr().err.splitlines()
    assert [line.split(" below")[0] for line in err] == [
        "earmark: left out 1 recording",
        "earmark: left out 1 recording",
        "earmark: left out 1 file",
    ]
    assert "again.wav" in err[0]
    assert ".trash" in err[1]


def test_a_folder_that_cannot_be_read_does_not_stop_the_others(workplace, monkeypatch):
    Path("shut").mkdir()
    Path("a.wav").write_bytes(b"sound")

    def no(root):
        raise EarmarkError(f"{root} cannot be read (Permission denied); make it readable, or move it away.")

    monkeypatch.setattr("earmark.data.walking.walk", no)
    found, problems = asked("shut", "a.wav")
    assert ([name for name, *_ in found], problems) == (
        ["a.wav"],
        ["shut cannot be read (Permission denied); make it readable, or move it away."],
    )


def test_where_folders_are_not_entered_they_are_no_recordings(workplace):
    Path("music").mkdir()
    problems: answering.Problems = []
    with answering.recordings([Path("music")], problems, folders=False) as found:
        assert found == []
    assert sentences(problems) == ["music is a folder, not a recording; name a file."]


def test_rows_of_json_are_in_the_files_order():
    one, other = (answering.Recording(name, Path(name), name, place) for name, place in (("c", 2), ("a", 0)))
    problems = [answering.Problem("b is bad.", "b", 1), answering.Problem("known is bad.", "known", None)]
    model = ResolvedModel(Path("none"), "the model", "It answers.", "champion", "3")
    by = {"name": "the model", "source": "champion", "version": "3", "sha256": None}
    assert answering.rows([(one, {"label": "x"}), (other, {"label": "y"})], problems, ["label"], model) == [
        {"path": "a", "label": "y", "error": None, "model": by},
        {"path": "b", "label": None, "error": "b is bad.", "model": by},
        {"path": "c", "label": "x", "error": None, "model": by},
    ]
    assert answering.rows([], problems[:1], ["label"], None)[0]["model"] is None


@pytest.mark.parametrize(
    ("make", "wish"),
    [
        (small_model, ("genre",)),
        (small_chord_bundle, ("chord",)),
        (small_speaker_bundle, ("speaker", "--cluster", "--threshold", "0.5")),
        (small_speaker_bundle, ("speaker", "--embed", "found.parquet")),
    ],
)
@pytest.mark.parametrize("channel", [(), ("--channel", "1")])
def test_recordings_that_the_model_was_trained_on_are_told(workplace, earmark, make, wish, channel):
    folder = make(workplace / "model")
    for i, name in enumerate(("a.wav", "b.wav", "c.wav")):
        voice(workplace / name, i, 0, i)
    asked = ["predict", *wish, "a.wav", "b.wav", "c.wav", "--model", str(folder), *channel]
    told = " among those that the model was trained or validated on "
    assert not [line for line in earmark(*asked)[2] if told in line]
    hashes = [hashlib.sha256((workplace / name).read_bytes()).hexdigest() for name in ("a.wav", "c.wav")]
    model_files.write_learnt(folder, [*((sha256, "train") for sha256 in hashes), ("7" * 64, "val")])
    (line,) = [line for line in earmark(*asked)[2] if told in line]
    assert line == (f"earmark: 2 of 3 recordings are{told}(a.wav, c.wav): on new ones it will be wrong more often.")
