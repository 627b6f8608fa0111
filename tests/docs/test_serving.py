"""docs/serving.md: every block runs as it is shown, and says what it is shown to say."""

import json
import shutil
import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest

import guide
import served
from builders import tone
from project import REPOSITORY

GUIDE = REPOSITORY / "docs/serving.md"
PYTHON = guide.blocks(GUIDE, "python")
ELSEWHERE, SERVER, ASKED, REFUSED = guide.blocks(GUIDE, "bash")


@pytest.fixture(scope="module")
def place(tmp_path_factory, empty_store) -> Path:
    """A project with a genre champion, the guide's two recordings, and an empty home beside it."""
    folder = tmp_path_factory.mktemp("place") / "project"
    (folder.parent / "home").mkdir()
    folder.mkdir()
    (folder / "params.yaml").touch()
    shutil.copy(empty_store, folder / "mlflow.db")
    tone(folder / "song.wav", 440.0, seconds=6.0)  # more than fits on a command line
    tone(folder / "other.flac", 880.0, channels=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        served.champion("genre", folder / "toy")
    return folder


def run(block: guide.Block, place: Path) -> str:
    return guide.run(block, place, place.parent / "home")


@pytest.mark.parametrize("block", [*PYTHON, ELSEWHERE], ids=str)
def test_a_block_says_what_is_shown(place, block):
    assert block.output
    assert run(block, place) == block.output


def test_every_block_is_run():
    assert len(PYTHON) == 3
    assert {b.language for b in guide.blocks(GUIDE)} == {"python", "bash", "text"}


def test_the_service(place):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    server, asked, refused = (replace(b, text=b.text.replace("5001", port)) for b in (SERVER, ASKED, REFUSED))
    assert server != SERVER
    with guide.running(server, place, place.parent / "home") as process:
        while "Uvicorn running" not in (place.parent / "home/guide.log").read_text():
            assert process.poll() is None, (place.parent / "home/guide.log").read_text()
            time.sleep(0.1)
        assert run(refused, place) + "\n" == REFUSED.output
        (answer,) = json.loads(run(asked, place))["predictions"]
    (shown,) = json.loads(ASKED.output)["predictions"]
    assert {k: type(v) for k, v in answer.items()} == {k: type(v) for k, v in shown.items()}
    assert {answer["label"], answer["runner_up"]} < {"high", "low", "noise"}
