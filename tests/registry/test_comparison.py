"""Versions whose test sets differ: judged on today's test split, on what neither was trained on, and once."""

import json
from pathlib import Path

import pandas as pd
import pytest

from earmark.data import manifest
from earmark.errors import EarmarkError
from earmark.registry import comparison, judging, promotion, tracking, versions
from earmark.registry.comparison import Today
from stores import NAME, TASK, champion, version

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

    def __call__(self, task, version, rows, settings, say, progress) -> dict:
        self.asked.append((int(version.version), len(rows)))
        accuracy = self.accuracy[f"v{version.version}"]
        facts = {"n_recordings": len(rows), "test_manifest_sha256": manifest.digest(rows), "model_sha256": "m"}
        return {"accuracy": accuracy, "accuracy_ci95": [0.25, 0.75]} | facts


@pytest.fixture
def tracker(project: Path) -> tracking.Tracker:
    """Version 1 is champion, 2 challenger and tested on today's test split; 1 was tested on another one."""
    found = tracking.connect("genre")
    for number, alias in ((version(found), "champion"), (version(found), "challenger")):
        found.client.set_registered_model_alias(NAME, alias, number)
    today(found, pd.concat([table("test"), table("train", N, 40)]))
    return found


def today(tracker, rows: pd.DataFrame, accuracy: float = 0.625) -> None:
    """Make these the prepared recordings, on whose test split version 2 has an accuracy."""
    Path("data/genre").mkdir(parents=True, exist_ok=True)
    rows.to_csv("data/genre/manifest.csv", index=False)
    test = manifest.load(Path("data/genre/manifest.csv")).query("split == 'test'")
    tracker.client.delete_model_version_tag(NAME, "2", f"earmark.test.{'0' * 16}")
    figures = {"accuracy": accuracy, "accuracy_ci95": [0.5, 0.75], "n_recordings": len(test)}
    for key, value in versions.evaluation_tags(TASK, figures | {"test_manifest_sha256": manifest.digest(test)}).items():
        tracker.client.set_model_version_tag(NAME, "2", key, value)


@pytest.fixture
def promote(tracker, monkeypatch):
    """`earmark promote` with a judge: what is said, the last sentences being those of the promotion."""

    def run(judge, number=None):
        said = []
        monkeypatch.setattr(judging, "judged", judge)
        on = Today(lambda: None, said.append, lambda items, *_: items)
        return said + promotion.promote(tracker.client, TASK, number, False, None, on)

    return run


def test_the_champion_is_judged_on_todays_test_recordings_once(tracker, promote):
    for number in ("1", "2"):
        learnt(tracker, number, table("train", 100))
    judge = Judge(v1=0.5)
    assert promote(judge) == [
        "Version 1 was not tested on these 24 recordings: it is judged on them now.",
        "accuracy on the same 24 test recordings: version 2 0.625 [0.500, 0.750], the champion, version 1, "
        "0.500 [0.250, 0.750].",
        "On other test recordings the champion had 0.500.",
        "Version 2 is champion; before it was version 1.",
    ]
    assert judge.asked == [(1, 24)]


def test_what_was_judged_is_kept_with_the_version_and_its_run(tracker, promote):
    with pytest.raises(EarmarkError) as error:
        promote(Judge(v1=0.75))
    assert str(error.value) == (
        "Version 2 is not promoted: its accuracy is 0.625, the champion's (version 1) 0.750, on the same 24 test "
        "recordings. Use --force --why '...' to insist."
    )
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
    (file,) = tracker.client.list_artifacts(first.run_id, f"evaluation/{name}")
    assert file.path == f"evaluation/{name}/metrics.json"
    judge = Judge()
    with pytest.raises(EarmarkError, match="on the same 24 test recordings"):
        promote(judge)
    assert judge.asked == []


def test_a_run_that_was_deleted_takes_nothing(tracker, promote):
    tracker.client.delete_run(tracker.client.get_model_version(NAME, "1").run_id)
    assert promote(Judge(v1=0.5))[-1] == "Version 2 is champion; before it was version 1."


