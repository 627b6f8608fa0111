"""Study files: what they mean, and one sentence for each mistake."""

import numpy as np
import pandas as pd
import pytest
import yaml

from builders import data_settings, features_settings
from earmark.errors import EarmarkError
from earmark.experiments.study import nested, plan
from earmark.experiments.study.prepare import Preparer
from earmark.experiments.study.run import read_plan
from earmark.experiments.study.splits import hold_out
from earmark.experiments.study.windowed import LastRows, Windowed, split_windows
from earmark.tasks import overrides
from earmark.tasks.genre.dataset import GenreDataset
from earmark.tasks.genre.settings import GenreSettings, SongLoss
from earmark.tasks.genre.windows import Windows
from earmark.training.settings import CosineSchedule, OneCycleSchedule, PlateauSchedule, StepSchedule
from project import REPOSITORY

KNOWN = [
    "data",
    "data.root",
    "model",
    "model.name",
    "model.channels",
    "train",
    "train.lr",
    "train.epochs",
    "train.seed",
]
MINIMAL = {
    "task": "genre",
    "base": {"train.epochs": 3, "model.channels": 2},
    "factors": {
        "model": {"Small": {}, "Wide": {"model.channels": 8}, "Mlp": {"model.name": "mlp"}},
        "lr": {"key": "train.lr", "values": [0.001, 0.0003]},
    },
}


def parsed(tmp_path, use_quick=False, more=None, **changes) -> plan.StudyPlan:
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(MINIMAL | changes, sort_keys=False))
    return plan.parse(plan.read(file), file, KNOWN, use_quick, more)


def test_grid_holds_every_combination_in_order(tmp_path):
    found = parsed(tmp_path)
    assert [c.name for c in found.cells] == [
        "model=Small lr=0.001",
        "model=Small lr=0.0003",
        "model=Wide lr=0.001",
        "model=Wide lr=0.0003",
        "model=Mlp lr=0.001",
        "model=Mlp lr=0.0003",
    ]
    assert found.cells[0].overrides == {"train.epochs": 3, "model.channels": 2, "train.lr": 0.001}
    assert found.cells[3].overrides == {"train.epochs": 3, "model.channels": 8, "train.lr": 0.0003}
    assert found.factors == {"model": ["Small", "Wide", "Mlp"], "lr": ["0.001", "0.0003"]}
    assert (found.name, found.seeds, found.folds, found.k, found.choose) == ("mine", [1], None, 5, "none")


def test_one_at_a_time_varies_one_factor_from_the_first_levels(tmp_path):
    found = parsed(tmp_path, design="one_at_a_time")
    names = ["model=Small lr=0.001", "model=Wide lr=0.001", "model=Mlp lr=0.001", "model=Small lr=0.0003"]
    assert [c.name for c in found.cells] == names


def test_quick_keeps_levels_and_adds_to_the_base(tmp_path):
    quick = {
        "base": {"train.epochs": 1},
        "factors": {"model": ["Mlp", "Small"], "lr": [0.0003]},
        "folds": ["fold1"],
        "seeds": [7],
    }
    found = parsed(tmp_path, use_quick=True, quick=quick)
    assert [c.name for c in found.cells] == ["model=Mlp lr=0.0003", "model=Small lr=0.0003"]
    assert found.cells[1].overrides == {"train.epochs": 1, "model.channels": 2, "train.lr": 0.0003}
    assert (found.name, found.folds, found.seeds) == ("mine-quick", ["fold1"], [7])


def test_overrides_of_the_command_line_change_the_base_but_no_level(tmp_path):
    found = parsed(tmp_path, more={"data.root": "/audio", "train.epochs": 9, "train.lr": 1.0})
    assert {c.overrides["data.root"] for c in found.cells} == {"/audio"}
    assert {c.overrides["train.epochs"] for c in found.cells} == {9}
    assert {c.overrides["train.lr"] for c in found.cells} == {0.001, 0.0003}


def test_split_is_a_level_too(tmp_path):
    found = parsed(tmp_path, split="random", factors={"split": {"as is": {}, "frames": {"split": "frame"}}})
    assert [c.split for c in found.cells] == ["random", "frame"]
    assert all("split" not in c.overrides for c in found.cells)


def test_reference_belongs_to_the_cells_with_its_levels(tmp_path):
    entry = {"levels": {"model": "Wide", "lr": 0.001}, "test": 0.73, "val": 0.76, "note": "the article"}
    found = parsed(tmp_path, reference=[entry])
    figures = [found.reference_of(cell).get("test") for cell in found.cells]
    assert figures == [None, None, 0.73, None, None, None]


