"""params.yaml: parsed strictly, and every mistake answered by one sentence that names the key."""

import copy
from dataclasses import asdict, is_dataclass
from itertools import permutations
from pathlib import Path

import pytest
import yaml

from earmark import config
from earmark.errors import EarmarkError
from earmark.tasks import overrides
from earmark.training import tagged
from earmark.training.key import flatten
from earmark.training.settings import PlateauSchedule, StepSchedule

PARAMS = Path(__file__).parents[1] / "params.yaml"
FORMER = Path(__file__).parent / "support/former/params.yaml"  # as it was before there were blocks with a name
RAW = yaml.safe_load(PARAMS.read_text())


def changed(dotted: str, value) -> dict:
    """The repository's parameters with one (perhaps new) key set."""
    raw = copy.deepcopy(RAW)
    *parents, last = dotted.split(".")
    node = raw
    for part in parents:
        node = node[part]
    node[last] = value
    return raw


def message(raw) -> str:
    with pytest.raises(EarmarkError) as error:
        config.parse(raw)
    return str(error.value)


def test_the_repositorys_file_parses():
    params = config.load(PARAMS)
    assert params.tasks["genre"].features.sample_rate == RAW["tasks"]["genre"]["features"]["sample_rate"]
    assert params.tasks["genre"].train.lr == RAW["tasks"]["genre"]["train"]["lr"]
    assert config.load_task(PARAMS, "genre") == params.tasks["genre"]
    assert config.load_task(PARAMS, "chord").model.name == RAW["tasks"]["chord"]["model"]["name"]


@pytest.mark.parametrize(
    ("typo", "right"),
    [
        ("demmo", "demo"),
        ("demo.sed", "seed"),
        ("tasks.gener", "genre"),
        ("tasks.genre.feature", "features"),
        ("tasks.genre.data.roots", "root"),
        ("tasks.genre.features.sampel_rate", "sample_rate"),
        ("tasks.genre.model.widht", "width"),
        ("tasks.genre.train.weightdecay", "weight_decay"),
        ("tasks.genre.evaluate.bootstraps", "bootstrap"),
        ("tasks.chrod", "chord"),
        ("tasks.chord.features.octave", "octaves"),
        ("tasks.chord.train.loss.alhpa", "alpha"),
    ],
)
def test_unknown_key_names_the_nearest(typo, right):
    text = message(changed(typo, 1))
    assert f"unknown key '{typo}'" in text
    assert f"did you mean '{right}'?" in text


@pytest.mark.parametrize("dotted", ["demo.seed", "tasks.genre.train.lr", "tasks.genre.evaluate", "tasks", "demo"])
def test_missing_key(dotted):
    raw = copy.deepcopy(RAW)
    *parents, last = dotted.split(".")
    node = raw
    for part in parents:
        node = node[part]
    del node[last]
    assert f"the key '{dotted}' is missing" in message(raw)


@pytest.mark.parametrize(
    ("dotted", "value"),
    [
        ("demo.seed", "many"),
        ("tasks.genre.train.epochs", 3.5),
        ("tasks.genre.train.lr", [1]),
        ("tasks.genre.features.kind", "mel"),
        ("tasks.genre.features.f_max", "high"),
        ("tasks.genre.data.root", 3),
        ("tasks.genre.model", 3),
        ("tasks.genre.model", None),
        ("tasks", []),
    ],
)
def test_wrong_type(dotted, value):
    text = message(changed(dotted, value))
    assert dotted in text
    assert repr(value) in text


