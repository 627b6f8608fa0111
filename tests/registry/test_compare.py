"""Runs side by side: who is meant by a word, what differs, and differences against independent references."""

import numpy as np
import pandas as pd
import pytest

from earmark.errors import EarmarkError
from earmark.registry import compare, gate, runs, tracking
from earmark.registry.compare import HeadlineDifference, LoggedFigure
from earmark.registry.named_runs import RunIndex, join_version_numbers
from earmark.registry.runs import CurrentHashes
from earmark.tasks import catalog
from stores import NAME

GENRE = catalog.task("genre")
TEST, OTHER = "1" * 64, "2" * 64
TODAY = CurrentHashes(TEST, None)
N = 40


@pytest.fixture
def tracker(project):
    return tracking.connect("genre")


def outcomes(n_right: int, recordings: int = N) -> pd.DataFrame:
    """Outcomes of a model that is right on the first so many of the recordings, a group each."""
    names = [f"{i:02d}.wav" for i in range(recordings)]
    right = (np.arange(recordings) < n_right).astype(float)
    table = pd.DataFrame({"figure": "accuracy", "part": "low", "recording": names, "group": names, "right": right})
    return table.assign(weight=1.0, confidence=0.5)


def run(tracker, tmp_path, n_right, test=TEST, kept=True, sha="aaaaaaaa", name="genre-toy", kind="pipeline", **params):
    """A run that was right on so many of N recordings; its id."""
    tags = tracking.run_tags(kind, {"code_sha256": "c"}) | {"earmark.n_parameters": "1234", "earmark.commit": "f" * 40}
    run_id = tracker.create(name, tags, {"train.lr": "0.1"} | params)
    share = n_right / N
    found = {"accuracy": share, "accuracy_ci95": [share - 0.1, share + 0.1], "macro_f1": 0.5, "n_recordings": N}
    tracker.log(run_id, tracking.numbers("test", found))
    if test:
        tracker.client.set_tag(run_id, f"earmark.evaluation.{sha}", test)
    if kept:
        outcomes(n_right).to_parquet(tmp_path / "outcomes.parquet", index=False)
        tracker.client.log_artifact(run_id, str(tmp_path / "outcomes.parquet"), f"evaluation/{sha}")
    tracker.client.set_terminated(run_id, "FINISHED")
    return run_id


def version(tracker, run_id, alias=None) -> int:
    client = tracker.client
    if not client.search_registered_models(f"name = '{NAME}'"):
        client.create_registered_model(NAME)
    made = client.create_model_version(NAME, client.get_run(run_id).info.artifact_uri, run_id)
    if alias:
        client.set_registered_model_alias(NAME, alias, made.version)
    return int(made.version)


def compared(tracker, *words, today=TODAY, every_kind=False):
    return compare.compare_runs(tracker.client, GENRE, words, today, every_kind)


def ids(found) -> list[str]:
    return [c.row.run_id for c in found.columns]


def test_settings_figures_and_facts_stand_side_by_side(tracker, tmp_path):
    first = run(tracker, tmp_path, 30)
    second = run(tracker, tmp_path, 36, **{"train.lr": "0.2", "model.name": "cnn"})
    tracker.tag(second, rebuilt="true", dirty="true", code_sha256="d")
    found = compared(tracker)
    assert ids(found) == [first, second]
    one, other = found.columns
    assert found.settings == {"model.name": [None, "cnn"], "train.lr": ["0.1", "0.2"]}
    assert one.figures == {"accuracy": LoggedFigure(0.75, (0.65, 0.85)), "macro_f1": LoggedFigure(0.5, None)}
    assert (one.title, other.title) == ("#1", "#2")
    assert (one.n_parameters, one.commit, other.dirty, other.rebuilt) == (1234, "f" * 40, True, True)
    assert (one.test, one.n_recordings, found.common, found.other) == (TEST, N, True, ["code_sha256"])
    assert one.difference is None


def test_the_difference_is_paired_and_the_gates(tracker, tmp_path):
    run(tracker, tmp_path, 30)
    run(tracker, tmp_path, 36)
    found = compared(tracker).columns[1].difference
    assert found.value == pytest.approx(6 / N)
    gained = gate.gain(GENRE, outcomes(36), outcomes(30), 0.025)
    assert found == HeadlineDifference(gained.difference, (gained.low, gained.high))
    assert found.ci95[0] < 0.15 < found.ci95[1]


def test_errors_count_the_other_way(tracker, tmp_path, monkeypatch):
    """What is less is negative, though it is a gain."""
    run(tracker, tmp_path, 30)
    run(tracker, tmp_path, 36)
    monkeypatch.setattr(gate, "gain", lambda *args: gate.Difference(0.2, 0.1, 0.4))
    task = type(GENRE)(**vars(GENRE) | {"lower_is_better": True})
    found = compare.compare_runs(tracker.client, task, (), TODAY, False)
    assert found.columns[1].difference == HeadlineDifference(-0.2, (-0.4, -0.1))


def test_without_outcomes_it_is_not_paired_and_says_why(tracker, tmp_path):
    run(tracker, tmp_path, 30, kept=False)
    run(tracker, tmp_path, 36)
    found = compared(tracker).columns[1].difference
    assert found == HeadlineDifference(pytest.approx(0.15), None, "not paired: made by an earlier release")


def test_other_test_recordings_are_not_subtracted(tracker, tmp_path):
    run(tracker, tmp_path, 30, OTHER)
    run(tracker, tmp_path, 36)
    found = compared(tracker)
    assert found.columns[1].difference == HeadlineDifference(None, None, "not the same test recordings")
    assert not found.common