MISTAKES = {
    "no factors": ({"factors": None}, "'factors' is missing"),
    "empty grid": ({"factors": {}}, "the grid is empty"),
    "factor without levels": ({"factors": {"model": {}}}, "factor 'model' has no levels"),
    "no values": ({"factors": {"lr": {"key": "train.lr", "values": []}}}, "at least one value"),
    "value twice": ({"factors": {"lr": {"key": "train.lr", "values": [1, 1]}}}, "factor 'lr' has a level twice"),
    "unknown key": ({"desing": "grid"}, "the key 'desing', which does not exist; did you mean 'design'?"),
    "unknown factor key": (
        {"factors": {"lr": {"slow": {"train.lrr": 1}}}},
        "factor 'lr' sets 'train.lrr', which is not a key of tasks.genre; did you mean 'train.lr'?",
    ),
    "unknown short key": ({"factors": {"lr": {"key": "trian.lr", "values": [1]}}}, "did you mean 'train.lr'?"),
    "unknown base key": ({"base": {"train.epoch": 1}}, "base sets 'train.epoch'"),
    "unknown block": ({"base": {"zzz": 1}}, "known: data, model, train."),
    "level without keys": ({"factors": {"m": {"a": None}}}, "factor 'm' must hold keys and values, not None"),
    "two owners": (
        {"factors": {"a": {"key": "train.lr", "values": [1]}, "b": {"x": {"train.lr": 2}}}},
        "factors 'a' and 'b' both set 'train.lr'",
    ),
    "hidden column": ({"factors": {"accuracy": {"x": {}}}}, "factor 'accuracy' needs another name"),
    "design": ({"design": "gird"}, "design is 'gird'; did you mean 'grid'?"),
    "choose": ({"choose": "best"}, "choose is 'best'"),
    "split": ({"factors": {"s": {"key": "split", "values": ["grop"]}}}, "split is 'grop'; did you mean 'group'?"),
    "seeds": ({"seeds": [1, 1]}, "seeds must list different whole numbers"),
    "folds": ({"folds": []}, "folds must be 'all' or list"),
    "k": ({"k": 1}, "k must be a whole number of at least 2"),
    "nested leak": (
        {"choose": "nested", "factors": {"s": {"key": "split", "values": ["group", "random"]}}},
        "choose: nested needs split: group everywhere",
    ),
    "reference factor": ({"reference": [{"levels": {"modle": "Small"}}]}, "did you mean 'model'?"),
    "reference level": ({"reference": [{"levels": {"model": "Smal"}}]}, "did you mean 'Small'?"),
    "reference share": ({"reference": [{"test": 73}]}, "test must be a share from 0 to 1 (it is 73)"),
    "reference epochs": ({"reference": [{"epochs_to_60": 0.6}]}, "epochs_to_60 must be a whole number above 0."),
    "also in a grid": ({"also": [{"model": "Wide"}]}, "'also' adds cells to design one_at_a_time"),
    "also a level": (
        {"design": "one_at_a_time", "also": [{"model": "Wid"}]},
        "also 1 names, of factor 'model', the level 'Wid', which does not exist; did you mean 'Wide'?",
    ),
    "also twice": (
        {"design": "one_at_a_time", "also": [{"model": "Wide"}]},
        "'also' names a cell that is there already",
    ),
    "also no list": ({"design": "one_at_a_time", "also": {"model": "Wide"}}, "also must be a list of cells"),
    "references clash": (
        {"reference": [{"levels": {"model": "Small"}}, {"levels": {"lr": 0.001}}]},
        "references [1, 2] all belong to the cell model=Small lr=0.001",
    ),
}


