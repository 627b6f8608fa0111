"""A tuning file: what it may say, and every mistake in one sentence."""

import pytest
import yaml

from earmark.errors import EarmarkError
from earmark.experiments.tuning import plan
from project import REPOSITORY

FILE = {"task": "genre", "space": {"train.lr": {"log": [0.001, 0.1]}, "train.epochs": {"int": [1, 9]}}}


@pytest.fixture
def read(tmp_path):
    def of(smaller: bool = False, **changed) -> plan.TuningPlan:
        (tmp_path / "f.yaml").write_text(yaml.safe_dump(FILE | changed))
        return plan.read(tmp_path / "f.yaml", smaller)

    return of


@pytest.mark.parametrize("name", ["genre", "chord", "speaker", "esc10"])
@pytest.mark.parametrize("quick", [False, True])
def test_the_shipped_files_are_read(name, quick):
    found = plan.read(REPOSITORY / f"tuning/{name}.yaml", quick)
    assert (found.task, found.name) == (name.replace("esc10", "genre"), name + "-quick" * quick)
    assert found.direction == ("minimize" if name == "speaker" else "maximize")
    assert len(found.space.parameters) > 3


def test_quick_replaces_what_it_names(read):
    found = read(True, quick={"trials": 3, "base": {"train.batch_size": 4}, "space": {"train.epochs": None}})
    assert (found.trials, found.base) == (3, {"train.batch_size": 4})
    assert [p.name for p in found.space.parameters] == ["train.lr"]
    assert read().trials == plan.DEFAULTS["trials"]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"task": None}, "'task' is missing; name the task it is about"),
        ({"task": "genres"}, "task is 'genres'; did you mean 'genre'"),
        ({"trails": 3}, "the key 'trails', which does not exist; did you mean 'trials'"),
        ({"space": None}, "the space is empty; name at least one key with its range."),
        ({"sampler": "bayes"}, "sampler is 'bayes'; known:"),
        ({"trials": 0}, "trials must be a whole number of at least 1."),
        ({"k": 2}, "k must be a whole number of at least 3."),
        ({"seeds": []}, "seeds must list different whole numbers, none below 0"),
        ({"base": {"train.lr": 1}}, "base and the space both set 'train.lr'; leave it to one."),
        ({"base": {"train.lrr": 1}}, "base sets 'train.lrr', which is not a key of tasks.genre"),
        ({"task": "chord"}, "space"),
    ],
)
def test_every_mistake_is_one_sentence(read, changed, sentence):
    if changed == {"task": "chord"}:
        changed = {
            "task": "chord",
            "space": {"train.crops": {"choice": ["a", "b"]}, "features.window_s": {"float": [1, 2]}},
        }
    with pytest.raises(EarmarkError) as error:
        read(**changed)
    assert sentence in str(error.value)
    assert "f.yaml: " in str(error.value)


def test_what_the_space_tries_is_not_set_on_the_command_line(tmp_path):
    (tmp_path / "f.yaml").write_text(yaml.safe_dump({"task": "genre", "space": {"train.lr": {"log": [0.001, 0.1]}}}))
    with pytest.raises(
        EarmarkError, match=r"f\.yaml: -S sets 'train\.lr', which the space tries; leave -S train\.lr out"
    ):
        plan.read(tmp_path / "f.yaml", more={"train.lr": 0.004})


def test_a_grid_needs_steps(read, tmp_path):
    with pytest.raises(EarmarkError, match=r"sampler is grid, and 'train\.lr' is a range without a step"):
        plan.require_grid(read(sampler="grid"), tmp_path / "f.yaml")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(EarmarkError, match=r"There is no tuning file .*; name a YAML file, as in tuning/mine\.yaml"):
        plan.read(tmp_path / "none.yaml")
