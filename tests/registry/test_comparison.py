"""Versions whose test sets differ: judged on today's test split, on what neither was trained on, and once."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from earmark.data import manifest
from earmark.errors import EarmarkError
from earmark.evaluation import outcomes
from earmark.registry import comparison, judging, tracking
from earmark.registry.comparison import TodaysTestSplit
from stores import NAME, TASK, evaluated, version

N = 24  # recordings of the test split, two to a group


def table(split: str, first: int = 0, n: int = N) -> pd.DataFrame:
    """Rows of a prepared manifest."""
    numbers = range(first, first + n)
    facts = {"duration_s": 1.0, "sample_rate": 8000, "channels": 1, "peak": 0.5, "split": split}
    rows = [{"path": f"{i}.wav", "label": "ab"[i % 2], "group": f"g{i // 2}", "sha256": f"{i:064}"} for i in numbers]
    return pd.DataFrame(rows).assign(**facts)


def learnt(tracker, number: str, rows: pd.DataFrame) -> None:
    """Keep with a version's run which recordings it was trained on, as the publish stage does."""
    text = rows.to_csv(index=False)
    tracker.client.log_text(tracker.client.get_model_version(NAME, number).run_id, text, "data/manifest.csv")


class Judge:
    """Stands for a judged model: figures by version, and which rows were asked for."""

    def __init__(self, **accuracy: float):
        self.accuracy, self.asked = accuracy, []

    def __call__(self, task, version, rows, settings, say, progress) -> tuple[dict, pd.DataFrame]:
        self.asked.append((int(version.version), len(rows)))
        right = np.arange(len(rows)) < self.accuracy[f"v{version.version}"] * len(rows)
        facts = {"n_recordings": len(rows), "test_manifest_sha256": manifest.digest(rows), "model_sha256": "m"}
        kept = outcomes.shares("accuracy", rows.rename(columns={"path": "recording"}), right, 1.0, rows.label)
        return {"accuracy": right.mean(), "accuracy_ci95": [0.25, 0.75]} | facts, kept


@pytest.fixture
def tracker(project: Path) -> tracking.Tracker:
    """Two versions, and 24 prepared recordings of today's test split beside 40 others."""
    found = tracking.connect("genre")
    version(found), version(found)
    Path("data/genre").mkdir(parents=True)
    pd.concat([table("test"), table("train", N, 40)]).to_csv("data/genre/manifest.csv", index=False)
    return found


@pytest.fixture
def judged(tracker, monkeypatch):
    """Versions on today's test split by a judge: what was measured, and what is said."""

    def run(judge, *numbers: str):
        said = []
        monkeypatch.setattr(judging, "judge_version", judge)
        on = TodaysTestSplit(lambda: None, said.append, lambda items, *_: items)
        some = [tracker.client.get_model_version(NAME, number) for number in numbers or ("2", "1")]
        return comparison.on_todays_test(tracker.client, TASK, some, on), said

    return run


def test_what_is_missing_is_judged_once_and_kept(tracker, judged):
    for number in ("1", "2"):
        learnt(tracker, number, table("train", 100))
    judge = Judge(v1=0.75, v2=0.5)
    (new, old), said = judged(judge)
    assert said == [
        f"No outcomes of version {n} on these 24 recordings were kept, so it is tested on them now." for n in (2, 1)
    ]
    assert (new.figures["accuracy"], old.figures["accuracy"]) == (0.5, 0.75)
    assert new.test_sha256 == old.test_sha256 == manifest.digest(table("test"))
    assert (new.outcomes.right.sum(), old.outcomes.right.sum()) == (12, 18)
    again, said = judged(Judge())
    assert said == []
    assert judge.asked == [(2, 24), (1, 24)]
    for one, other in zip(again, (new, old), strict=True):
        assert one.figures == other.figures
        pd.testing.assert_frame_equal(one.outcomes, other.outcomes)


def test_what_was_judged_is_kept_with_the_version_and_its_run(tracker, judged):
    judged(Judge(v1=0.75, v2=0.5))
    first = tracker.client.get_model_version(NAME, "1")
    sha256 = manifest.digest(table("test"))
    assert json.loads(first.tags[f"earmark.test.{sha256[:16]}"]) == {
        "accuracy": 0.75,
        "accuracy_ci95": [0.25, 0.75],
        "n_recordings": 24,
    }
    run = tracker.client.get_run(first.run_id).data
    ((key, value),) = [(k, v) for k, v in run.tags.items() if k.startswith("earmark.evaluation.")]
    assert value == sha256
    name = key.removeprefix("earmark.evaluation.")
    assert run.metrics[f"test-{name}/accuracy"] == 0.75
    assert run.metrics[f"test-{name}-ci95/accuracy_low"] == 0.25
    files = [f.path for f in tracker.client.list_artifacts(first.run_id, f"evaluation/{name}")]
    assert files == [f"evaluation/{name}/metrics.json", f"evaluation/{name}/outcomes.parquet"]


