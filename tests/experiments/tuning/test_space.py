"""A space of settings as a file has it: what is drawn, what it sets, and every mistake in one sentence."""

from dataclasses import replace
from pathlib import Path

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from earmark import config
from earmark.errors import EarmarkError
from earmark.experiments.study.checks import Checks
from earmark.experiments.tuning import space
from earmark.tasks import catalog
from earmark.tasks.overrides import keys
from project import REPOSITORY

KNOWN = keys(catalog.task("genre").settings)
SCHEDULE = {"branches": {"cosine": {"warmup_epochs": {"int": [0, 9]}}, "step": {"gamma": {"float": [0.1, 0.5]}}}}


def parse(**entries) -> space.Space:
    return space.parse(Checks(Path("f.yaml"), "genre"), {k.replace("__", "."): v for k, v in entries.items()}, KNOWN)


def said(**entries) -> str:
    with pytest.raises(EarmarkError) as error:
        parse(**entries)
    return str(error.value)


def test_ranges_and_choices():
    found = parse(
        train__lr={"log": [0.001, 0.1]},
        train__epochs={"int": [10, 50], "step": 20},
        features__window_s={"float": [1.0, 2.0], "step": 0.25},
        train__crops={"choice": ["random", "windows"]},
    )
    assert [p.distribution for p in found.parameters] == [
        FloatDistribution(0.001, 0.1, log=True),
        IntDistribution(10, 50, step=20),
        FloatDistribution(1.0, 2.0, step=0.25),
        CategoricalDistribution(["random", "windows"]),
    ]
    drawn = {"train.lr": 0.01, "train.crops": "windows"}
    assert found.overrides(drawn) == drawn


def test_keys_of_a_branch_are_there_where_it_is_taken():
    found = parse(train__schedule=SCHEDULE)
    assert [p.name for p in found.parameters] == [
        "train.schedule",
        "train.schedule.cosine.warmup_epochs",
        "train.schedule.step.gamma",
    ]
    for kind, drawn in (
        ("cosine", {"train.schedule.name": "cosine", "train.schedule.warmup_epochs": 3}),
        ("step", {"train.schedule.name": "step", "train.schedule.gamma": 3}),
    ):
        params = found.drawn(lambda name, of, kind=kind: kind if name == "train.schedule" else 3)
        assert found.overrides(params) == drawn


def test_levels_set_several_keys_and_whole_blocks():
    levels = {"a": {"train.crops": "random"}, "b": {"train.crops": "windows", "train.loss": {"name": "song"}}}
    found = parse(what={"levels": levels})
    assert found.overrides({"what": "b"}) == levels["b"]


def test_todays_setting_is_found_in_it():
    today = config.load_task(REPOSITORY / "params.yaml", "genre")
    found = parse(
        train__schedule=SCHEDULE,
        train__lr={"log": [0.001, 0.1]},
        mix={
            "levels": {
                "none": {"train.augment.mix": {"name": "none"}},
                "mixup": {"train.augment.mix": {"name": "mixup"}},
            }
        },
    )
    assert found.today(today) == {
        "train.schedule": "cosine",
        "train.schedule.cosine.warmup_epochs": 5,
        "train.lr": 0.003,
        "mix": "none",
    }
    elsewhere = replace(today, train=replace(today.train, lr=0.5))
    with pytest.raises(
        EarmarkError,
        match=r"^params\.yaml with the base of this file has train\.lr 0\.5, which is not in the range of 'train\.lr'",
    ):
        found.today(elsewhere)


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ({}, "the space is empty; name at least one key with its range."),
        ({"train__lrr": {"log": [1, 2]}}, "space sets 'train.lrr', which is not a key of tasks.genre; did you mean"),
        ({"train__lr": {"log": [0.1, 0.001]}}, "the bounds 0.1 and 0.001 are not in order; the lower one comes first."),
        ({"train__lr": {"log": [0, 1]}}, "log needs a lowest value above 0 (it is 0)."),
        ({"train__lr": {"float": [0, ".inf"]}}, "float must hold two numbers, the lowest and the highest"),
        (
            {"train__lr": {"log": ["1e-3", "1e-2"]}},
            "lowest and the highest, as in [0.001, 0.1] (YAML reads 1e-3 as text, 1.0e-3 as a number).",
        ),
        ({"train__lr": [0.001, 0.01]}, "space 'train.lr' must list the values to try, as in {float: [0.1, 0.5]}"),
        (
            {"train__schedule": {"choice": ["cosine", "step"]}},
            "space 'train.schedule' is a block that comes in several kinds; name these under branches, or use levels.",
        ),
        ({"train__epochs": {"int": [1, 2.5]}}, "int must hold two whole numbers, the lowest and the highest"),
        (
            {"train__epochs": {"float": [1, 2]}},
            "is a range of 'float', which this setting does not take; list a choice.",
        ),
        ({"train__crops": {"int": [1, 2]}}, "is a range of 'int', which this setting does not take; list a choice."),
        ({"train__lr": {"float": [0, 1], "step": 0.3}}, "the range is not a whole number of steps of 0.3"),
        ({"train__lr": {"log": [0.1, 1], "step": 0.1}}, "a log range has no step; leave it out."),
        ({"train__crops": {"choice": ["random"]}}, "choice must list two or more plain values"),
        ({"train__crops": {"choice": ["random", "random"]}}, "choice gives a value twice; give each once."),
        ({"train__lr": {"between": [0, 1]}}, "has the word 'between', which does not exist"),
        ({"train__lr": {"float": [0, 1], "choice": [1, 2]}}, "needs exactly one of float, log, int, choice"),
        (
            {"train__lr": {"branches": {"a": None, "b": None}}},
            "has branches, but does not come in several kinds",
        ),
        (
            {"train__schedule": {"branches": {"cosine": None, "sine": None}}},
            "names the kind 'sine', which does not exist",
        ),
        (
            {"train__schedule": {"branches": {"cosine": {"gamma": {"float": [0, 1]}}, "step": None}}},
            "branch 'cosine', has the key 'gamma', which does not exist",
        ),
        ({"a": {"levels": {"one": {"train.lr": 1}}}}, "has fewer than two levels"),
        (
            {"train__lr": {"log": [0.1, 1]}, "a": {"levels": {"x": {"train.lr": 1}, "y": {"train.lr": 2}}}},
            "'train.lr' and 'a' both set 'train.lr'; leave it to one.",
        ),
    ],
)
def test_every_mistake_is_one_sentence(entries, sentence):
    found = said(**entries)
    assert found.startswith("f.yaml: ")
    assert sentence in found
    assert "\n" not in found