@pytest.mark.parametrize(
    ("dotted", "value"),
    [
        ("demo.songs_per_genre", 4),
        ("demo.voices", 9),
        ("demo.voices", 71),
        ("tasks.genre.data.val_share", -0.1),
        ("tasks.genre.data.test_share", 0.51),
        ("tasks.genre.data.max_quarantined", 1.1),
        ("tasks.genre.features.sample_rate", 0),
        ("tasks.genre.features.n_mfcc", 65),
        ("tasks.genre.features.hop_length", 4097),
        ("tasks.genre.features.f_max", 22051.0),
        ("tasks.genre.features.window_s", 0.01),
        ("tasks.genre.features.window_s", float("nan")),
        ("tasks.genre.features.window_s", float("inf")),
        ("tasks.genre.features.window_hop_s", 5.1),
        ("tasks.genre.features.window_hop_s", 0.0),
        ("tasks.genre.features.max_seconds", 2.4),
        ("tasks.genre.features.max_seconds", float("inf")),
        ("tasks.genre.features.top_db", 0.0),
        ("tasks.genre.model.dropout", 1.0),
        ("tasks.genre.model.width", 0.0),
        ("tasks.genre.features.trim_db", 0.0),
        ("tasks.genre.train.average", 1.0),
        ("tasks.genre.train.augment.stretch", 1.1),
        ("tasks.genre.train.augment.mel_roll", -1),
        ("tasks.genre.train.lr", 0.0),
        ("tasks.genre.train.weight_decay", -0.1),
        ("tasks.genre.train.batch_size", 1),
        ("tasks.genre.train.epochs", 0),
        ("tasks.genre.train.patience", -1),
        ("tasks.genre.data.seed", -1),
        ("tasks.genre.evaluate.seed", -1),
        ("tasks.genre.evaluate.bootstrap", 99),
        ("tasks.chord.features.octaves", 8),
        ("tasks.chord.features.floor_db", 0.0),
        ("tasks.chord.features.bins_per_octave", 18),
        ("tasks.chord.features.bins_per_octave", 0),
        ("tasks.chord.model.width", 0.07),
        ("tasks.genre.train.loss.label_smoothing", 1.0),
        ("tasks.genre.train.schedule.warmup_epochs", -1),
        ("tasks.genre.train.schedule.min_lr", -0.1),
        ("tasks.chord.train.loss.power", 0.9),
        ("tasks.chord.train.loss.alpha", 1.1),
        ("tasks.chord.train.loss.focal_gamma", -0.1),
        ("tasks.chord.train.loss.weight_bass", -0.1),
        ("tasks.chord.train.time_mask", -1),
        ("tasks.chord.train.crop_frames", 0),
    ],
)
def test_out_of_range(dotted, value):
    text = message(changed(dotted, value))
    parent, last = dotted.rsplit(".", 1)
    assert parent in text
    assert last in text
    assert "\n" not in text
    assert text.endswith(".")
    assert "belongs to" not in text


@pytest.mark.parametrize(
    ("dotted", "block", "key"),
    [
        ("tasks.genre.model", {"name": "cnn", "channels": 0}, "channels"),
        ("tasks.genre.model", {"name": "mlp", "dropout": 1.0}, "dropout"),
        ("tasks.genre.model", {"name": "vggish", "width": 0.0}, "width"),
        ("tasks.genre.train.optimizer", {"name": "sgd", "momentum": 1.0}, "momentum"),
        ("tasks.genre.train.schedule", {"name": "step", "gamma": 1.0}, "gamma"),
        ("tasks.genre.train.schedule", {"name": "step", "step_epochs": 0}, "step_epochs"),
        ("tasks.genre.train.schedule", {"name": "plateau", "patience": -1}, "patience"),
        ("tasks.genre.train.schedule", {"name": "plateau", "gamma": 0.0}, "gamma"),
        ("tasks.genre.train.schedule", {"name": "plateau", "monitor": "lost"}, "monitor"),
        ("tasks.genre.train.schedule", {"name": "cosine", "min_lr": float("nan")}, "min_lr"),
        ("tasks.genre.train.augment.mix", {"name": "mixup", "alpha": 0.0}, "alpha"),
        ("tasks.genre.train.augment.mix", {"name": "between_class", "share": 1.1}, "share"),
        ("tasks.chord.model", {"name": "pitch_net", "blocks": 0}, "blocks"),
        ("tasks.chord.train.loss", {"name": "cross_entropy", "label_smoothing": 1.0}, "label_smoothing"),
        ("tasks.chord.train.loss", {"name": "tversky", "weight_key": -1.0}, "weight_bass"),
        ("tasks.speaker.model", {"name": "blstm", "dropout": 1.0}, "dropout"),
        ("tasks.speaker.train.loss", {"name": "angular", "scale": 0.0}, "scale"),
        ("tasks.speaker.train.loss", {"name": "pairs", "margin": 0.0}, "margin"),
        ("tasks.speaker.train.loss", {"name": "aam", "margin": 1.5}, "margin"),
    ],
)
def test_out_of_range_in_a_block_of_another_name(dotted, block, key):
    text = message(changed(dotted, block))
    assert dotted in text
    assert key in text
    assert "belongs to" not in text


