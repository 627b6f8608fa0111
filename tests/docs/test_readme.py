"""README.md and guides that it leads to: every command runs as it is shown, on recordings of the names it uses."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pretty_midi
import pytest
import typer
import yaml

import guide
import newcomer
from builders import tone
from chord_audio import song
from earmark.cli.app import app
from project import REPOSITORY, commit, make
from voice_audio import voice

README = REPOSITORY / "README.md"
DOCS = REPOSITORY / "docs"
PAGES = sorted({*REPOSITORY.glob("*.md"), *DOCS.rglob("*.md")} - {REPOSITORY / "CHANGELOG.md"})
MAKE, OWN, USING, COMPARING = guide.blocks(README, "bash")
LONG, SCORE, CROSSVAL, RELEASE, _ = guide.blocks(DOCS / "predicting.md", "bash")
RUNS, EXPERIMENT, KEEPING = guide.blocks(DOCS / "tracking.md", "bash")
CHORDS, MORE_CHORDS = guide.blocks(DOCS / "chords.md", "bash")
(SPEAKERS,) = guide.blocks(DOCS / "speakers.md", "bash")
(ESC10,) = guide.blocks(DOCS / "results/genre.md", "bash")
(DEVELOPING,) = guide.blocks(REPOSITORY / "CONTRIBUTING.md", "bash")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A clone in a home with recordings, and the files that the README names."""
    home = tmp_path_factory.mktemp("home")
    newcomer.recordings(home / "recordings", 10)
    newcomer.recordings(home / "new", 1, first=30)
    clone = home / "earmark"
    clone.mkdir()
    project = make(clone)
    shutil.copy(REPOSITORY / "dvc.lock", clone)  # the demo's results, which a fresh clone lists and does not have
    commit(project, "the demo's results")
    (clone / ".venv/bin").mkdir(parents=True)
    (clone / ".venv/bin/activate").write_text(f"export PATH={Path(sys.executable).parent}:$PATH\n")
    newcomer.make_small(clone, **{"train.epochs": 20, "train.lr": 0.003})
    newcomer.recordings(clone / "generated", 2, first=20)
    (clone / "recordings").symlink_to(home / "recordings")
    for name in ("b.flac", "concert.flac", "song.flac"):
        tone(clone / name, 700.0, 2.0, 8000)
    for i, name in enumerate(("a.wav", "b.wav", "who.wav", "known/ann/1.wav", "known/bob/1.wav")):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        voice(clone / name, i % 2, 0, i)
    (clone / "labels").mkdir()
    song(clone / "labels/song.wav", "C:maj A:min F:maj G:maj", 0)
    (clone / "labels/song.wav").rename(clone / "song.wav")
    (clone / "piano.sf2").symlink_to(Path(pretty_midi.__file__).parent / "TimGM6mb.sf2")
    return clone


@pytest.fixture(scope="module")
def walk(place) -> dict[str, str]:
    """What the blocks about one's own audio, the model and its promotion printed, one after the other."""
    home = place.parent
    said = {"own": newcomer.run(OWN, place, home)}
    using = {"using": USING, "long": LONG, "score": SCORE, "crossval": CROSSVAL, "release": RELEASE}
    said |= {name: newcomer.run(block, place, home) for name, block in using.items()}
    newcomer.make_small(place, **{"train.epochs": 20, "train.lr": 0.002})
    newcomer.run(guide.Block("", 0, "bash", "dvc repro publish@genre"), place, home)
    comparing = {"comparing": COMPARING, "runs": RUNS, "experiment": EXPERIMENT}
    said |= {name: newcomer.run(block, place, home) for name, block in comparing.items()}
    said["params before"] = (place / "params.yaml").read_text()
    return said | {"keeping": newcomer.run(KEEPING, place, home)}


def test_the_two_commands_are_make_s_own():
    assert MAKE.text.splitlines()[0].startswith("make repro ")
    assert MAKE.text.splitlines()[1].startswith("make test ")
    for target, runs in {"repro": "dvc repro", "test": "python -m pytest"}.items():
        done = subprocess.run(["make", "-n", target], cwd=REPOSITORY, capture_output=True, text=True, check=True)
        assert runs in done.stdout


@pytest.mark.pipeline
def test_from_a_folder_to_a_champion_in_five_commands(walk):
    assert len(OWN.text.splitlines()) == 5
    assert "Registered earmark-genre version 1." in walk["own"]
    assert "Running stage 'demo'" not in walk["own"]
    assert "Version 1 is champion" in walk["own"]
    assert "low30.wav" in walk["own"]


@pytest.mark.pipeline
def test_using_a_model(walk, place):
    assert "concert.flac" in walk["using"]
    assert (place / "chords/song.lab").exists()
    assert {path.name for path in (place / "times").iterdir()} == {"concert.txt", "concert.selections.txt"}
    assert len(json.loads(walk["long"][walk["long"].index("[\n") :])) == 30
    assert (place / "score/genre/score.json").exists()
    assert (place / "crossval/genre/metrics.json").exists()
    assert {path.name for path in (place / "release/genre").iterdir()} == {
        "CARD.md",
        "config.json",
        "model.safetensors",
        "recordings.csv",
    }
    assert walk["release"].count(".wav") == 6
    assert "Every recording is a group of its own" in walk["crossval"]


