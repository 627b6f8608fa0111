"""An installation without the extra `pipeline` answers with the released models, and says what else wants."""

import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from builders import tone
from earmark.cli import extras
from project import REPOSITORY

WITHOUT = """
import sys
from importlib.abc import MetaPathFinder

class Missing(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
from earmark.cli.app import main
sys.argv = ["earmark", *sys.argv[1:]]
main()
"""


@pytest.fixture
def light(tmp_path):
    """Runs a command as an installation without the extra does; gives its exit status and what it printed."""
    tone(tmp_path / "a.wav", 440.0, 3.0, 16000)
    tone(tmp_path / "b.wav", 700.0, 3.0, 16000)

    def run(*arguments: str, folder: Path = tmp_path) -> tuple[int, str, str]:
        script = WITHOUT.format(missing=set(extras.BROUGHT_BY["pipeline"]))
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments], cwd=folder, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["genre", "a.wav", "b.wav"], "b.wav"),
        (["genre", "a.wav", "--timeline"], "a.wav"),
        (["chord", "a.wav", "--out", "chords"], "a.wav"),
        (["speaker", "--verify", "a.wav", "b.wav"], "score"),
        (["speaker", "--cluster", "a.wav", "b.wav", "--speakers", "2"], "b.wav"),
        (["speaker", "--embed", "voices.parquet", "a.wav"], "voices.parquet"),
    ],
)
def test_released_models_answer(light, arguments, answer):
    status, out, err = light("predict", *arguments)
    assert status == 0, err
    assert answer in out + err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "module"),
    [(["ui"], "mlflow"), (["bench", "chords", ".", "--truth", "."], "mir_eval")],
)
def test_what_is_missing_is_one_sentence(light, project, arguments, module):
    status, _, err = light(*arguments, folder=project)
    assert status == 1
    assert err == (
        f"earmark: This command needs {module}, which is not installed: run `pip install '.[pipeline]'` in a "
        "clone of earmark, or `make setup` for everything.\n"
    )


def test_a_module_that_no_extra_brings_is_a_mistake_of_ours():
    assert extras.missing("earmark.tasks.gone") is None
    assert extras.missing("mlflow.entities") == extras.missing("mlflow")


@pytest.mark.parametrize("extra", extras.BROUGHT_BY)
def test_the_modules_are_those_of_the_extra(extra):
    """Of pyproject.toml, but for what other packages import alone."""
    asked = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"][extra]
    wanted = {re.split(r"[\[>=<; ]", one)[0].lower() for one in asked} - {"ruamel.yaml.clib"}
    of = importlib.metadata.packages_distributions()
    assert {name.lower() for module in extras.BROUGHT_BY[extra] for name in of[module]} & wanted == wanted