@pytest.mark.parametrize(
    ("dotted", "value", "sentence"),
    [
        ("tasks.chord.model", {"name": "pitch_net"}, "features.channels must be 1 for model.name pitch_net"),
        ("tasks.chord.train.loss", {"name": "cross_entropy"}, "train.loss.name must be one of those with tversky for"),
        ("tasks.chord.features.channels", 1, "features.channels must be 2 for model.name chordnet"),
        ("tasks.chord.features.normalize", "deviation", "train.tilt and train.floor must be 0 where"),
        ("tasks.chord.features.channels", 3, "tasks.chord.features.channels"),
    ],
)
def test_chord_settings_that_do_not_go_together(dotted, value, sentence):
    assert sentence in message(changed(dotted, value))


def test_bounds_themselves_are_allowed():
    for dotted, value in [
        ("tasks.genre.train.optimizer", {"name": "sgd", "momentum": 0.0}),
        ("tasks.genre.data.test_share", 0.5),
        ("tasks.genre.features.f_max", 11025.0),
        ("tasks.genre.features.n_mfcc", 64),
        ("tasks.genre.features.max_seconds", 5.0),
        ("tasks.genre.train.batch_size", 2),
        ("tasks.genre.model.dropout", 0.0),
        ("tasks.genre.features.max_seconds", None),
    ]:
        _, task, *parts = dotted.split(".")
        node = config.parse(changed(dotted, value)).tasks[task]
        for part in parts:
            node = getattr(node, part)
        assert (asdict(node) if is_dataclass(node) else node) == value
    assert config.parse(changed("demo.songs_per_genre", 5)).demo.songs_per_genre == 5


def test_overrides():
    genre = config.load(
        PARAMS,
        ["tasks.genre.train.lr=1e-3", "tasks.genre.features.f_max=null", "tasks.genre.data.root=my/audio"],
    ).tasks["genre"]
    assert (genre.train.lr, genre.features.f_max, genre.data.root) == (1e-3, None, "my/audio")


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("tasks.genre.train.lr", "must read key=value"),
        ("tasks.genre.train.lrr=1", "did you mean 'lr'?"),
        ("demmo=1", "did you mean 'demo'?"),
        ("tasks.gener.train.lr=1", "did you mean 'genre'?"),
        ("tasks.genre.train.epochs=0", "epochs must be above 0"),
        ("tasks.genre.train.epochs=[", "tasks.genre.train.epochs"),
    ],
)
def test_wrong_override(override, expected):
    with pytest.raises(EarmarkError) as error:
        config.load(PARAMS, [override])
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


def test_override_of_an_empty_file(tmp_path):
    (tmp_path / "params.yaml").write_text("")
    with pytest.raises(EarmarkError, match="must hold keys and values"):
        config.load(tmp_path / "params.yaml", ["demo.seed=1"])


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"a: [1", "not valid YAML"), (b"", "must hold keys"), (b"\xff\xfe\xfa: 1", "params")],
)
def test_unreadable_file(tmp_path, content, expected):
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(EarmarkError) as error:
        config.load(path)
    assert expected in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_file_and_unknown_task(tmp_path):
    with pytest.raises(EarmarkError, match="is missing; run earmark in the project's folder"):
        config.load(tmp_path / "params.yaml")
    with pytest.raises(EarmarkError, match="did you mean 'genre'"):
        config.load_task(PARAMS, "gener")


def test_statistics_need_the_bands_means():
    raw = changed("tasks.speaker.model.statistics", 0.5)
    assert config.parse(raw).tasks["speaker"].model.statistics == 0.5
    raw["tasks"]["speaker"]["features"]["normalize"] = "bands"
    assert "model.statistics must be 0 where features.normalize is bands" in message(raw)


