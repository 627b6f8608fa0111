"""params.yaml: parsed strictly, and every mistake answered by one sentence that names the key."""

import copy
from pathlib import Path

import pytest
import yaml

from earmark import config
from earmark.errors import EarmarkError

PARAMS = Path(__file__).parents[1] / "params.yaml"
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
    assert params.tasks.genre.features.sample_rate == RAW["tasks"]["genre"]["features"]["sample_rate"]
    assert params.tasks.genre.train.lr == RAW["tasks"]["genre"]["train"]["lr"]
    assert config.task_settings(params, "genre") is params.tasks.genre
    assert config.task_settings(params, "chord").model.name == RAW["tasks"]["chord"]["model"]["name"]


@pytest.mark.parametrize(
    ("typo", "right"),
    [
        ("demmo", "demo"),
        ("demo.sed", "seed"),
        ("tasks.gener", "genre"),
        ("tasks.genre.feature", "features"),
        ("tasks.genre.data.roots", "root"),
        ("tasks.genre.features.sampel_rate", "sample_rate"),
        ("tasks.genre.model.chanels", "channels"),
        ("tasks.genre.train.weightdecay", "weight_decay"),
        ("tasks.genre.evaluate.bootstraps", "bootstrap"),
        ("tasks.chrod", "chord"),
        ("tasks.chord.features.octave", "octaves"),
        ("tasks.chord.train.tverski_alpha", "tversky_alpha"),
    ],
)
def test_unknown_key_names_the_nearest(typo, right):
    text = message(changed(typo, 1))
    assert f"unknown key '{typo}'" in text
    assert f"did you mean '{right}'?" in text


@pytest.mark.parametrize("dotted", ["demo.seed", "tasks.genre.train.lr", "tasks.genre.evaluate", "tasks.genre", "demo"])
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
        ("tasks.genre.model.channels", 0),
        ("tasks.genre.model.dropout", 1.0),
        ("tasks.genre.model.width", 0.0),
        ("tasks.genre.features.trim_db", 0.0),
        ("tasks.genre.train.label_smoothing", 1.0),
        ("tasks.genre.train.average", 1.0),
        ("tasks.genre.train.momentum", 1.0),
        ("tasks.genre.train.schedule.gamma", 1.0),
        ("tasks.genre.train.schedule.step_epochs", 0),
        ("tasks.genre.train.augment.stretch", 1.1),
        ("tasks.genre.train.augment.mel_roll", -1),
        ("tasks.genre.train.augment.mix_alpha", 0.0),
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
        ("tasks.chord.model.blocks", 0),
        ("tasks.chord.train.tversky_power", 0.9),
        ("tasks.chord.train.tversky_alpha", 1.1),
        ("tasks.chord.train.focal_gamma", -0.1),
        ("tasks.chord.train.weight_bass", -0.1),
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


@pytest.mark.parametrize(
    ("dotted", "value", "sentence"),
    [
        ("tasks.chord.model.name", "pitch_net", "features.channels must be 1 for model.name pitch_net"),
        ("tasks.chord.features.channels", 1, "features.channels must be 2 for model.name chordnet"),
        ("tasks.chord.features.normalize", "deviation", "train.tilt and train.floor must be 0 where"),
        ("tasks.chord.features.channels", 3, "tasks.chord.features.channels"),
    ],
)
def test_chord_settings_that_do_not_go_together(dotted, value, sentence):
    assert sentence in message(changed(dotted, value))


def test_bounds_themselves_are_allowed():
    for dotted, value in [
        ("demo.songs_per_genre", 5),
        ("tasks.genre.data.test_share", 0.5),
        ("tasks.genre.features.f_max", 11025.0),
        ("tasks.genre.features.n_mfcc", 64),
        ("tasks.genre.features.max_seconds", 5.0),
        ("tasks.genre.train.batch_size", 2),
        ("tasks.genre.model.dropout", 0.0),
        ("tasks.genre.features.max_seconds", None),
    ]:
        node = config.parse(changed(dotted, value))
        for part in dotted.split("."):
            node = getattr(node, part)
        assert node == value


def test_overrides():
    genre = config.load(
        PARAMS,
        ["tasks.genre.train.lr=1e-3", "tasks.genre.features.f_max=null", "tasks.genre.data.root=my/audio"],
    ).tasks.genre
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
        config.task_settings(config.load(PARAMS), "gener")


def test_statistics_need_the_bands_means():
    raw = changed("tasks.speaker.model.statistics", 0.5)
    assert config.parse(raw).tasks.speaker.model.statistics == 0.5
    raw["tasks"]["speaker"]["features"]["normalize"] = "bands"
    assert "model.statistics must be 0 where features.normalize is bands" in message(raw)