def test_recordings_that_all_were_judged_on_come_before_todays(tracker, tmp_path):
    run(tracker, tmp_path, 30, OTHER)
    second = run(tracker, tmp_path, 36)
    tracker.log(second, tracking.numbers("test-bbbbbbbb", {"accuracy": 0.25, "n_recordings": N}))
    tracker.client.set_tag(second, "earmark.evaluation.bbbbbbbb", OTHER)
    found = compared(tracker)
    assert (found.common, found.columns[1].test, found.columns[1].figures["accuracy"].value) == (True, OTHER, 0.25)
    assert found.columns[1].difference == HeadlineDifference(-0.5, None, "not paired: made by an earlier release")


def test_studies_have_their_own_figures(tracker, tmp_path):
    run(tracker, tmp_path, 30)
    study = tracker.create("study-x", tracking.run_tags("study", {}), {})
    tracker.log(study, tracking.numbers("nested", {"accuracy": 0.875, "accuracy_ci95": [0.8, 0.9]}))
    found = compared(tracker, "#1", "study-x")
    assert found.columns[1].figures == {"accuracy": LoggedFigure(0.875, (0.8, 0.9))}
    assert found.columns[1].difference == HeadlineDifference(None, None, "test recordings are not known")


def test_numbers_are_those_of_earmark_runs(tracker, tmp_path):
    first, study, third = (
        run(tracker, tmp_path, 30, kind=kind, kept=False) for kind in ("pipeline", "study", "pipeline")
    )
    assert ids(compared(tracker, "#1", "2")) == [first, third]
    assert ids(compared(tracker, "#2", "#3", every_kind=True)) == [study, third]
    shown = runs.rows(tracker.client, GENRE, False, TODAY)
    assert [row.run_id for row in shown] == [third, first]


def test_versions_aliases_names_and_ids(tracker, tmp_path):
    first, second, third = (run(tracker, tmp_path, 30, name=f"genre-{i}", kept=False) for i in range(3))
    for run_id, alias in ((first, "champion"), (second, None), (third, "challenger")):
        version(tracker, run_id, alias)
    assert ids(compared(tracker)) == [first, third]
    assert ids(compared(tracker, "version", "2", "v3")) == [second, third]
    assert ids(compared(tracker, "Version 3", "champion")) == [third, first]
    assert ids(compared(tracker, "genre-1", third[:6])) == [second, third]
    assert [c.title for c in compared(tracker).columns] == ["#1, version 1 (champion)", "#3, version 3 (challenger)"]


def test_one_is_held_against_the_champion_or_the_run_before(tracker, tmp_path):
    first, second, third = (run(tracker, tmp_path, 30, kept=False) for _ in range(3))
    assert ids(compared(tracker, "#3")) == [second, third]
    version(tracker, first, "champion")
    assert ids(compared(tracker, "#3")) == [first, third]
    assert ids(compared(tracker, "champion")) == [third, first]  # the newest there is
    assert ids(compared(tracker)) == [first, third]  # no challenger


def test_a_champion_without_another_run(tracker, tmp_path):
    version(tracker, run(tracker, tmp_path, 30, kept=False), "champion")
    with pytest.raises(EarmarkError) as e:
        compared(tracker, "champion")
    assert str(e.value) == (
        "A comparison needs two runs of genre, but only one was named: #1, version 1 (champion); name "
        "others, as `earmark runs genre` lists them."
    )


def test_the_same_run_twice_is_one(tracker, tmp_path):
    first, second = (run(tracker, tmp_path, 30, kept=False) for _ in range(2))
    version(tracker, second)
    assert ids(compared(tracker, "#2", "#1", "v1")) == [second, first]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("#9", "There is no run or version '#9' of genre; `earmark runs genre` numbers them, up to #2."),
        ("v7", "There is no version 7 of genre with a run in this store; it has none."),
        ("champion", "genre has no champion; `earmark runs genre` lists its runs."),
        (
            "genre-tyo",
            "There is no run or version 'genre-tyo' of genre; did you mean 'genre-toy'? `earmark runs genre --all` "
            "lists them.",
        ),
        ("xyz", "There is no run or version 'xyz' of genre; `earmark runs genre --all` lists them."),
    ],
)
def test_words_that_name_nothing_are_one_sentence(tracker, tmp_path, word, said):
    for _ in range(2):
        run(tracker, tmp_path, 30, kept=False)
    with pytest.raises(EarmarkError) as e:
        compared(tracker, "#1", word)
    assert str(e.value) == said


def test_a_name_of_several_asks_for_an_id(tracker, tmp_path):
    made = [run(tracker, tmp_path, 30, kept=False) for _ in range(2)]
    with pytest.raises(EarmarkError, match="2 runs of genre are called 'genre-toy'; name one by its id: ") as e:
        compared(tracker, "genre-toy")
    assert all(run_id[:8] in str(e.value) for run_id in made)


def test_nothing_judged_is_one_sentence(tracker):
    with pytest.raises(EarmarkError, match="No run of genre has been judged yet; `dvc repro publish@genre`"):
        compared(tracker)


def test_a_number_of_many_digits_is_an_id():
    row = type("Row", (), {"run_id": "12345678" + "a" * 24, "name": "x", "kind": "study", "versions": {}})()
    assert RunIndex("genre", [row], {}).named("12345678").title == "12345678"


def test_words_of_a_version_are_joined():
    assert join_version_numbers(["version", "2", "#3", "Version", "4"]) == ["version 2", "#3", "version 4"]
    assert join_version_numbers(["version", "x"]) == ["version", "x"]
