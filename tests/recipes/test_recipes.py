"""Recipes are settings that the pipeline reads, and scripts that name files, options and settings that there are."""

import re
import subprocess

import pytest
import yaml

from earmark import config
from earmark.tasks import overrides
from project import REPOSITORY

FOLDER = REPOSITORY / "recipes"
RECIPES = sorted(FOLDER.glob("*.yaml"))
SCRIPTS = sorted(FOLDER.glob("*.sh"))


def params(recipe) -> dict:
    """params.yaml with the settings of a recipe."""
    raw, brought = (yaml.safe_load(file.read_text()) for file in (REPOSITORY / "params.yaml", recipe))
    task = brought.pop("task")
    data = {f"tasks.{task}.data.{key}": value for key, value in brought.pop("data", {}).items()}
    overrides.put_all(raw, data | {f"tasks.{task}.{name}": block for name, block in brought.items()})
    return raw


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.name)
def test_a_recipe_is_settings_of_its_task(recipe):
    task = yaml.safe_load(recipe.read_text())["task"]
    assert config.parse_task(params(recipe), task, recipe.name).train.epochs > 0


def test_the_recipe_of_voices_trains_two_towers_each_for_itself():
    asked = config.parse_task(params(FOLDER / "speaker.yaml"), "speaker")
    assert asked.features.views == 2
    assert asked.train.loss.each_view


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_bash_and_names_what_there_is(script):
    text = script.read_text()
    subprocess.run(["bash", "-n", str(script)], check=True)
    for name in re.findall(r"recipes/\w+\.(?:sh|py|yaml)", text):
        assert (REPOSITORY / name).exists(), name
    changed = re.findall(r"-S (\S+)", text)
    if changed:
        task, recipe = re.search(r"earmark use (\w+) \S+ --recipe (recipes/\w+\.yaml)", text).groups()
        raw = params(REPOSITORY / recipe)
        overrides.put_all(raw, dict(config.assignment(one) for one in changed))
        config.parse_task(raw, task, script.name)