NAMES = {
    "tasks.genre.model": "compact",
    "tasks.genre.train.loss": "frame",
    "tasks.genre.train.optimizer": "adamw",
    "tasks.genre.train.schedule": "cosine",
    "tasks.genre.train.augment.mix": "none",
    "tasks.chord.model": "chordnet",
    "tasks.chord.train.loss": "focal_tversky_of_logits",
    "tasks.speaker.model": "resnet",
    "tasks.speaker.train.loss": "aam",
}


@pytest.mark.parametrize(("block", "right"), NAMES.items())
def test_a_block_has_a_known_name(block, right):
    typo = f"{right}x"
    assert f"{block}.name is '{typo}'; did you mean '{right}'?" in message(changed(f"{block}.name", typo))
    assert f"the key '{block}.name' is missing; add it: " in message(changed(block, {}))
    sentence = f"{block} is a block of keys; write {block}: {{name: {right}}}"
    assert sentence in message(changed(block, right))
    for wrong in (None, 3, ["cosine"]):
        assert f"{block} must hold keys and values, not {wrong!r}" in message(changed(block, wrong))


@pytest.mark.parametrize(
    ("dotted", "names"),
    [
        ("tasks.genre.train.schedule.gamma", "step or plateau"),
        ("tasks.genre.train.optimizer.momentum", "sgd"),
        ("tasks.genre.model.hidden", "cnn or mlp"),
        ("tasks.genre.train.augment.mix.share", "mixup or between_class"),
        ("tasks.chord.train.loss.label_smoothing", "cross_entropy"),
        ("tasks.speaker.train.loss.broadcast", "pairs"),
        ("tasks.speaker.model.head", "blstm"),
    ],
)
def test_a_key_of_another_name_says_whose_it_is(dotted, names):
    block, key = dotted.rsplit(".", 1)
    here = NAMES[block]
    sentence = f"{key} is a key for name {names}, but name is {here}"
    assert f"{block}: {sentence}; remove the key, or change the name." in message(changed(dotted, 1))
    with pytest.raises(EarmarkError) as error:
        config.load(PARAMS, [f"{dotted}=1"])
    assert str(error.value) == f"There is no key '{dotted}' to override: {sentence}."


def overridden(*assignments: str, task: str = "genre"):
    return config.load_task(PARAMS, task, [f"tasks.{task}.{a}" for a in assignments])


def test_another_name_brings_its_defaults_and_keeps_what_both_have():
    assert overridden("train.schedule.name=step").train.schedule == StepSchedule()
    assert overridden("train.schedule.name=plateau", "train.schedule.min_lr=0.5").train.schedule == PlateauSchedule(
        min_lr=0.5
    )
    assert overridden("model.width=0.5").model.width == 0.5
    narrow = overridden("model.name=net", "model.width=0.5").model
    assert (narrow.name, narrow.width, narrow.pooling) == ("net", 0.5, "mean_prob")
    kept = yaml.safe_load(PARAMS.read_text())
    kept["tasks"]["chord"]["train"]["loss"]["weight_key"] = 0.7
    overrides.put_all(kept, {"tasks.chord.train.loss.name": "tversky"})
    assert kept["tasks"]["chord"]["train"]["loss"]["weight_key"] == 0.7
    assert "power" not in kept["tasks"]["chord"]["train"]["loss"]


def test_keys_of_one_name_that_mean_another_thing_are_not_kept():
    """The margin of aam is an angle, that of pairs a distance."""
    asked = ["train.loss.name=pairs", "model.name=blstm"]
    assert overridden(*asked, task="speaker").train.loss.margin == 3.0
    assert overridden(*asked, "train.loss.margin=1.0", task="speaker").train.loss.margin == 1.0


@pytest.mark.parametrize("order", permutations(["name=step", "gamma=0.5", "step_epochs=3"]))
def test_overrides_may_come_in_any_order(order):
    expected = StepSchedule(step_epochs=3, gamma=0.5)
    assert overridden(*(f"train.schedule.{one}" for one in order)).train.schedule == expected


def test_a_block_is_set_whole_and_its_keys_after_it():
    block = "train.schedule={name: step, gamma: 0.5}"
    assert overridden(block).train.schedule == StepSchedule(gamma=0.5)
    for order in permutations([block, "train.schedule.step_epochs=3"]):
        assert overridden(*order).train.schedule == StepSchedule(step_epochs=3, gamma=0.5)


