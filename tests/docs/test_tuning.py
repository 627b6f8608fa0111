"""docs/tuning.md: its file is read, its defaults are those of the code, its states those of a trial."""

import re

import pytest

import guide
from earmark import config
from earmark.experiments.tuning import plan, run, storage
from earmark.experiments.tuning.ground import Ground
from project import REPOSITORY

GUIDE = REPOSITORY / "docs/tuning.md"
(FILE,) = guide.blocks(GUIDE, "yaml")


@pytest.fixture
def example(tmp_path) -> plan.TuningPlan:
    (tmp_path / "mine.yaml").write_text(FILE.text)
    return plan.read(tmp_path / "mine.yaml")


def test_the_file_is_read_and_todays_setting_lies_in_it(example):
    ground = Ground(example, config.read(REPOSITORY / "params.yaml"), pytest.fail, lambda items, *_: items)
    settings = ground.settings()
    assert settings.train.epochs == 60
    drawn = {p.name for p in example.space.parameters}
    assert drawn >= {"train.lr", "train.schedule", "train.schedule.step.gamma", "crops"}
    today = example.space.today(settings)
    assert (today["crops"], today["train.lr"]) == ("random", settings.train.lr)
    run._require_possible(ground, GUIDE, today)


def test_the_defaults_are_those_of_the_code(example):
    rows = re.findall(r"^\| `(\w+)`(?:, `(\w+)`)? \| (.*?) \|", GUIDE.read_text(), re.M)
    told = {}
    for first, second, values in rows:
        given = re.findall(r"`?(\[.*?\]|[\w.]+)`?", values)
        told |= dict(zip(filter(None, (first, second)), given, strict=True))
    assert told == {key: str(plan.DEFAULTS[key] or "null") for key in told}
    rest = {"task", "about", "base", "space", "quick"}
    assert set(told) | rest == set(plan.DEFAULTS)


def test_every_end_of_a_trial_is_told():
    told = re.findall(r"^\| (\w+) \| .*\| `[A-Z]+` \|$", GUIDE.read_text(), re.M)
    assert set(told) == set(storage.STATES) - {"running"}
