"""What the gate is told of a version, and what becomes of its verdict."""

import json
from pathlib import Path

import numpy as np
import pytest

from earmark.errors import EarmarkError
from earmark.evaluation.settings import GateSettings
from earmark.registry import cards, clean_process, ledger, promotion, tracking, versions
from earmark.registry import champion as way_back
from earmark.registry.clean_process import AnswerCost
from earmark.registry.promotion import PromotionRequest
from stores import NAME, TASK, champion, crown, evaluated, run, version

GATE = GateSettings(class_margin=None)
FEW, MANY = 20, 200


def answers(n: int, wrong: int, first: int = 0) -> list[float]:
    """All right but some in a row."""
    return [float(not first <= i < first + wrong) for i in range(n)]


@pytest.fixture
def tracker(project: Path, monkeypatch) -> tracking.Tracker:
    """Three versions with cards that answer at once; version 1 is champion, 2 challenger."""
    monkeypatch.setattr(clean_process, "try_version", lambda version: AnswerCost(0.1, 1.0))
    found = tracking.connect("genre")
    for number in (version(found), version(found), version(found)):
        found.client.set_model_version_tag(NAME, number, cards.TAG, "runs:/r/card/CARD.md")
    crown(found.client, "1")
    found.client.set_registered_model_alias(NAME, "challenger", "2")
    return found


def promote(tracker, settings: GateSettings = GATE, **asked) -> promotion.Decision:
    return promotion.promote(tracker.client, TASK, PromotionRequest(**asked), lambda: settings, pytest.fail)


def last() -> ledger.LedgerEntry:
    return ledger.read("genre").entries[-1]


def test_a_yes_crowns_and_is_written_down(tracker):
    evaluated(tracker, "1", "a", answers(MANY, 30))
    evaluated(tracker, "2", "a", answers(MANY, 20))
    found = promote(tracker)
    assert found.verdict == "yes"
    assert found.sentences[-2:] == [
        "On the same 200 test recordings; each end of an interval is taken at the significance level 0.05.",
        "Version 2 is champion; it replaces version 1.",
    ]
    assert champion(tracker.client) == 2
    entry = last()
    assert (entry.kind, entry.verdict, entry.level, entry.version.number) == ("promotion", "yes", 0.05, 2)
    assert (entry.test.sha256, entry.test.n_recordings) == ("a" * 64, MANY)
    assert entry.figures == {
        "headline": "accuracy",
        "version": {"accuracy": 0.9, "n_recordings": MANY},
        "champion": {"accuracy": 0.85, "n_recordings": MANY},
        "compared": 1,
    }


def test_a_refusal_is_written_down_and_changes_nothing(tracker):
    evaluated(tracker, "1", "a", answers(MANY, 0))
    evaluated(tracker, "2", "a", answers(MANY, 60))
    found = promote(tracker)
    assert found.verdict == "no"
    assert found.sentences[-1] == (
        "No: version 2 is not promoted. `earmark promote genre --version 2 --force --why '...'` promotes it anyway."
    )
    assert champion(tracker.client) == 1
    entry = last()
    assert (entry.kind, entry.verdict) == ("refusal", "no")
    assert ", 0.300 worse (" in entry.reason
    assert ledger.read("genre").champion().number == 1


def test_too_few_recordings_to_tell(tracker):
    for number in "12":
        evaluated(tracker, number, "a", answers(FEW, 2))
    found = promote(tracker)
    assert found.verdict == "cannot tell"
    assert found.sentences[-1].startswith("The gate cannot tell, so version 2 is not promoted: add test recordings")
    assert champion(tracker.client) == 1


def test_insisting_keeps_the_reason_and_what_spoke_against_it(tracker):
    for number in "12":
        evaluated(tracker, number, "a", answers(FEW, 2))
    assert promote(tracker, force=True, why="the other one hums").verdict == "yes"
    assert champion(tracker.client) == 2
    entry = last()
    assert (entry.kind, entry.verdict, entry.why) == ("promotion", "forced", "the other one hums")
    assert "a loss of 0.05 is not ruled out" in entry.reason


def test_a_reason_is_asked_for(tracker):
    with pytest.raises(EarmarkError, match="--force needs --why, which is kept in the ledger"):
        promote(tracker, force=True)


@pytest.mark.parametrize(("wrong", "verdict"), [(0, "yes"), (60, "no")])
def test_a_dry_run_says_the_same_and_changes_nothing(tracker, wrong, verdict):
    evaluated(tracker, "1", "a", answers(MANY, 0))
    evaluated(tracker, "2", "a", answers(MANY, wrong))
    before = len(ledger.read("genre").entries)
    found = promote(tracker, dry_run=True)
    assert found.verdict == verdict
    assert found.sentences[-1].endswith("nothing was changed.")
    assert (champion(tracker.client), len(ledger.read("genre").entries)) == (1, before)
    assert promote(tracker).sentences[:-1] == found.sentences[:-1]