def test_a_key_that_the_file_leaves_to_its_default_can_be_set():
    assert "n_mfcc" not in RAW["tasks"]["genre"]["features"]
    assert overridden("features.n_mfcc=20").features.n_mfcc == 20


MOVED = {
    "genre": {
        "train.momentum": "train.optimizer.momentum (of optimizer sgd)",
        "train.label_smoothing": "train.loss.label_smoothing (of loss frame)",
        "train.augment.mix_alpha": "train.augment.mix.alpha (of mix mixup or between_class)",
    },
    "chord": {
        "train.vector_loss": "train.loss.name",
        "train.tversky_alpha": "train.loss.alpha",
        "train.focal_gamma": "train.loss.focal_gamma",
        "train.weight_key": "train.loss.weight_key",
        "train.label_smoothing": "train.loss.label_smoothing (of loss cross_entropy)",
    },
    "speaker": {
        "train.margin": "train.loss.margin (of loss aam)",
        "train.margin_epochs": "train.loss.margin_epochs (of loss aam)",
        "train.pair": "train.loss (of loss pairs)",
        "evaluate.trials": "data.trials",
        "evaluate.utterance_s": "data.utterance_s",
    },
}


@pytest.mark.parametrize(("task", "old", "new"), [(t, o, n) for t, some in MOVED.items() for o, n in some.items()])
def test_a_key_of_before_is_refused_with_its_new_name(task, old, new):
    text = message(changed(f"tasks.{task}.{old}", 1))
    assert f"tasks.{task}.{old} is now tasks.{task}.{new.split(' of ')[0]}" in text
    assert text.endswith("; move it there, or remove it.")
    with pytest.raises(EarmarkError) as error:
        overridden(f"{old}=1", task=task)
    assert f"There is no key 'tasks.{task}.{old}' to override: {old} is now {new}" in str(error.value)


@pytest.mark.parametrize(
    ("dotted", "value", "key", "old", "new"),
    [
        ("features.log_floor", "seed003", "features.log_floor", "seed003", "zero"),
        ("model", {"name": "cnn", "variant": "seed000"}, "model.variant", "seed000", "song_mil"),
    ],
)
def test_a_value_of_before_is_refused_with_its_new_name(dotted, value, key, old, new):
    sentence = f"tasks.genre.{key} '{old}' is now '{new}'; write that."
    assert message(changed(f"tasks.genre.{dotted}", value)) == f"params.yaml: {sentence}"
    with pytest.raises(EarmarkError) as error:
        overridden("model.name=mlp", f"{key}={old}", task="genre")
    assert str(error.value).endswith(sentence)


@pytest.mark.parametrize("task", MOVED)
def test_params_of_before_are_refused_in_one_sentence(task):
    with pytest.raises(EarmarkError) as error:
        config.load_task(FORMER, task)
    text = str(error.value)
    assert text.startswith(f"{FORMER}: tasks.{task}.")
    assert "remove" in text
    assert "\n" not in text


CHANGED = {("chord", "model.core"): "blstm", ("chord", "train.loss.weight_change"): "20.0"}  # said otherwise since


@pytest.mark.parametrize("task", MOVED)
def test_no_setting_of_before_is_lost(task):
    """Every key of the old file has its value in the new one, or belongs to a name that params.yaml does not have."""
    kind = config.catalog.task(task).settings
    known, new = overrides.keys(kind), flatten(asdict(config.load_task(PARAMS, task)))
    for old, value in flatten(yaml.safe_load(FORMER.read_text())["tasks"][task]).items():
        now, _, of = (overrides.new_key(kind, old) or old).partition(" ")
        now = f"{now}.name" if tagged.branches(known[now]) else now
        mine = new.get(f"{now.rpartition('.')[0]}.name", "")
        if (task, now) in CHANGED:
            assert new[now] == CHANGED[task, now] != value, old
        elif now in new and (not of or mine in of):
            assert new[now].strip("()") == value.strip("[]"), old
        else:
            assert now in known, old
            assert mine, old