def test_a_run_that_was_deleted_takes_nothing(tracker, judged):
    tracker.client.delete_run(tracker.client.get_model_version(NAME, "1").run_id)
    (_, old), _ = judged(Judge(v1=0.5, v2=0.5))
    assert old.outcomes.right.sum() == 12


def test_a_champion_that_was_trained_on_test_recordings(tracker, judged):
    """Both are judged on the others, without the groups of those."""
    learnt(tracker, "1", pd.concat([table("train", 0, 1), table("val", 4, 3), table("test", 10, 4)]))
    learnt(tracker, "2", table("train", N, 40))
    judge = Judge(v1=0.5, v2=0.75)
    _, said = judged(judge)
    assert said == [
        "Of today's 24 test recordings, 6 had a group that version 1 was trained on.",
        "Both are tested on the other 18.",
        *(f"No outcomes of version {n} on these 18 recordings were kept, so it is tested on them now." for n in (2, 1)),
    ]
    assert judge.asked == [(2, 18), (1, 18)]


def test_a_version_says_itself_what_it_was_trained_on(tracker, judged):
    """Rather than its run, whose manifest another one of the same weights may have written."""
    learnt(tracker, "1", table("train", N, 40))
    learnt(tracker, "2", table("train", N, 40))
    rows = pd.concat([table("train", 0, 4), table("val", N, 3)])
    text = rows[["sha256", "split"]].to_csv(index=False)
    run_id = tracker.client.get_model_version(NAME, "1").run_id
    tracker.client.log_text(run_id, text, "model/artifacts/genre/recordings.csv")
    _, said = judged(Judge(v1=0.5, v2=0.5))
    assert said[:2] == [
        "Of today's 24 test recordings, 4 had a group that version 1 was trained on.",
        "Both are tested on the other 20.",
    ]


def test_too_few_recordings_that_neither_was_trained_on(tracker, judged):
    learnt(tracker, "1", table("train", 0, 15))
    learnt(tracker, "2", table("train", N, 40))
    with pytest.raises(EarmarkError) as error:
        judged(Judge())
    assert str(error.value) == (
        "too few of today's test recordings are left that neither version was trained on: 8 of 24, and at least 10 "
        "are needed to decide; add recordings and run `dvc repro publish@genre`"
    )


def test_what_a_version_of_before_was_trained_on_is_not_known(tracker, judged):
    learnt(tracker, "2", table("train", N, 40))
    assert judged(Judge(v1=0.5, v2=0.5))[1][0] == (
        "It is not known what version 1 was trained on, because it was published before earmark kept that: if it was "
        "trained on any of today's test recordings, its figure is too good."
    )


def test_nothing_to_judge_on(judged):
    Path("data/genre/manifest.csv").unlink()
    with pytest.raises(EarmarkError) as error:
        judged(Judge())
    assert str(error.value) == (
        "data/genre/manifest.csv, which names today's test recordings, is missing; run `dvc repro publish@genre`"
    )


def test_a_version_that_cannot_be_judged(judged):
    def refused(*_):
        raise EarmarkError("music/0.wav is missing; put it back.")

    with pytest.raises(EarmarkError) as error:
        judged(refused)
    assert str(error.value) == (
        "version 2 cannot be judged on today's test recordings: music/0.wav is missing; put it back"
    )


def shared(tracker):
    return comparison.on_shared_test(tracker.client, *(tracker.client.get_model_version(NAME, n) for n in ("2", "1")))


def test_the_largest_common_test_set_with_outcomes_of_both(tracker):
    assert shared(tracker) is None  # both have the tag of a set, and no outcomes
    for number, right in (("1", 1.0), ("2", 0.0)):
        evaluated(tracker, number, "a", [right] * 3)
        evaluated(tracker, number, "b", [right] * 4)
    evaluated(tracker, "2", "c", [1.0] * 9)
    both = shared(tracker)
    assert both.new.test_sha256 == both.old.test_sha256 == "b" * 64
    assert (list(both.new.outcomes.right), list(both.old.outcomes.right)) == ([0.0] * 4, [1.0] * 4)


def test_todays_test_set_goes_before_a_larger_one(tracker):
    sha256 = manifest.digest(table("test"))
    for number in ("1", "2"):
        evaluated(tracker, number, "a", [1.0] * 99)
        run_id = tracker.client.get_model_version(NAME, number).run_id
        tracker.client.set_tag(run_id, "earmark.evaluation.a", sha256)
        tag = json.dumps({"accuracy": 1.0, "n_recordings": 1})
        tracker.client.set_model_version_tag(NAME, number, f"earmark.test.{sha256[:16]}", tag)
        evaluated(tracker, number, "b", [1.0] * 9)
    assert shared(tracker).new.test_sha256 == sha256


def test_outcomes_of_other_recordings_are_no_pair(tracker):
    evaluated(tracker, "1", "a", [1.0] * 3)
    evaluated(tracker, "2", "a", [1.0] * 4)
    assert shared(tracker) is None
