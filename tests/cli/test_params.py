"""`earmark params`: each key's meaning is written once, beside its field, and printed on request."""

from dataclasses import fields, is_dataclass

import pytest
import yaml

from earmark.cli import meanings, params
from earmark.data.settings import DemoSettings
from earmark.tasks import catalog
from earmark.tasks.overrides import keys
from earmark.training import tagged
from project import REPOSITORY


def classes(kind) -> list[type]:
    """A class of settings and all below it, every kind of a block included."""
    below = [one for f in fields(kind) for one in (tagged.branches(f.type) or {"": f.type}).values()]
    return [kind, *(c for one in dict.fromkeys(below) if is_dataclass(one) for c in classes(one))]


ALL = dict.fromkeys(
    c for top in (DemoSettings, *(catalog.task(t).settings for t in catalog.names())) for c in classes(top)
)
FIELDS = [(c, f) for c in ALL for f in fields(c)]


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_class_of_settings_says_what_it_is(kind):
    assert meanings.class_meaning(kind).endswith(".")


@pytest.mark.parametrize(("kind", "field"), FIELDS, ids=[f"{c.__name__}-{f.name}" for c, f in FIELDS])
def test_every_field_has_a_meaning(kind, field):
    """A block has that of its class; the name of a kind that of the kind."""
    if is_dataclass(field.type) or field.name == "name":
        return
    assert meanings.field_meaning(kind, field.name).endswith((".", ")."))


def test_meanings_are_those_in_the_source():
    assert meanings.field_meaning(DemoSettings, "voices") == "Number of speakers."
    assert meanings.field_meaning(DemoSettings, "nothing") == ""
    train = catalog.task("genre").settings.__dataclass_fields__["train"].type
    assert (
        meanings.field_meaning(train, "lr") == "Learning rate; with a schedule, its highest value."
    )  # of the class it inherits


SOUND_CNNS = "net | resnetish18 | resnetish34 | vggish"


@pytest.fixture
def project(workplace):
    (workplace / "params.yaml").write_text((REPOSITORY / "params.yaml").read_text())
    return workplace


@pytest.mark.parametrize("asked", ["genre.train.lr", "tasks.genre.train.lr"])
def test_a_key_with_its_type_value_and_meaning(project, earmark, asked):
    status, out, _ = earmark("params", asked)
    assert status == 0
    assert out.splitlines() == [
        "genre.train.lr: number; here 0.003",
        "    Learning rate; with a schedule, its highest value.",
    ]


def test_a_block_with_all_its_names(project, earmark):
    _, out, _ = earmark("params", "genre.train.schedule")
    assert out.splitlines()[:2] == [
        "genre.train.schedule: constant | step | plateau | cosine | onecycle; here cosine",
        "    How the learning rate changes over the epochs.",
    ]
    assert "genre.train.schedule.warmup_epochs (cosine): whole number; here 5; by default 1\n" in out
    assert "genre.train.schedule.gamma (step): number; by default 0.1\n" in out
    assert "genre.train.schedule.gamma (plateau): number; by default 0.1\n" in out
    assert "genre.train.schedule.name (onecycle)\n    The rate rises to `train.lr` during" in out


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("genre.train.schedule.gamma", ["genre.train.schedule.gamma (step)", "genre.train.schedule.gamma (plateau)"]),
        ("genre.train.schedule.step.gamma", ["genre.train.schedule.gamma (step)"]),
        ("genre.train.schedule.onecycle", ["genre.train.schedule.name (onecycle)"]),
        ("genre.model.vggish", [f"genre.model.{k} ({SOUND_CNNS})" for k in ("name", "pooling", "width", "filter")]),
        ("train.epochs", ["chord.train.epochs", "genre.train.epochs", "speaker.train.epochs"]),
        ("lr", ["chord.train.lr", "genre.train.lr", "speaker.train.lr"]),
        ("cosine.warmup_epochs", [f"{t}.train.schedule.warmup_epochs (cosine)" for t in catalog.names()]),
        ("demo.seed", ["demo.seed"]),
        ("demo", ["demo", "demo.songs_per_genre", "demo.voices", "demo.seed"]),
    ],
)
def test_what_is_asked_for_is_printed(project, earmark, asked, found):
    _, out, _ = earmark("params", asked)
    assert [line.split(":")[0] for line in out.splitlines() if not line.startswith(" ")] == found


def test_choices_lists_and_nulls_in_words(project, earmark):
    assert "demo.voices: whole number; here 40" in earmark("params", "demo.voices")[1]
    assert "genre.features.f_max: number | null; here null" in earmark("params", "genre.features.f_max")[1]
    assert "genre.features.fill: tile | pad | pad_log; here tile" in earmark("params", "genre.features.fill")[1]
    assert (
        "speaker.features.speeds: list of numbers; here [0.9, 1.1]" in earmark("params", "speaker.features.speeds")[1]
    )
    assert (
        "speaker.model.whiten (resnet): true | false; here false; by default false"
        in earmark("params", "speaker.model.whiten")[1]
    )


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [
        ("genre.trian", "genre.train"),
        ("gener", "genre"),
        ("genre.train.schedule.stepp", "genre.train.schedule.step"),
        ("epoch", "epochs"),
    ],
)
def test_an_unknown_key_names_the_nearest(project, earmark, asked, nearest):
    status, _, err = earmark("params", asked)
    assert (status, err) == (1, [f"earmark: params.yaml has no key '{asked}'; did you mean '{nearest}'?"])


def test_a_word_that_is_like_no_key_is_one_line(project, earmark):
    assert earmark("params", "zzzz")[2] == [
        "earmark: params.yaml has no key 'zzzz'; `earmark params` lists all of them."
    ]


def test_without_a_key_all_are_printed(project, earmark):
    _, out, _ = earmark("params")
    printed = {line.split(":")[0].split(" ")[0] for line in out.splitlines() if not line.startswith(" ")}
    for task in catalog.names():
        known = {f"{task}.{key}" for key in keys(catalog.task(task).settings)}
        assert {key for key in printed if key.startswith(f"{task}.")} == known
    leaves = [line for line in out.splitlines() if "; here " in line]
    assert len(leaves) == sum(1 for _ in leaves_of(yaml.safe_load((project / "params.yaml").read_text())))


def leaves_of(raw):
    for value in raw.values():
        yield from leaves_of(value) if isinstance(value, dict) and value else [value]  # {} is a value


def test_outside_of_a_project_there_are_no_values(workplace, earmark):
    status, out, _ = earmark("params", "genre.train")
    assert status == 0
    assert "here" not in [word for line in out.splitlines() if not line.startswith(" ") for word in line.split()]
    assert params.entries()[0].key == "demo"