@pytest.mark.parametrize(("changes", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_mistake_is_one_sentence_with_the_files_name(tmp_path, changes, sentence):
    with pytest.raises(EarmarkError) as caught:
        parsed(tmp_path, **changes)
    assert str(caught.value).startswith(f"{tmp_path / 'mine.yaml'}: ")
    assert sentence in str(caught.value)


def test_single_cells_are_added_to_one_at_a_time(tmp_path):
    also = [{"model": "Wide", "lr": 0.0003}, {"lr": 0.0003, "model": "Mlp"}]
    found = parsed(tmp_path, design="one_at_a_time", also=also)
    assert [c.name for c in found.cells[4:]] == ["model=Wide lr=0.0003", "model=Mlp lr=0.0003"]
    assert found.cells[4].overrides == {"train.epochs": 3, "model.channels": 8, "train.lr": 0.0003}
    found = parsed(tmp_path, use_quick=True, design="one_at_a_time", also=also, quick={"also": also[:1]})
    assert len(found.cells) == 5


def test_quick_may_change_what_levels_set_and_what_the_study_is_about(tmp_path):
    levels = {"model": {"Wide": {"model.channels": 3}, "Mlp": {"model.channels": 2}}}
    quick = {"levels": levels, "factors": {"model": ["Small", "Wide"], "lr": [0.001]}, "about": "in short"}
    found = parsed(tmp_path, use_quick=True, quick=quick)
    assert [c.overrides["model.channels"] for c in found.cells] == [2, 3]
    assert (found.about, parsed(tmp_path, about="whole").about) == ("in short", "whole")
    assert parsed(tmp_path).cells[2].overrides["model.channels"] == 8


def test_a_reference_may_say_how_soon_it_was_reached(tmp_path):
    entry = {"levels": {"model": "Wide", "lr": 0.001}, "test": 0.73, "epochs_to_60": 8}
    assert parsed(tmp_path, reference=[entry]).reference_of(parsed(tmp_path).cells[2])["epochs_to_60"] == 8


QUICK_MISTAKES = {
    "levels' factor": ({"levels": {"modle": {}}}, "quick.levels names the factor 'modle'"),
    "levels' level": ({"levels": {"model": {"Smal": {}}}}, "quick.levels.model names the level 'Smal'"),
    "levels' key": (
        {"levels": {"model": {"Small": {"train.lr": 1}}}},
        "quick.levels.model sets 'train.lr', which no level of this factor sets; ",
    ),
    "levels' unknown key": ({"levels": {"model": {"Small": {"model.chanels": 1}}}}, "did you mean 'model.channels'?"),
    "none": ({}, "it has no block 'quick'"),
    "factor": ({"factors": {"modle": ["Small"]}}, "did you mean 'model'?"),
    "level": ({"factors": {"model": ["Smal"]}}, "did you mean 'Small'?"),
    "empty": ({"factors": {"model": []}}, "at least one level"),
    "key": ({"fold": ["fold1"]}, "did you mean 'folds'?"),
}


@pytest.mark.parametrize(("quick", "sentence"), QUICK_MISTAKES.values(), ids=QUICK_MISTAKES)
def test_mistake_under_quick(tmp_path, quick, sentence):
    with pytest.raises(EarmarkError) as caught:
        parsed(tmp_path, use_quick=True, quick=quick)
    assert sentence in str(caught.value)


def test_level_given_twice_is_refused_rather_than_replaced(tmp_path):
    file = tmp_path / "twice.yaml"
    file.write_text("task: genre\nfactors:\n  m:\n    A: {train.lr: 1}\n    A: {train.lr: 2}\n")
    with pytest.raises(EarmarkError, match="the key 'A' is given twice"):
        plan.read(file)


@pytest.mark.parametrize(("text", "sentence"), [("- a", "must hold keys"), ("a: [", "cannot be read as YAML")])
def test_file_that_is_no_study(tmp_path, text, sentence):
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(EarmarkError, match=sentence):
        plan.read(tmp_path / "x.yaml")
    with pytest.raises(EarmarkError, match="There is no study file"):
        plan.read(tmp_path / "missing.yaml")


def test_keys_are_blocks_and_those_of_every_name():
    found = list(overrides.keys(GenreSettings))
    assert len(found) == len(set(found))
    assert {"train", "train.lr", "train.schedule", "train.schedule.name"} <= set(found)
    assert {"train.schedule.gamma", "train.schedule.warmup_epochs", "train.augment.mix.alpha"} <= set(found)
    assert {"model.channels", "model.width", "train.optimizer.momentum"} <= set(found)
    assert not {"model.stem", "train.momentum", "train.schedule.step", "name"} & set(found)


PARAMS = yaml.safe_load((REPOSITORY / "params.yaml").read_text())


def cells(tmp_path, base: dict, levels: dict, more: dict | None = None) -> dict:
    """The settings of each level of a study of one factor; a sentence for those that are refused."""
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump({"task": "genre", "base": base, "factors": {"f": levels}}, sort_keys=False))
    found = plan.parse(plan.read(file), file, overrides.keys(GenreSettings), more=more)
    preparer = Preparer(found, PARAMS, lambda sentence: None, lambda items, n, text: items)
    return {cell.levels["f"]: settings_or_refusal(preparer, cell) for cell in found.cells}


def settings_or_refusal(preparer: Preparer, cell: plan.GridCell):
    try:
        return preparer.settings(cell)
    except EarmarkError as e:
        return str(e)


def test_levels_name_keys_of_the_names_that_they_set(tmp_path):
    levels = {
        "cosine": {"train.schedule.warmup_epochs": 2},
        "step": {"train.schedule.gamma": 0.5, "train.schedule.name": "step"},
        "whole": {"train.schedule": {"name": "plateau", "patience": 3}},
    }
    found = cells(tmp_path, {"model.hidden": 8, "model.name": "mlp"}, levels)
    assert {one.model.hidden for one in found.values()} == {8}
    assert found["cosine"].train.schedule == CosineSchedule(warmup_epochs=2)
    assert found["step"].train.schedule == StepSchedule(gamma=0.5)
    assert found["whole"].train.schedule == PlateauSchedule(patience=3)


def test_a_cell_whose_key_is_of_another_name_is_refused(tmp_path):
    levels = {"a": {"train.schedule.name": "step"}, "b": {"train.schedule.name": "onecycle"}}
    found = cells(tmp_path, {"train.schedule.gamma": 0.5}, levels)
    assert found["a"].train.schedule == StepSchedule(gamma=0.5)
    assert "gamma is a key for name step or plateau, but name is onecycle." in found["b"]
    named = {"train.loss.name": "song", "train.crops": "windows"}
    found = cells(tmp_path, {}, {"plain": {"train.loss": "song"}, "named": named})
    assert "write tasks.genre.train.loss: {name: song}, or set tasks.genre.train.loss.name." in found["plain"]
    assert found["named"].train.loss == SongLoss()


def test_a_block_that_is_set_whole_replaces_keys_of_the_base(tmp_path):
    base = {"train.schedule.name": "step", "train.schedule.gamma": 0.5}
    levels = {"base": {}, "whole": {"train.schedule": {"name": "onecycle"}}}
    found = cells(tmp_path, base, levels)
    assert (found["base"].train.schedule, found["whole"].train.schedule) == (
        StepSchedule(gamma=0.5),
        OneCycleSchedule(),
    )
    found = cells(tmp_path, base, {"base": {}}, more={"train.schedule": {"name": "plateau"}})
    assert found["base"].train.schedule == PlateauSchedule()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("train.momentum", "train.optimizer.momentum (of optimizer sgd)"),
        ("train.label_smoothing", "train.loss.label_smoothing (of loss frame)"),
        ("train.augment.mix_share", "train.augment.mix.share (of mix mixup or between_class)"),
    ],
)
def test_a_key_of_before_is_refused_with_its_new_name(tmp_path, old, new):
    with pytest.raises(EarmarkError) as caught:
        cells(tmp_path, {}, {"a": {old: 0.1}})
    text = f"{tmp_path / 'mine.yaml'}: factor 'f' sets '{old}', which is not a key of tasks.genre; it is {new} now."
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("key", "old", "new"), [("model.variant", "seed000", "song_mil"), ("features.log_floor", "seed003", "zero")]
)
def test_a_value_of_before_is_refused_with_its_new_name(tmp_path, key, old, new):
    sentence = f"{key} '{old}' is now '{new}'; write that."
    for base, level, more, who in (
        ({}, {key: old}, {}, "factor 'f'"),
        ({key: old}, {}, {}, "base"),
        ({}, {}, {key: old}, "--set"),
    ):
        with pytest.raises(EarmarkError) as caught:
            cells(tmp_path, base, {"a": level}, more)
        assert str(caught.value) == f"{tmp_path / 'mine.yaml'}: {who}: {sentence}"