def test_a_champion_that_was_trained_on_test_recordings(tracker, promote):
    """Both are judged on the others, without the groups of those."""
    learnt(tracker, "1", pd.concat([table("train", 0, 1), table("val", 4, 3), table("test", 10, 4)]))
    learnt(tracker, "2", table("train", N, 40))
    judge = Judge(v1=0.5, v2=0.75)
    assert promote(judge) == [
        "6 of today's 24 test recordings are of groups that version 1 learnt.",
        "Both are judged on the other 18.",
        "Version 2 was not tested on these 18 recordings: it is judged on them now.",
        "Version 1 was not tested on these 18 recordings: it is judged on them now.",
        "accuracy on the same 18 test recordings: version 2 0.750 [0.250, 0.750], the champion, version 1, "
        "0.500 [0.250, 0.750].",
        "On other test recordings the champion had 0.500.",
        "Version 2 is champion; before it was version 1.",
    ]
    assert judge.asked == [(2, 18), (1, 18)]


def test_too_few_recordings_that_neither_was_trained_on(tracker, promote):
    learnt(tracker, "1", table("train", 0, 15))
    with pytest.raises(EarmarkError) as error:
        promote(Judge())
    assert str(error.value) == (
        "Version 2 is not promoted: it was tested on other recordings than the champion (version 1), and without what "
        "one of the versions was trained on, 8 of today's 24 test recordings are left, and fewer than 10 decide "
        "nothing; add recordings and run `dvc repro publish@genre`. Use --force --why '...' to insist."
    )
    assert champion(tracker.client) == 1


def test_what_a_version_of_before_was_trained_on_is_not_known(tracker, promote):
    learnt(tracker, "2", table("train", N, 40))
    assert promote(Judge(v1=0.5))[0] == (
        "It cannot be known what version 1 was trained on, which was published before that was kept: if today's test "
        "recordings are among it, its figure is too good."
    )


def test_an_older_version_is_judged_too(tracker, promote):
    """Version 3 was tested on neither set."""
    version(tracker)
    tracker.client.delete_model_version_tag(NAME, "3", f"earmark.test.{'0' * 16}")
    judge = Judge(v1=0.5, v3=0.5)
    assert promote(judge, 3)[-1] == "Version 3 is champion; before it was version 1."
    assert judge.asked == [(3, 24), (1, 24)]


def test_nothing_to_judge_on(tracker, promote):
    Path("data/genre/manifest.csv").unlink()
    with pytest.raises(EarmarkError) as error:
        promote(Judge())
    assert str(error.value) == (
        "Version 2 is not promoted: it was tested on other recordings than the champion (version 1), and "
        "data/genre/manifest.csv, which names today's test recordings, is missing; run `dvc repro publish@genre`. "
        "Use --force --why '...' to insist."
    )


def test_a_version_that_cannot_be_judged(tracker, promote):
    def refused(*_):
        raise EarmarkError("music/0.wav is missing; put it back.")

    with pytest.raises(EarmarkError) as error:
        promote(refused)
    assert str(error.value) == (
        "Version 2 is not promoted: it was tested on other recordings than the champion (version 1), and version 1 "
        "cannot be judged on today's test recordings: music/0.wav is missing; put it back. Use --force --why '...' to "
        "insist."
    )


def test_insisting_judges_nothing(tracker):
    said = promotion.promote(tracker.client, TASK, None, True, "a trial", Today(None, None, None))
    assert said == ["Version 2 is champion; before it was version 1."]


def test_the_first_common_test_set_on_which_the_new_one_is_worse_decides(tracker):
    def both(*figures):
        for number in ("1", "2"):
            for i, pair in enumerate(figures):
                value = json.dumps({"accuracy": pair[int(number) - 1], "n_recordings": 10 * (i + 1)})
                tracker.client.set_model_version_tag(NAME, number, f"earmark.test.{str(i) * 16}", value)
        return comparison.shared(TASK, *(tracker.client.get_model_version(NAME, n) for n in ("2", "1")))

    assert both((0.5, 0.5), (0.5, 0.75)).new == {"accuracy": 0.75, "n_recordings": 20}
    assert both((0.75, 0.5), (0.5, 0.75)).new == {"accuracy": 0.5, "n_recordings": 10}
