"""The leak of a random split: where there are no groups there is none, and nothing is trained."""

import json
from dataclasses import dataclass
from types import SimpleNamespace

import pandas as pd

from builders import data_settings
from earmark.cli import show
from earmark.evaluation.fold import Fold
from earmark.experiments import leak_gap

SPLIT = ["train", "train", "test", "train", "train", "test"]
SETTINGS = SimpleNamespace(data=data_settings(), evaluate=None)


@dataclass(frozen=True)
class Dataset:
    table: pd.DataFrame


def task(groups: str, trained: list[list[str]]) -> SimpleNamespace:
    """A task of six recordings, whose training notes the split that it gets and is right in three of four."""
    rows = {"path": [f"{i}.wav" for i in range(6)], "label": list("xxxyyy"), "group": list(groups), "split": SPLIT}

    def one(dataset: Dataset, *args: object) -> Fold:
        trained.append(dataset.table["split"].tolist())
        return Fold("random", pd.DataFrame(), None, [{"epoch": 1}], 1)

    rooms = {
        "dataset": SimpleNamespace(load=lambda settings: Dataset(pd.DataFrame(rows))),
        "folds": SimpleNamespace(train_and_test=one, figures=lambda folds, settings: {"accuracy": 0.75}),
    }
    return SimpleNamespace(name="genre", leak_figures=("accuracy",), room=rooms.__getitem__)


def test_a_random_split_is_trained_and_held_against_the_other(tmp_path):
    trained: list[list[str]] = []
    gap = leak_gap.run(task("aabbcc", trained), SETTINGS, {"accuracy": 0.5}, tmp_path)
    assert gap == {"accuracy": {"grouped": 0.5, "random": 0.75, "gap": 0.25}}
    assert json.loads((tmp_path / "leak_gap.json").read_text()) == gap
    assert [sorted(split) for split in trained] == [sorted(SPLIT)]


def test_without_groups_that_is_said_and_nothing_trained(tmp_path, capsys):
    trained: list[list[str]] = []
    (tmp_path / "metrics.json").write_text(json.dumps({"accuracy": 0.5}))
    show.leak_gap(task("abcdef", trained), SETTINGS, tmp_path)
    assert capsys.readouterr().out == (
        "Every recording is a group of its own, so a random split cannot leak, and nothing was trained. If "
        "several come from one source (an artist, an album, a take), name the source in the manifest's column "
        "group.\n"
    )
    assert trained == []
    assert [p.name for p in tmp_path.iterdir()] == ["metrics.json"]
