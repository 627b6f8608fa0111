"""A run's settings come back from what MLflow holds of them as text, whatever kind each is of."""

import pytest
import yaml

from earmark.cli.arguments import logged, settings
from earmark.errors import EarmarkError
from earmark.registry import run_settings, tracking
from earmark.tasks import catalog
from project import REPOSITORY, set_keys

SHIPPED = (REPOSITORY / "params.yaml").read_text()


def run_of(project, task: str, **changes) -> dict[str, str]:
    """What a run logs that is trained with the shipped settings and these changes."""
    raw = yaml.safe_load(SHIPPED)
    set_keys(raw["tasks"][task], changes)
    (project / "params.yaml").write_text(yaml.safe_dump(raw))
    return logged(settings(task))


def put(task: str, run: dict[str, str], text: str = SHIPPED) -> dict:
    """The task's block after the run's settings were written into a text."""
    return yaml.safe_load(run_settings.put(text, catalog.task(task), run, "#1"))["tasks"][task]


@pytest.mark.parametrize(
    ("task", "key", "value"),
    [
        ("genre", "train.lr", 1e-05),
        ("genre", "train.epochs", 7),
        ("genre", "features.f_max", 8000.0),
        ("genre", "features.trim_db", None),
        ("genre", "data.root", "2024"),  # a folder, not a number
        ("genre", "data.channels", 2),  # a number, where a word may stand, too
        ("speaker", "features.speeds", [0.8, 1.25]),
        ("speaker", "train.segments_s", [1.0, 2.0]),
        ("chord", "train.crops", "chords"),
        (
            "genre",
            "train.schedule",
            {"name": "plateau", "gamma": 0.5, "patience": 3, "monitor": "accuracy", "min_lr": 0.0},
        ),
    ],
)
def test_every_kind_of_value_comes_back(project, task, key, value):
    run = run_of(project, task, **{key: value})
    assert run != run_of(project, task)
    block = put(task, run)
    for part in key.split("."):
        block = block[part]
    assert block == value
    (project / "params.yaml").write_text(run_settings.put(SHIPPED, catalog.task(task), run, "#1"))
    assert logged(settings(task)) == run


def test_other_bytes_stay(project):
    run = run_of(project, "genre", **{"train.epochs": 7})
    after = run_settings.put(SHIPPED, catalog.task("genre"), run, "#1").splitlines()
    changed = [(old, new) for old, new in zip(SHIPPED.splitlines(), after, strict=True) if old != new]
    assert len(changed) == 1
    assert run_settings.put(SHIPPED, catalog.task("genre"), run_of(project, "genre"), "#1") == SHIPPED


def test_a_block_of_another_kind_takes_the_former_keys_away(project):
    run = run_of(project, "genre", model={"name": "cnn", "channels": 4, "hidden": 8, "dropout": 0.2})
    model = put("genre", run)["model"]
    assert (model["name"], model["channels"], model["hidden"]) == ("cnn", 4, 8)
    assert "width" not in model
    back = run_of(project, "genre")
    cnn = run_settings.put(SHIPPED, catalog.task("genre"), run, "#1")
    assert put("genre", back, cnn)["model"].items() >= yaml.safe_load(SHIPPED)["tasks"]["genre"]["model"].items()


def test_a_key_that_two_kinds_share_is_written_though_its_value_is_the_same(project):
    """Another loss has another default of the margin, which would take its place."""
    model = {"name": "blstm", "read": "dense"}
    run = run_of(project, "speaker", **{"model": model, "train.loss": {"name": "pairs", "margin": 0.2}})
    assert put("speaker", run)["train"]["loss"]["margin"] == 0.2
    assert run_of(project, "speaker")["train.loss.margin"] == run["train.loss.margin"] == "0.2"


def test_nothing_comes_back_as_null_where_a_text_may_stand(project):
    raw = yaml.safe_load(SHIPPED)
    raw["tasks"]["chord"]["train"] |= {"initial_model": "earlier", "initial_sha256": "0" * 64}
    assert put("chord", run_of(project, "chord"), yaml.safe_dump(raw))["train"]["initial_model"] is None


def test_what_the_run_does_not_name_stays(project):
    """A run of an older release, which had no such key."""
    run = {key: value for key, value in run_of(project, "genre", **{"train.epochs": 7}).items() if key != "train.lr"}
    text = SHIPPED.replace("      lr: 0.003\n", "      lr: 0.5\n", 1)
    train = put("genre", run, text)["train"]
    assert (train["lr"], train["epochs"]) == (0.5, 7)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("train.speed", "3", "There is no key 'tasks.genre.train.speed' to override"),
        ("train.epochs", "many", "tasks.genre.train.epochs: input should be a valid integer"),
        ("train.lr", "0.10", "in that run, but this release reads it as 0.1; set it in params.yaml by hand."),
    ],
)
def test_settings_that_are_read_otherwise_now_are_refused(project, key, value, reason):
    run = run_of(project, "genre") | {key: value}
    with pytest.raises(EarmarkError) as refused:
        run_settings.put(SHIPPED, catalog.task("genre"), run, "#1, version 2")
    sentence = str(refused.value)
    assert sentence.startswith("The settings of #1, version 2 cannot be written into params.yaml: ")
    assert reason in sentence


def test_a_version_differs_by_what_it_was_trained_with(project):
    now = run_of(project, "genre")
    tracker = tracking.connect("genre")
    run_id = tracker.create("genre-1", tracking.run_tags("pipeline", {}), now)

    class Version:
        run_id: str

    version = Version()
    version.run_id = run_id
    assert not run_settings.differ(tracker.client, version, now)
    assert not run_settings.differ(tracker.client, version, now | {"evaluate.seed": "9", "data.root": "elsewhere"})
    assert run_settings.differ(tracker.client, version, now | {"train.lr": "0.5"})
    version.run_id = "0" * 32  # deleted with its run
    assert not run_settings.differ(tracker.client, version, {})