@pytest.mark.pipeline
def test_comparing_and_promoting(walk):
    said = walk["comparing"]
    assert "train.lr" in said
    assert "The gate cannot tell, so version 2 is not promoted" in said
    assert "Version 2 is champion; it replaces version 1." in said
    assert "Version 1 is champion again; version 2 was rolled back." in said
    assert "rollback" in said.partition("when (UTC)")[2]


@pytest.mark.pipeline
def test_runs_are_listed_and_an_experiment_leaves_the_folder_alone(walk, place):
    assert "train.lr 0.003 → 0.002" in walk["runs"]
    assert "reports/genre/metrics.json" in walk["runs"]  # dvc metrics diff
    assert "slower" in walk["experiment"]
    assert yaml.safe_load(walk["params before"])["tasks"]["genre"]["train"]["lr"] == 0.002


@pytest.mark.pipeline
def test_an_experiment_is_kept_without_training_again(walk, place):
    assert "+      lr: 0.001" in walk["keeping"]
    assert "Stage 'train@genre' is cached - skipping run" in walk["keeping"]
    assert "Registered earmark-genre version 3." in walk["keeping"]
    assert yaml.safe_load((place / "params.yaml").read_text())["tasks"]["genre"]["train"]["lr"] == 0.001


@pytest.mark.pipeline
def test_the_study_of_esc10_begins(place, tmp_path):
    """It takes hours: seen are its plan, and that it ends when it is told to."""
    corpus = place.parent / "ESC-50"
    rows = ["filename,fold,target,category,esc10,src_file,take"]
    for i in range(20):
        tone(corpus / "audio" / f"{i}.wav", 200.0 + 50 * i, 1.0, 8000)
        rows.append(f"{i}.wav,{1 + i % 5},0,{'dog' if i < 10 else 'rain'},True,{i},A")
    (corpus / "meta").mkdir()
    (corpus / "meta/esc50.csv").write_text("\n".join(rows))
    with guide.running(ESC10, place, place.parent) as process:
        while not (said := re.search(r"\d+ trainings", (place.parent / "guide.log").read_text())):
            assert process.poll() is None, (place.parent / "guide.log").read_text()
            time.sleep(0.1)
    assert said
    assert "Traceback" not in (place.parent / "guide.log").read_text()


def test_chords(place):
    said = newcomer.run(CHORDS, place, place.parent)
    assert {path.name for path in (place / "chords").iterdir()} == {"song.lab", "song.json", "song.jams", "song.mid"}
    assert "majmin" in said


def test_more_of_chords(place):
    said = newcomer.run(MORE_CHORDS, place, place.parent)
    assert "dyad" in said
    assert len(list((place / "songs").rglob("*.lab"))) >= 4


def test_speakers(place):
    said = newcomer.run(SPEAKERS, place, place.parent)
    assert "who.wav" in said
    assert (place / "voices.parquet").exists()


@pytest.mark.parametrize("line", DEVELOPING.text.splitlines())
def test_developers_targets_exist(line):
    done = subprocess.run(["make", "-n", line.split()[1]], cwd=REPOSITORY, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def lines(page: Path) -> set[str]:
    """The commands of a page's blocks, a line each as a shell joins them, without what stands behind #, | and &&."""
    text = "\n".join(block.text for block in guide.blocks(page, "bash")).replace("\\\n", " ")
    return {re.split(r" [#|] | \|\| | && ", line)[0].strip() for line in text.splitlines()}


INLINE = sorted(
    {(page.name, code) for page in PAGES for code in re.findall(r"`((?:earmark|dvc|make) [^`]+)`", page.read_text())}
    | {(page.name, line) for page in PAGES for line in lines(page) if re.match(r"(earmark|make) ", line)}
)


@pytest.mark.parametrize(("page", "code"), INLINE, ids=[code for _, code in INLINE])
def test_a_command_that_is_shown_exists(page, code):
    """Its options, too; what it is about may be left out. Blocks that a test can run are run by those above."""
    program, name, *rest = shlex.split(code.replace("...", ""))
    if program == "make":
        subprocess.run(["make", "-n", name], cwd=REPOSITORY, capture_output=True, check=True)
    if program != "earmark":
        return
    command = typer.main.get_command(app).commands[name]
    if hasattr(command, "commands"):  # predict, bench, render
        if not rest:
            return
        name, *rest = rest
        command = command.get_command(None, name)
    complaint = ""
    try:
        command.make_context(name, rest)
    except Exception as e:  # of typer's own click, which has no public name
        complaint = f"{type(e).__name__}: {e}"
    assert complaint == "" or complaint.startswith("MissingParameter"), f"{page}: {complaint}"
