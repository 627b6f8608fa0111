"""Settings of one kind or another: read by name, and from model folders and stores of before they were blocks."""

import json
from dataclasses import MISSING, asdict, dataclass, fields, replace
from pathlib import Path
from typing import Literal

import pytest
import torch

from builders import features_settings, train_settings
from earmark.errors import EarmarkError
from earmark.features.settings import FeatureSettings
from earmark.tasks import catalog, model_folder
from earmark.tasks.chord.settings import ChordModelSettings, ChordNetModel, PitchNetModel
from earmark.tasks.genre.networks import trained
from earmark.tasks.genre.networks.build import body
from earmark.tasks.genre.settings import CompactSettings, ModelSettings, SongMilSettings, SoundCnnsSettings
from earmark.tasks.speaker.settings import BlstmSettings, ResnetSettings, SpeakerModelSettings, TdnnSettings
from earmark.training import loop, tagged
from earmark.training.model_files import ModelConfig, write
from earmark.training.schedule import Schedule
from project import REPOSITORY

# As config.json of before had them: the keys of every name, whichever was in use.
GENRE = {"width": 0.5, "variant": "song_mil", "channels": 8, "hidden": 4, "dropout": 0.3, "pooling": "mean_logit"}
CHORD = {
    **{"channels": 8, "stem": 4, "blocks": 2, "width": 0.5, "core": "blstm", "vector": "sigmoid"},
    **{"drop_features": False, "smoothing": False, "direct": True, "decoder": "crf"},
}
SPEAKER = {
    **{"width": 0.5, "embedding": 16, "read": "blstm", "head": "softmax", "batch_norm": True, "dropout": 0.3},
    **{"whiten": True, "statistics": 0.25},
}
FLAT = {
    ("genre", "compact"): CompactSettings(width=0.5, dropout=0.3, pooling="mean_logit"),
    **{
        ("genre", name): SongMilSettings(
            name=name, variant="song_mil", channels=8, hidden=4, dropout=0.3, pooling="mean_logit"
        )
        for name in ("cnn", "mlp")
    },
    **{
        ("genre", name): SoundCnnsSettings(name=name, width=0.5, pooling="mean_logit")
        for name in ("net", "resnetish18", "resnetish34", "vggish")
    },
    ("chord", "pitch_net"): PitchNetModel(channels=8, stem=4, blocks=2, decoder="crf"),
    ("chord", "chordnet"): ChordNetModel(
        width=0.5, core="blstm", vector="sigmoid", drop_features=False, smoothing=False, direct=True, decoder="crf"
    ),
    ("speaker", "resnet"): ResnetSettings(width=0.5, embedding=16, whiten=True, statistics=0.25),
    ("speaker", "tdnn"): TdnnSettings(width=0.5, embedding=16, whiten=True, statistics=0.25),
    ("speaker", "blstm"): BlstmSettings(
        **{"width": 0.5, "embedding": 16, "whiten": True, "statistics": 0.25},
        **{"read": "blstm", "head": "softmax", "batch_norm": True, "dropout": 0.3},
    ),
}
UNIONS = {
    "genre": (ModelSettings, GENRE),
    "chord": (ChordModelSettings, CHORD),
    "speaker": (SpeakerModelSettings, SPEAKER),
}


@pytest.mark.parametrize(("task", "name"), FLAT)
def test_a_model_of_before_is_read_by_its_name(task, name):
    union, flat = UNIONS[task]
    assert tagged.from_stored(union, {"name": name} | flat) == FLAT[task, name]


def test_every_name_has_been_tried():
    assert {task: list(tagged.branches(union)) for task, (union, _) in UNIONS.items()} == {
        task: [name for t, name in FLAT if t == task] for task in UNIONS
    }


@pytest.mark.parametrize("settings", FLAT.values(), ids=map("-".join, FLAT))
def test_a_model_of_today_is_read_as_it_was_written(settings):
    union = next(u for u, _ in UNIONS.values() if type(settings) in tagged.branches(u).values())
    assert tagged.from_stored(union, json.loads(json.dumps(asdict(settings)))) == settings


@pytest.mark.parametrize("task", UNIONS)
def test_the_released_bundles_say_what_they_said(task):
    """Their config.json is of before: what of it is of the network's name is read, and nothing else was; settings that
    came later have their defaults."""
    folder = REPOSITORY / f"src/earmark/bundles/{task}"
    raw, read = json.loads((folder / "config.json").read_text()), model_folder.read_config(folder)
    for part, settings in (("features", read.features), ("model", read.model)):
        plain = json.loads(json.dumps(asdict(settings)))
        before = [f.name for f in fields(settings) if f.default is MISSING and f.default_factory is MISSING]
        assert set(before) <= set(raw[part])
        said = {key: raw[part][key] for key in plain if key in raw[part]}
        assert plain == json.loads(json.dumps(asdict(type(settings)(**said)))) | said
    left = set(raw["model"]) - set(asdict(read.model))
    union = next(u for u, _ in UNIONS.values() if type(read.model) in tagged.branches(u).values())
    assert all(read.model.name not in tagged.having(union, key) for key in left)


def folder_of(path: Path, **changes) -> Path:
    """A genre model folder with other plain values in its config.json."""
    features = features_settings()
    model = {"name": "cnn"} | GENRE | {"variant": "sound"}
    net = trained.untrained(features, tagged.from_stored(ModelSettings, model), 3)
    config = ModelConfig("genre", ["a", "b", "c"], features, CompactSettings(), asdict(train_settings()), {}, 1, 0)
    write(path, config, net.state_dict(), [{"epoch": 1}], "")
    raw = json.loads((path / "config.json").read_text()) | {"model": model} | changes
    (path / "config.json").write_text(json.dumps(raw))
    return path