@pytest.mark.parametrize(("old", "new"), [("seed001", "dyad_net"), ("seed004", "siamese_blstm")])
def test_a_kind_of_before_is_refused_with_its_new_name(tmp_path, old, new):
    (file := tmp_path / "mine.yaml").write_text(f"kind: {old}\n")
    with pytest.raises(EarmarkError) as caught:
        plan.read(file)
    assert str(caught.value) == f"{file}: kind '{old}' is now '{new}'; write that."


def test_a_link_to_a_study_is_called_as_what_it_leads_to(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/mine.yaml").write_text("task: genre\n")
    (link := tmp_path / "old.yaml").symlink_to("elsewhere/mine.yaml")
    assert [plan.name_of(link, quick) for quick in (False, True)] == ["mine", "mine-quick"]


@pytest.mark.parametrize("name", ["esc10", "esc10_ingredients", "song_mil", "chordnet", "sound_cnns"])
def test_studies_of_the_repository_have_settings_in_every_cell(name):
    file = REPOSITORY / f"studies/{name}.yaml"
    for quick in (False, *([True] if plan.read(file).get("quick") else [])):
        found = read_plan(file, PARAMS, quick, [])
        preparer = Preparer(found, PARAMS, lambda sentence: None, lambda items, n, text: items)
        refused = [s for cell in found.cells if isinstance(s := settings_or_refusal(preparer, cell), str)]
        assert not [
            s for s in refused if "split 'frame'" not in s and "'attention' is trained only by the song" not in s
        ]
        assert len(refused) < len(found.cells)


def recordings() -> pd.DataFrame:
    """Two classes, four folds, three groups of two recordings in each fold and class."""
    rows = [
        (f"{label}{fold}{g}{i}", label, f"{label}{fold}{g}", f"fold{fold}")
        for label in "ab"
        for fold in range(1, 5)
        for g in range(3)
        for i in range(2)
    ]
    return pd.DataFrame(rows, columns=["path", "label", "group", "fold"])


def test_two_folds_are_held_out_together_and_keep_their_names():
    table = recordings()
    held = hold_out(table, ("fold2", "fold4"), data_settings(), "group")
    assert set(held.fold[held["split"] == "test"]) == {"fold2", "fold4"}
    assert set(held.fold[held["split"] != "test"]) == {"fold1", "fold3"}
    assert held.fold.tolist() == table.fold.tolist()
    assert held.groupby("group")["split"].nunique().max() == 1


def test_random_split_tests_every_recording_once_and_splits_groups():
    table, tested = recordings(), []
    for fold in ("fold1", "fold2", "fold3", "fold4"):
        held = hold_out(table, (fold,), data_settings(), "random")
        test = held[held["split"] == "test"]
        assert test.label.value_counts().to_dict() == {"a": 6, "b": 6}
        assert set(test.fold) == {fold}
        tested += test.path.tolist()
    assert sorted(tested) == sorted(table.path)
    assert held.groupby("group")["split"].nunique().max() > 1


def test_windows_are_tested_once_over_the_parts_and_lists_follow():
    counts, settings = [5, 3, 7], features_settings()
    segment = np.repeat([0, 1, 2], counts)
    starts = np.arange(15) * 10
    values = np.zeros((200, settings.n_bands), np.float32)
    extra = {"offsets": np.array([0, 50, 80]), "lengths": np.array([50, 30, 70])}
    known = {k: v for k, v in extra.items() if k in Windows.__dataclass_fields__}
    labels = np.array([0, 1, 0])
    windows = Windows(
        values=values, starts=starts, segment=segment, labels=labels, ids=["x", "y", "z"], n_frames=16, **known
    )
    table = pd.DataFrame({"path": ["x", "y", "z"], "label": ["a", "b", "a"], "group": list("xyz"), "fold": "fold1"})
    dataset = GenreDataset("genre", table, ["a", "b"], windows, settings, "")
    tested = []
    for part in range(3):
        found = split_windows(dataset, Windowed(part, 3, 0.4, seed=3))
        ids = np.array(found.windows.ids)
        assert ids.tolist() == found.table.path.tolist()
        assert (np.diff(found.windows.segment) >= 0).all()
        # Every window still belongs to the recording that it started in.
        origin = dict(zip(starts, np.array(["x", "y", "z"])[segment], strict=True))
        assert [origin[s] for s in found.windows.starts] == ids[found.windows.segment].tolist()
        assert sorted(found.windows.starts) == starts.tolist()
        assert found.windows.labels.tolist() == [{"x": 0, "y": 1, "z": 0}[i] for i in ids]
        # Validation takes at most every second of a recording's other windows, so all labels are trained.
        assert set(found.table.path[found.table["split"] == "train"]) == {"x", "y", "z"}
        tested += found.windows.starts[np.isin(found.windows.segment, found.rows("test"))].tolist()
    assert sorted(tested) == starts.tolist()


def test_shares_of_windows_are_exact():
    settings = features_settings()
    places = {"offsets": np.array([0, 200]), "lengths": np.array([200, 200])}
    windows = Windows(
        values=np.zeros((400, settings.n_bands), np.float32),
        starts=np.arange(40) * 10,
        segment=np.repeat([0, 1], 20),
        labels=np.array([0, 1]),
        ids=["x", "y"],
        n_frames=16,
        **{k: v for k, v in places.items() if k in Windows.__dataclass_fields__},
    )
    table = pd.DataFrame({"path": ["x", "y"], "label": ["a", "b"], "group": ["x", "y"], "fold": "fold1"})
    found = split_windows(GenreDataset("genre", table, ["a", "b"], windows, settings, ""), Windowed(0, 5, 0.25, seed=1))
    # Of 20 windows a fifth is tested; of the other 16 a quarter validates.
    assert np.bincount(found.windows.segment).tolist() == [12, 4, 4] * 2
    assert found.table["split"].tolist() == ["train", "val", "test"] * 2


def rows_of(held: pd.DataFrame, counts: list[int]) -> GenreDataset:
    """Recordings of so many windows each, whose windows start at 10, 20, ... ."""
    settings, n = features_settings(), sum(counts)
    windows = Windows(
        values=np.zeros((10 * n + 16, settings.n_bands), np.float32),
        starts=np.arange(n) * 10,
        segment=np.repeat(np.arange(len(counts)), counts),
        offsets=np.concatenate([[0], np.cumsum(counts)[:-1]]) * 10,
        lengths=np.array(counts) * 10,
        labels=(held.label == "b").to_numpy().astype(np.int64),
        ids=held.path.tolist(),
        n_frames=16,
    )
    return GenreDataset("genre", held, ["a", "b"], windows, settings, "")


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_last_rows_of_training_validate_as_in_keras(seed):
    """Keras: split_at = int(n * (1 - validation_split)); x[split_at:] validates, before anything is shuffled."""
    held = hold_out(recordings(), ("fold2",), data_settings(val_share=0.25, seed=seed), "last_rows")
    assert sorted(held["split"].unique()) == ["test", "train"]
    assert (held.fold[held["split"] == "test"] == "fold2").all()
    counts = [3 + i % 5 for i in range(len(held))]
    found = split_windows(rows_of(held, counts), LastRows(0.25, seed))
    train, val, test = (
        found.windows.starts[np.isin(found.windows.segment, found.rows(s))] for s in ("train", "val", "test")
    )
    rows = sum(c for c, split in zip(counts, held["split"], strict=True) if split == "train")
    assert len(train) == int(rows * 0.75)
    assert len(train) + len(val) == rows
    assert len(test) == sum(counts) - rows
    paths = {split: set(found.table.path[found.table["split"] == split]) for split in ("train", "val", "test")}
    assert len(paths["train"] & paths["val"]) <= 1  # the recording that the border cuts
    assert not paths["test"] & (paths["train"] | paths["val"])
    for path in paths["train"] & paths["val"]:
        own = found.windows.starts[found.windows.segment == found.table.index[found.table.path == path][0]]
        assert (own < val[np.isin(val, own + 10 * np.arange(1, 9)[:, None])].min()).all()


def test_the_order_of_rows_is_drawn():
    held = hold_out(recordings(), ("fold2",), data_settings(), "last_rows")
    validated = set()
    for seed in range(5):
        found = split_windows(rows_of(held, [4] * len(held)), LastRows(0.25, seed))
        validated.add(tuple(found.table.path[found.table["split"] == "val"]))
        assert set(found.table.label[found.table["split"] == "val"]) == {"a", "b"}  # not the last class alone
    assert len(validated) == 5


def test_pairs_hold_a_fold_that_is_judged():
    folds = ["fold1", "fold2", "fold3"]
    assert nested.pairs(folds, folds) == [("fold1", "fold2"), ("fold1", "fold3"), ("fold2", "fold3")]
    five = [f"fold{i}" for i in range(1, 6)]
    ring = [("fold1", "fold2"), ("fold1", "fold5"), ("fold2", "fold3"), ("fold3", "fold4"), ("fold4", "fold5")]
    assert nested.pairs(five, five, ring=True) == ring
    assert nested.pairs(["fold3"], five, ring=True) == [("fold2", "fold3"), ("fold3", "fold4")]
    assert nested.pairs(["fold3"], folds) == [("fold1", "fold3"), ("fold2", "fold3")]
