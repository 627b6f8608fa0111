"""Bad input at the command line: one sentence that names the thing and the remedy, nothing half-written."""

import errno
import os
import shutil
import subprocess
import sys
from importlib import metadata

import numpy as np
import pytest
import soundfile as sf
import yaml

from builders import small_folder
from bundles import small_bundle, small_chord_bundle
from earmark.cli import app
from project import REPOSITORY, SMALL, set_keys


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with params.yaml for a small folder of sounds, as the present directory."""
    small_folder(tmp_path / "audio")
    shutil.copy(REPOSITORY / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    configure(tmp_path, **SMALL | {"data.root": "audio"})
    return tmp_path


def configure(place, **changes) -> None:
    params = yaml.safe_load((place / "params.yaml").read_text())
    set_keys(params["tasks"]["genre"], changes)
    (place / "params.yaml").write_text(yaml.safe_dump(params))


def manifest_lines(place, *lines: str) -> None:
    with (place / "audio/manifest.csv").open("a") as file:
        file.write("".join(f"{line}\n" for line in lines))


def rewrite(place, old: str, new: str) -> None:
    path = place / "audio/manifest.csv"
    path.write_text(path.read_text().replace(old, new))


def split_by_group(place, test_label: str | None = None) -> None:
    """An official split: group 0 of a label tests, 1 validates, 2 trains."""
    rows = ["path,label,group,split"]
    for label in ("low", "high", "noise"):
        for i in range(6):
            split = ("test", "val", "train")[i // 2]
            named = test_label if test_label and label == "low" and split == "test" else label
            rows.append(f"{label}/{i}.wav,{named},{label}{i // 2},{split}")
    (place / "audio/manifest.csv").write_text("\n".join(rows) + "\n")


def missing_column(place):
    rewrite(place, "path,label,group", "path,lable,group")
    return "no column 'label'", "lable"


def unknown_label_in_test(place):
    split_by_group(place, test_label="bass")
    return "'bass' occurs in test but not in train", "add recordings"


def group_in_two_splits(place):
    split_by_group(place)
    rewrite(place, "low/0.wav,low,low0,test", "low/0.wav,low,low2,test")
    return "Group 'low2' is in the splits test and train", "move all its recordings"


def outside(place):
    manifest_lines(place, "../secret.wav,low,s")
    return "line 20: '../secret.wav' lies outside", "below that folder"


def one_recording(place):
    sf.write(place / "audio/one.wav", np.sin(np.arange(12000)), 8000)
    manifest_lines(place, "one.wav,rare,rare0")
    return "Class 'rare' has 1 recording", "add recordings or remove the class"


def too_many_bad(place):
    for label in ("low", "high", "noise"):
        for i in range(4):
            (place / f"audio/{label}/{i}.wav").write_text("no audio")
    return "12 of 18 recordings cannot be used", "Format not recognised"


def unknown_parameter(place):
    configure(place, **{"data.test_flod": "fold1"})
    return "unknown key 'tasks.genre.data.test_flod'", "did you mean 'test_fold'?"


def no_folder(place):
    configure(place, **{"data.root": "nowhere"})
    return "nowhere does not exist", "set tasks.*.data.root"


def only_one_class(place):
    rows = [f"low/{i}.wav,low,low{i // 2}" for i in range(6)]
    (place / "audio/manifest.csv").write_text("path,label,group\n" + "\n".join(rows) + "\n")
    return "There is only one class ('low')", "at least two"


MISTAKES = (
    missing_column,
    unknown_label_in_test,
    group_in_two_splits,
    outside,
    one_recording,
    too_many_bad,
    unknown_parameter,
    no_folder,
    only_one_class,
)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: m.__name__)
def test_mistake_is_one_sentence_and_nothing_is_written(place, earmark, mistake):
    what, remedy = mistake(place)
    code, _, (*_, sentence) = earmark("prepare", "genre")
    assert code == 1
    assert sentence.startswith("earmark: ")
    assert what in sentence
    assert remedy in sentence
    assert not (place / "data").exists()


def test_bad_files_are_quarantined_and_the_rest_goes_on(place, monkeypatch, capsys):
    audio = place / "audio"
    voice = np.random.default_rng(0).normal(0, 0.1, 12000)
    nan = np.full(12000, 0.1, np.float32)
    nan[6000] = np.nan
    sf.write(audio / "low/0.wav", np.stack([voice, -voice], 1), 8000)
    sf.write(audio / "low/2.wav", nan, 8000, subtype="FLOAT")
    sf.write(audio / "high/0.wav", np.zeros(0), 8000)
    (audio / "high/2.wav").write_text("no audio")
    (audio / "noise/0.wav").write_bytes(b"")
    monkeypatch.setattr(sys, "argv", ["earmark", "prepare", "genre"])
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert ended.value.code in (0, None)
    assert ("Clips of 2 s: 100.0% of the recordings fit in whole, 0.0% need no padding.") in capsys.readouterr().out
    rows = (place / "data/genre/quarantine.csv").read_text().splitlines()
    assert len(rows) == 6
    reasons = dict(row.split(",", 1) for row in rows[1:])
    assert "its channels cancel out when averaged" in reasons["low/0.wav"]
    assert "not finite" in reasons["low/2.wav"]
    assert "no samples" in reasons["high/0.wav"]
    assert "cannot be decoded" in reasons["high/2.wav"]
    assert "empty" in reasons["noise/0.wav"]


def test_stage_before_is_named_when_missing(place, earmark):
    code, _, (*_, sentence) = earmark("features", "genre")
    assert (code, "run `dvc repro` first" in sentence) == (1, True)


def test_unknown_task_is_named(place, earmark):
    code, _, (*_, sentence) = earmark("prepare", "gerne")
    assert (code, sentence) == (1, "earmark: There is no task 'gerne'; did you mean 'genre'?")


def test_tracking_server_that_is_not_there(place, earmark, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    code, _, (*_, sentence) = earmark("rollback", "genre")
    assert code == 1
    assert sentence.startswith("earmark: The tracking store http://127.0.0.1:9 cannot be reached")
    assert "unset MLFLOW_TRACKING_URI" in sentence


def test_prediction_needs_a_file_that_exists(place, earmark):
    code, _, (*_, sentence) = earmark("predict", "genre", "missing.wav")
    assert (code, sentence) == (1, "earmark: There is no file or folder missing.wav.")


WORDS = ("--about", "chords", "--data", "Generated, CC0")


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (("release", "chord", *WORDS), "There is no trained model in models/chord; run `dvc repro` first."),
        (("release", "chord", *WORDS, "-S", "train.epochs=1"), "leave --figures and -S out"),
        (("score", "chord", "nowhere", "--model", "chords"), "There is no folder nowhere; name one with song.lab"),
        (("score", "chord", "audio", "--model", "chords"), "has no column 'lab'"),
    ],
)
def test_what_chords_lack_is_one_sentence(place, earmark, command, sentence):
    small_chord_bundle(place / "chords")
    code, _, err = earmark(*command)
    assert code == 1
    assert sentence in err[-1]


@pytest.mark.parametrize(
    ("number", "name", "sentence"),
    [
        (errno.ENOSPC, None, "The output cannot be used: No space left on device; free some space there"),
        (errno.EROFS, "out.csv", "out.csv cannot be used: Read-only file system; free some space there"),
        (
            errno.EACCES,
            "a/\udce9",
            r"a/\xe9 cannot be used: Permission denied; free some space there, get write permission",
        ),
    ],
)
def test_a_disk_that_takes_no_more_is_one_sentence(earmark, monkeypatch, number, name, sentence):
    def refuse(*args):
        raise OSError(number, os.strerror(number), name)

    monkeypatch.setattr("earmark.cli.params.entries", refuse)
    code, out, err = earmark("params")
    assert (code, out, len(err)) == (1, "", 1)
    assert err[0].startswith(f"earmark: {sentence}")


def test_other_errors_of_the_system_keep_their_traceback(monkeypatch):
    def fail(*args):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("earmark.cli.params.entries", fail)
    monkeypatch.setattr(sys, "argv", ["earmark", "params"])
    with pytest.raises(OSError, match="Input/output error"):
        app.main()


def params_into(stdout) -> tuple[int, str]:
    """Exit status and stderr of `earmark params demo`, whose output Python holds back until it ends."""
    command, env = [sys.executable, "-m", "earmark", "params", "demo"], {**os.environ, "PYTHONUNBUFFERED": ""}
    done = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, env=env)
    return done.returncode, done.stderr


def test_a_full_disk_behind_stdout_is_one_sentence():
    with open("/dev/full", "w") as full:
        assert params_into(full) == (
            1,
            "earmark: The output cannot be used: No space left on device; free some space there, get write "
            "permission, or name another place.\n",
        )


def test_a_reader_who_has_read_enough_is_no_error():
    reader, writer = os.pipe()
    os.close(reader)
    assert params_into(writer) == (1, "")
    os.close(writer)


def test_a_terminal_of_ascii_gets_all_answers(tmp_path):
    """As in LANG=C with a name in Latin-1 and one in UTF-8: they are shown with escapes."""
    for name in (b"caf\xe9.wav", "é.wav".encode()):
        sf.write(tmp_path / "tone.wav", np.sin(np.arange(8000) / 10) * 0.5, 8000)
        (tmp_path / "tone.wav").rename(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    small_bundle(tmp_path)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "earmark",
            "predict",
            "genre",
            "--model",
            "genre",
            b"caf\xe9.wav",
            "é.wav",
            "none é.wav",
        ],
        capture_output=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONIOENCODING": "ascii", "COLUMNS": "120"},
    )
    out, err = done.stdout.decode("ascii"), done.stderr.decode("ascii")
    assert (done.returncode, "Traceback" in err) == (1, False)
    assert [line.split()[0] for line in out.splitlines() if ".wav" in line] == [r"caf\xe9.wav", r"\xe9.wav"]
    assert err.splitlines()[-1] == r"earmark: There is no file or folder none \xe9.wav."


@pytest.mark.parametrize(
    "command",
    [
        ("score", "genre", "audio", "--model", "nowhere", "--out", "params.yaml"),
        ("release", "genre", *WORDS, "--out", "params.yaml"),
        ("study", "nowhere.yaml", "--out", "params.yaml"),
        ("render", "chords", "params.yaml", "--soundfont", "nowhere.sf2"),
        ("predict", "chord", "audio/low/0.wav", "--model", "nowhere", "--out", "params.yaml"),
        ("bench", "chords", "nowhere", "--truth", "nowhere", "--out", "params.yaml/x.json"),
    ],
    ids=lambda command: command[0],
)
def test_an_output_that_cannot_be_written_is_said_before_anything_else(place, earmark, command):
    option = "OUT" if command[0] == "render" else "--out"
    assert earmark(*command) == (
        1,
        "",
        [
            (
                "earmark: params.yaml is not a folder, so nothing can be written into params.yaml; name another "
                f"folder with {option}."
            )
        ],
    )


def test_the_version_is_that_of_the_package(earmark):
    assert earmark("--version") == (0, f"earmark {metadata.version('earmark')}\n", [])