def test_every_model_that_was_judged_on_the_recordings_counts(tracker):
    """Version 3 and a run without a version were judged there; 2 was not promoted, and is a second one afterwards."""
    for number in "123":
        evaluated(tracker, number, "a", answers(FEW, 2))
    for number in "123":
        tracker.client.set_tag(
            tracker.client.get_model_version(NAME, number).run_id, "earmark.model_sha256", f"{int(number):064}"
        )
    run(tracker, **{"model_sha256": "f" * 64, "evaluation.x": "a" * 64})
    run(tracker, **{"model_sha256": "e" * 64, "evaluation.x": "b" * 64})  # on other recordings
    assert promote(tracker).sentences[-2] == (
        "On the same 20 test recordings, on which 3 models were compared so far, this one included: each end of "
        "an interval is taken at the significance level 0.05 / 3 = 0.017. On test recordings that no model has been "
        "compared on, the count starts again at one."
    )
    assert last().level == pytest.approx(0.05 / 3)
    assert promote(tracker).sentences[-2].startswith("On the same 20 test recordings, on which 3 models")  # once each


def test_a_test_set_that_lost_or_gained_a_few_recordings_is_no_new_one(tracker):
    """2 and 3 were judged on 30 recordings, of which the 20 are a part; another set has none of them."""
    for number in "12":
        evaluated(tracker, number, "a", answers(FEW, 2))
    for number, test, first in (("3", "b", 0), ("4", "c", FEW)):
        version(tracker)
        evaluated(tracker, number, test, answers(FEW + 10, 2), first)
    for number in "1234":
        tracker.client.set_tag(
            tracker.client.get_model_version(NAME, number).run_id, "earmark.model_sha256", f"{int(number):064}"
        )
    assert "on which 2 models were compared so far" in promote(tracker).sentences[-2]


def test_a_refused_model_counts_without_its_run(tracker):
    for number in "123":
        evaluated(tracker, number, "a", answers(FEW, 2))
    promote(tracker)
    tracker.client.delete_run(tracker.client.get_model_version(NAME, "2").run_id)
    assert "2 models were compared so far" in promote(tracker, version=3).sentences[-2]


def test_a_best_champion_of_before_is_the_measure(tracker):
    """1 is .02 better than 2, which is .02 better than 3: 3 passes against 2 and not against 1."""
    for number, wrong in (("1", 0), ("2", 14), ("3", 28)):
        evaluated(tracker, number, "a", answers(2 * MANY, wrong))
    crown(tracker.client, "2")
    found = promote(tracker, version=3)
    assert found.verdict == "no"
    assert "of version 1, the best champion so far, 0.070 worse (" in found.sentences[1]
    assert found.sentences[0].endswith("a loss of 0.05 or more is ruled out.") or "0.035 worse" in found.sentences[0]


def test_a_best_champion_whose_outcomes_are_gone_leaves_the_question_open(tracker):
    for number, wrong in (("1", 0), ("2", 14), ("3", 0)):
        evaluated(tracker, number, "a", answers(2 * MANY, wrong, first=50 * (number == "3")))
    crown(tracker.client, "2")
    tracker.client.set_model_version_tag(NAME, "3", f"earmark.test.{'a' * 16}", json.dumps({"accuracy": 0.99}))
    run_id = tracker.client.get_model_version(NAME, "1").run_id
    tracker.client.delete_tag(run_id, "earmark.evaluation.a")
    found = promote(tracker, version=3)
    assert found.verdict == "cannot tell"
    assert found.sentences[1] == (
        "The best champion so far, weights 00000000 (version 1 where it was registered), with accuracy 1.000 on these "
        "recordings, cannot be compared: its outcomes are gone."
    )


def test_other_test_recordings_and_nothing_to_judge_on(tracker):
    evaluated(tracker, "1", "a", answers(MANY, 0))
    evaluated(tracker, "2", "b", answers(MANY, 0))
    found = promote(tracker)
    assert found.verdict == "cannot tell"
    assert found.sentences[0] == (
        "Version 2 and version 1, the champion, cannot be compared: no test recordings are known on which both "
        "were evaluated."
    )


def test_a_champion_that_no_longer_loads(tracker, monkeypatch):
    """Its outcomes were kept: what it would cost is unknown, and no matter."""
    for number in "12":
        evaluated(tracker, number, "a", answers(MANY, 10))

    def tried(version):
        if str(version.version) == "1":
            raise EarmarkError("it does not load")
        return AnswerCost(9.0, 1.0)

    monkeypatch.setattr(clean_process, "try_version", tried)
    assert promote(tracker).verdict == "yes"