FORMS = {
    "before, frame": ({"loss": "frame", "label_smoothing": 0.2}, 0.2),
    "before, song": ({"loss": "song", "label_smoothing": 0.0}, 0.0),
    "frame": ({"loss": {"name": "frame", "label_smoothing": 0.2}}, 0.2),
    "song": ({"loss": {"name": "song"}}, 0.0),
}


@pytest.mark.parametrize(("train", "smoothing"), FORMS.values(), ids=FORMS)
def test_a_network_knows_its_label_smoothing(tmp_path, train, smoothing):
    folder = folder_of(tmp_path / "model", train=train)
    assert trained.load(folder, trained.config(folder)).smoothing == smoothing


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": {"name": "compactt"}}, "unknown name 'compactt'; did you mean 'compact'?"),
        ({"model": {"name": "compact", "widht": 1.0}}, "unknown key 'widht'; did you mean 'width'?"),
        ({"model": {"name": "compact", "width": 9.0}}, "width must be above 0 and at most 8"),
        ({"model": {}}, "unknown name 'None'"),
        ({"features": {}}, "missing"),
    ],
)
def test_a_folder_of_another_earmark_is_refused_in_one_sentence(tmp_path, changes, said):
    folder = folder_of(tmp_path / "model", **changes)
    with pytest.raises(EarmarkError) as error:
        model_folder.read_config(folder)
    text = str(error.value)
    assert text.startswith(f"{folder}/config.json has settings that this earmark does not know (")
    assert said in text
    assert text.endswith("use the earmark that wrote it, or train the model again.")


@pytest.mark.parametrize(
    ("part", "key", "old", "new"),
    [("model", "variant", "seed000", "song_mil"), ("features", "log_floor", "seed003", "zero")],
)
def test_a_value_of_before_in_a_model_folder_answers_as_before(tmp_path, part, key, old, new):
    """A config.json with the old value of a setting: the same settings, and the same probabilities to the bit."""
    features = features_settings(normalize="none", log_floor="zero", dtype="float32")
    model = SongMilSettings(variant="song_mil", channels=4, hidden=4, dropout=0.0)
    net = trained.untrained(features, model, 3)
    for name in ("today", "before"):
        config = ModelConfig("genre", ["a", "b", "c"], features, model, asdict(train_settings()), {}, 1, 0)
        write(tmp_path / name, config, net.state_dict(), [{"epoch": 1}], "")
    file = tmp_path / "before/config.json"
    text = file.read_text()
    assert text.count(f'"{key}": "{new}"') == 1
    file.write_text(text.replace(f'"{key}": "{new}"', f'"{key}": "{old}"'))
    assert json.loads(file.read_text())[part][key] == old
    today, before = (model_folder.read_config(tmp_path / name) for name in ("today", "before"))
    assert today == before
    windows = torch.randn(6, 1, features.n_bands, features.window_frames, generator=torch.Generator().manual_seed(1))
    networks = [trained.load(tmp_path / name, trained.config(tmp_path / name)) for name in ("today", "before")]
    said = [network.eval()(windows, torch.tensor([0, 0, 0, 1, 1, 1]), 2) for network in networks]
    assert all(torch.equal(*pair) for pair in zip(*said, strict=True))


def test_a_value_of_before_is_one_of_its_own_key_alone():
    assert (
        tagged.renamed_values(SongMilSettings, {"variant": "seed003", "hidden": "seed000", "pooling": ["seed000"]})
        == {}
    )
    assert tagged.renamed_values(SongMilSettings, {"variant": ["seed000"]}) == {}
    assert tagged.renamed_values(CompactSettings, {"variant": "seed000"}) == {}
    assert tagged.renamed_values(SongMilSettings, {"variant": "seed000"}) == {"variant": ("seed000", "song_mil")}
    assert tagged.of_today(SongMilSettings, {"variant": "seed000", "hidden": 4}) == {"variant": "song_mil", "hidden": 4}


def test_features_of_a_store_of_before_are_read():
    """n_mfcc stood beside every kind."""
    for kind in ("log_mel", "mfcc"):
        expected = features_settings(kind=kind, n_mfcc=13)
        assert tagged.from_stored(FeatureSettings, asdict(expected) | {"n_mfcc": 13}) == expected


@dataclass(frozen=True)
class Unheard:
    """A kind that nobody has built."""

    name: Literal["unheard"] = "unheard"
    pooling: str = "mean_prob"
    variant: str = "sound"


def test_an_unknown_kind_is_an_error_and_never_falls_through():
    layer = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    with pytest.raises(ValueError, match="unknown schedule Unheard"):
        Schedule(optimizer, Unheard(), 1, 1)
    with pytest.raises(ValueError, match="unknown optimizer Unheard"):
        loop.build_optimizer(layer, replace(train_settings(), optimizer=Unheard()))
    with pytest.raises(ValueError, match="unknown model Unheard"):
        body(24, 40, Unheard())


@pytest.mark.parametrize("task", catalog.names())
def test_names_of_a_block_are_different(task):
    """One name stands for one kind, and each kind has a default name of its own."""
    for kind in unions(catalog.task(task).settings):
        of = tagged.branches(kind)
        assert all(one().name in of for one in of.values())
        assert len({one().name for one in of.values()}) == len(set(of.values()))


def unions(kind):
    for inner in tagged.types(kind).values():
        if tagged.branches(inner):
            yield inner
        elif hasattr(inner, "__dataclass_fields__"):
            yield from unions(inner)
