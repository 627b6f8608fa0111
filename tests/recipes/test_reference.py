"""docs/reference/ says what the code says."""

import subprocess
import sys

import pytest

from project import REPOSITORY

sys.path.append(str(REPOSITORY / "recipes"))  # as a script has its folder
import reference


@pytest.mark.parametrize("page", reference.PAGES)
def test_a_page_is_what_the_code_makes_of_it(page, monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    made, kept = reference.PAGES[page](), (reference.FOLDER / page).read_text()
    assert made == kept, f"docs/reference/{page} is stale: python recipes/reference.py"


def test_commands_have_their_arguments_options_and_defaults():
    page = reference.commands()
    assert "```text\nearmark predict chord FILES... [OPTIONS]\n```" in page
    assert "| `--port` | Port on this machine to serve on. | `5000` |" in page
    assert "- [`earmark registry sync`](#earmark-registry-sync): " in page


def test_keys_have_their_values_and_meaning(monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    page = reference.settings()
    assert "| `genre.train.schedule.gamma` (step) | number; by default 0.1 | Factor on the rate at each step. |" in page
    assert "| `genre.features.kind` | log_mel \\| mfcc; here log_mel | What a frame holds: the log-mel spectrum" in page


def test_every_command_of_help_is_on_the_page():
    said = subprocess.run([sys.executable, "-m", "earmark", "--help"], capture_output=True, text=True, check=True)
    names = [line.split()[1] for line in said.stdout.splitlines() if line.startswith("│ ") and line[2] != " "]
    names = [name for name in names if not name.startswith("--")]
    assert len(names) > 25
    assert [name for name in names if f"\n## earmark {name}" not in reference.commands()] == []
