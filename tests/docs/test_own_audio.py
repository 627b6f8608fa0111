"""docs/own_audio.md: the newcomer's way, block by block as it is shown."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

import guide
import newcomer
from earmark.data import marks
from project import REPOSITORY

GUIDE = REPOSITORY / "docs/own_audio.md"
INIT, USE, REPRO, PROMOTE, COMMIT, SECOND, GO_ON, INSIST, BACK, GROW, REVIEW, APPLY = guide.blocks(GUIDE, "bash")


@pytest.fixture(scope="module")
def walk(tmp_path_factory) -> dict[str, str]:
    """What each block printed, in a home with recordings and some more of them."""
    home = tmp_path_factory.mktemp("home")
    newcomer.recordings(home / "recordings", 10)
    newcomer.recordings(home / "more", 2, first=10)
    project = home / "project"
    said = {"init": newcomer.run(INIT, home, home).replace(str(home), "/home/me")}
    said["use"] = newcomer.run(USE, project, home)
    newcomer.make_small(project, **{"train.epochs": 20, "train.lr": 0.003})
    for name, block in {"repro": REPRO, "promote": PROMOTE, "commit": COMMIT, "second": SECOND}.items():
        said[name] = newcomer.run(block, project, home)
    shutil.copytree(project, home / "back", symlinks=True)
    newcomer.run(BACK, home / "back", home)
    said |= {"status": changed(project), "status after going back": changed(home / "back")}
    said |= {name: newcomer.run(block, project, home) for name, block in (("go on", GO_ON), ("insist", INSIST))}
    said |= {"grow": newcomer.run(GROW, project, home), "review": newcomer.run(REVIEW, project, home)}
    first, *others = marks.read(project / "review.csv")
    right = "high" if first.label == "low" else "low"
    marks.write(project / "review.csv", [replace(first, status="corrected", corrected=right, by="Ada"), *others])
    said["apply"] = newcomer.run(APPLY, project, home)
    return said | {"home": str(home), "corrected": f"{first.path},{right},"}


def changed(project: Path) -> str:
    """Files that differ from the last commit."""
    asked = ["git", "status", "--porcelain"]
    return subprocess.run(asked, cwd=project, capture_output=True, text=True, check=True).stdout


pytestmark = pytest.mark.pipeline


def test_init_says_what_is_shown(walk):
    assert walk["init"] == INIT.output


def test_use_looks_at_the_folder(walk):
    assert "params.yaml now has data.source" in walk["use"]
    assert "30 recordings, 0.5 minutes in all: " in walk["use"]
    assert f"data.root: {walk['home']}/recordings in tasks.genre." in walk["use"]


def test_the_run_is_of_one_task_and_ends_with_what_to_commit(walk):
    assert "Registered earmark-genre version 1." in walk["repro"]
    new = "git add params.yaml dvc.lock reports/genre/metrics.json splits/genre.csv .gitignore .dvc .dvcignore dvc.yaml"
    assert new in walk["repro"]
    assert ".dvc" not in walk["go on"].partition("To keep this run")[2]
    assert "Running stage 'demo'" not in walk["repro"]
    assert "@chord" not in walk["repro"]


def test_the_champion_answers_for_the_folder(walk):
    assert "Version 1 is champion" in walk["promote"]
    assert walk["promote"].count(".wav") == 30


def test_a_second_run_is_compared_in_one_command(walk):
    assert "genre: 2 runs" in walk["second"]
    assert "train.lr 0.003 → 0.001" in walk["second"]
    assert "params.yaml" in walk["status"]


def test_going_back_is_as_after_the_last_commit(walk):
    assert "params.yaml" not in walk["status after going back"]
    assert "dvc.lock" in walk["status"]
    assert "dvc.lock" not in walk["status after going back"]


def test_going_on_trains_nothing_and_asks_the_gate(walk):
    assert "Running stage 'train@genre'" not in walk["go on"]
    assert "groups of recordings could only rule out losses of" in walk["go on"]
    assert "The gate cannot tell, so version 2 is not promoted" in walk["go on"]


def test_insisting_is_written_down(walk):
    assert "Version 2 is champion; it replaces version 1." in walk["insist"]
    assert "git add " in walk["insist"]
    assert "registry/genre" in walk["insist"]
    history = walk["insist"].partition("when (UTC)")[2]
    for word in ("promotion", "cannot tell", "forced", "hears the"):
        assert word in history, word


def test_a_grown_collection_is_trained_and_both_are_judged_on_it(walk):
    assert "New groups assigned to splits: 6 (" in walk["grow"]
    assert "30 stay where they were" in walk["grow"]
    assert "of version 3 against" in walk["grow"]
    assert "each end of an interval is taken at the significance level 0.05 / 2 = 0.025" in walk["grow"]


def test_a_corrected_label_is_trained_on_and_the_figures_compared(walk):
    assert "labels, the most doubtful first" in walk["review"]
    assert "1 label corrected; unchanged, for lack of a mark: 35 recordings" in walk["apply"]
    assert "data.manifest: manifest.reviewed-1.csv in tasks.genre." in walk["apply"]
    manifest = (Path(walk["home"]) / "recordings/manifest.reviewed-1.csv").read_text()
    assert [row.split(",")[3:5] for row in manifest.splitlines() if row.startswith(walk["corrected"])] == [
        ["corrected", "Ada"]
    ]
    assert "New groups assigned to splits" not in walk["apply"]
    assert "reports/genre/metrics.json" in walk["apply"]  # dvc metrics diff


def test_every_block_is_run():
    assert {b.language for b in guide.blocks(GUIDE)} == {"bash", "text"}
    assert len(guide.blocks(GUIDE, "bash")) == 12