def test_a_version_that_does_not_load(tracker, monkeypatch):
    for number in "12":
        evaluated(tracker, number, "a", answers(MANY, 10))

    def tried(version):
        if str(version.version) == "2":
            raise EarmarkError("it reads a pickle (os.system)")
        return AnswerCost(0.1, 1.0)

    monkeypatch.setattr(clean_process, "try_version", tried)
    found = promote(tracker)
    assert found.verdict == "no"
    assert found.sentences[0] == "Version 2 cannot be used: it reads a pickle (os.system)."


def test_a_version_without_a_card(tracker):
    for number in "12":
        evaluated(tracker, number, "a", answers(MANY, 10))
    tracker.client.delete_model_version_tag(NAME, "2", cards.TAG)
    found = promote(tracker)
    assert found.verdict == "no"
    assert found.sentences[0] == "Version 2 has no card; `earmark publish genre` writes one."


@pytest.mark.parametrize("why", [None, "", " \t "])
def test_insisting_without_a_reason(tracker, why):
    with pytest.raises(EarmarkError, match="--force needs --why, which is kept in the ledger"):
        promote(tracker, force=True, why=why)


def test_a_reason_that_is_no_text_changes_nothing(tracker):
    before = ledger.read("genre").entries
    with pytest.raises(EarmarkError, match="--why is not UTF-8 text"):
        promote(tracker, force=True, why="bad \udcff bytes")
    assert (ledger.read("genre").entries, champion(tracker.client)) == (before, 1)


def test_where_the_alias_is_gone_the_last_champion_is_the_measure(tracker, capsys):
    """Taking the champion away, in the store and then in the ledger, opens no way around the gate."""
    evaluated(tracker, "1", "a", answers(MANY, 0))
    evaluated(tracker, "2", "a", answers(MANY, 60))
    tracker.client.delete_registered_model_alias(NAME, "champion")
    way_back.from_store(tracker.client, TASK, print)
    assert ledger.read("genre").champion() is None
    found = promote(tracker)
    assert (found.verdict, champion(tracker.client)) == ("no", None)
    assert "of version 2 against 1.000 of version 1" in found.sentences[0]
    assert promote(tracker, version=1).verdict == "yes"  # it is the last champion itself


def test_the_first_champion_has_nobody_to_be_compared_with(project, monkeypatch):
    monkeypatch.setattr(clean_process, "try_version", lambda version: AnswerCost(0.1, 1.0))
    found = tracking.connect("genre")
    found.client.set_model_version_tag(NAME, version(found), cards.TAG, "runs:/r/card/CARD.md")
    evaluated(found, "1", "a", answers(FEW, 5))
    assert promote(found, version=1) == promotion.Decision("yes", ["Version 1 is champion."])
    assert last().figures["version"] == {"accuracy": 0.75, "n_recordings": FEW}
    assert last().test.sha256 == "a" * 64
    assert promote(found, version=1).sentences == ["Version 1 is champion already."]


def test_the_champions_model_under_another_number_changes_nothing(tracker):
    for name in ("model_sha256", "train_key"):
        tracker.client.set_model_version_tag(NAME, "2", f"earmark.{name}", f"{1:064}")
    before = len(ledger.read("genre").entries)
    assert promote(tracker).sentences == [
        "Version 2 is the same model as the champion, version 1: nothing was changed."
    ]
    assert (champion(tracker.client), len(ledger.read("genre").entries)) == (1, before)


def test_a_better_baseline_is_said(tracker):
    for number, accuracy in (("1", 0.5), ("2", 0.625)):
        evaluated(tracker, number, "a", answers(FEW, 2))
        figures = {"accuracy": accuracy, "accuracy_ci95": [0.25, 0.75], "baseline_accuracy": 0.75}
        tracker.client.set_model_version_tag(NAME, number, f"earmark.test.{'a' * 16}", json.dumps(figures))
    assert promote(tracker, force=True, why="a trial").sentences[-2:] == [
        "A baseline is better than version 2: a logistic regression on MFCC statistics has accuracy 0.750, against "
        "0.625.",
        "Version 2 is champion; it replaces version 1.",
    ]


def test_exit_statuses(tracker, earmark, monkeypatch):
    Path("params.yaml").write_text((Path(__file__).parents[2] / "params.yaml").read_text())
    evaluated(tracker, "1", "a", answers(MANY, 10))
    monkeypatch.setattr(versions, "has_files", lambda version: True)
    for new, status in ((answers(MANY, 70), 3), (answers(MANY, 14, first=100), 4), (answers(MANY, 10), 0)):
        evaluated(tracker, "2", "a", new)
        assert earmark("promote", "genre")[0] == status
    assert np.isclose(last().level, 0.05)
