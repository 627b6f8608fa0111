"""Rows of runs: what changed against the run before, which of several evaluations counts, and what is comparable."""

import pytest

from earmark.errors import EarmarkError
from earmark.registry import runs, tracking
from earmark.registry.runs import CurrentHashes, Evaluation
from earmark.tasks import catalog

GENRE, SPEAKER = catalog.task("genre"), catalog.task("speaker")
OLD, NEW = "0" * 64, "1" * 64  # hashes of two sets of test recordings
TODAY = CurrentHashes(OLD, None)
FEATURES, TRAIN = {"features.n_mels": "64"}, {"train.lr": "0.003"}


@pytest.fixture
def tracker(project):
    return tracking.connect("genre")


def trained(tracker, params, accuracy=None, test=OLD, sha="aaaaaaaa", **tags) -> str:
    """A run of the pipeline with one evaluation, whose interval is .1 to either side; its id."""
    run_id = tracker.create("genre-toy", tracking.run_tags("pipeline", tags), params)
    if accuracy is not None:
        evaluated(tracker, run_id, accuracy, test, sha, "test")
    tracker.client.set_terminated(run_id, "FINISHED")
    return run_id


def evaluated(tracker, run_id, accuracy, test, sha, prefix) -> None:
    found = {"accuracy": accuracy, "accuracy_ci95": [accuracy - 0.1, accuracy + 0.1], "n_recordings": 20}
    tracker.log(run_id, tracking.numbers(prefix, found | {"baseline_accuracy": 0.5}))
    tracker.client.set_tag(run_id, f"earmark.evaluation.{sha}", test)


def rows(tracker, every_kind=False, today=TODAY):
    return runs.rows(tracker.client, GENRE, every_kind, today)


def test_each_run_says_what_it_changed_and_what_that_brought(tracker):
    first = trained(tracker, FEATURES | TRAIN, 0.75, data_sha256="d", code_sha256="c")
    second = trained(tracker, FEATURES | {"train.lr": "0.001"}, 0.875, data_sha256="d", code_sha256="c")
    newest, oldest = rows(tracker)
    assert (oldest.run_id, oldest.against, oldest.changed, oldest.difference) == (first, None, {}, None)
    assert oldest.evaluation == Evaluation(0.75, (0.65, 0.85), 0.5, 20, OLD)
    assert (newest.run_id, newest.against, newest.state) == (second, first, "FINISHED")
    assert (newest.changed, newest.other) == ({"train.lr": ("0.003", "0.001")}, [])
    assert (newest.difference, newest.today) == (0.125, True)


def test_recordings_and_code_are_told_where_no_setting_explains_them(tracker):
    trained(tracker, FEATURES | TRAIN, 0.75, data_sha256="d", code_sha256="c")
    trained(tracker, FEATURES | TRAIN, 0.75, data_sha256="e", code_sha256="c")
    trained(tracker, {"features.n_mels": "40"} | TRAIN, 0.75, data_sha256="f", code_sha256="k")
    third, second, _ = rows(tracker)
    assert (second.changed, second.other) == ({}, ["recordings"])
    assert (third.changed, third.other) == ({"features.n_mels": ("64", "40")}, ["code"])


def test_a_run_without_figures_is_compared_but_nothing_with_it(tracker):
    first = trained(tracker, TRAIN, 0.75)
    failed = tracker.create("genre-toy", tracking.run_tags("pipeline", {}), {"train.lr": "9.0"})
    tracker.tag(failed, error="The loss is not finite.")
    tracker.client.set_terminated(failed, "FAILED")
    third = trained(tracker, {"train.lr": "0.001", "train.seed": "2"}, 0.5)
    newest, broken, _ = rows(tracker)
    assert (broken.run_id, broken.against, broken.evaluation, broken.difference) == (failed, first, None, None)
    assert (broken.state, broken.error) == ("FAILED", "The loss is not finite.")
    assert (newest.run_id, newest.against, newest.difference) == (third, first, -0.25)
    assert newest.changed == {"train.lr": ("0.003", "0.001"), "train.seed": (None, "2")}


def test_figures_on_other_test_recordings_are_not_compared(tracker):
    trained(tracker, TRAIN, 0.75, OLD)
    trained(tracker, TRAIN, 0.25, NEW)
    newest, oldest = rows(tracker, today=CurrentHashes(NEW, None))
    assert (newest.difference, newest.today, oldest.today) == (None, True, False)
    assert [row.today for row in rows(tracker, today=CurrentHashes(None, None))] == [None, None]


def test_a_run_judged_again_counts_with_todays_recordings(tracker):
    run_id = trained(tracker, TRAIN, 0.75, OLD, "aaaaaaaa")
    evaluated(tracker, run_id, 0.625, NEW, "bbbbbbbb", "test-bbbbbbbb")
    evaluated(tracker, run_id, 0.5, NEW, "cccccccc", "test-cccccccc")
    shown = lambda *today: rows(tracker, today=CurrentHashes(*today))[0].evaluation.figure  # noqa: E731
    assert shown(OLD, None) == shown(None, None) == 0.75
    assert shown(NEW, "bbbbbbbb" + "f" * 56) == 0.625
    assert shown(NEW, "cccccccc" + "f" * 56) == 0.5


def test_other_kinds_on_request_and_their_parts_compared_with_nothing(tracker):
    trained(tracker, TRAIN, 0.75)
    kinds = {"study": "nested/accuracy", "crossval": "test/accuracy", "score": "score/accuracy"}
    for kind, name in kinds.items():
        run_id = tracker.create(kind, tracking.run_tags(kind, {}), {})
        tracker.log(run_id, {name: 0.5})
    tags = tracking.run_tags("fold", {}) | {"mlflow.parentRunId": run_id}
    for fold in ("a", "b"):
        tracker.log(tracker.create(fold, tags, {"fold": fold}), {"test/accuracy": 0.25})
    assert [row.kind for row in rows(tracker)] == ["pipeline"]
    found = rows(tracker, every_kind=True)
    assert {row.kind: row.evaluation.figure for row in found} == dict.fromkeys(kinds, 0.5) | {
        "pipeline": 0.75,
        "fold": 0.25,
    }
    assert {row.against for row in found} == {None}
    assert [row.parent for row in found if row.kind == "fold"] == [run_id, run_id]


def test_versions_and_their_aliases(tracker):
    client, ids = tracker.client, [trained(tracker, TRAIN, 0.5) for _ in range(2)]
    client.create_registered_model("earmark-genre")
    for run_id in (ids[0], ids[1], ids[1]):
        client.create_model_version("earmark-genre", "file:///nowhere", run_id)
    client.set_registered_model_alias("earmark-genre", "champion", "1")
    client.set_registered_model_alias("earmark-genre", "challenger", "3")
    assert [row.versions for row in rows(tracker)] == [{3: ["challenger"], 2: []}, {1: ["champion"]}]


def test_the_lowest_error_is_the_best_baseline():
    metrics = {"test/eer": 0.1, "test/baseline_mfcc_eer": 0.3, "test/baseline_lda_eer": 0.2}
    assert runs._evaluation(SPEAKER, metrics, "test", None) == Evaluation(0.1, None, 0.2, None, None)


def test_an_experiment_that_was_deleted_is_said(tracker):
    tracker.client.delete_experiment(tracker.experiment_id)
    with pytest.raises(EarmarkError, match=r"The experiment 'genre' was deleted in MLflow: restore it there, or run"):
        rows(tracker)


def test_todays_hashes_are_those_of_the_working_tree(project):
    assert CurrentHashes.of(GENRE) == CurrentHashes(None, None)
    (project / "data/genre").mkdir(parents=True)
    (project / "reports/genre").mkdir(parents=True)
    head = "path,sha256,label,group,split,duration_s,sample_rate,channels,peak\n"
    both = "a.wav,1,x,a,train,1.0,8000,1,0.5\nb.wav,2,x,b,test,1.0,8000,1,0.5\n"
    (project / "data/genre/manifest.csv").write_text(head + both)
    (project / "reports/genre/metrics.json").write_bytes(b"{}")
    today = CurrentHashes.of(GENRE)
    assert today.metrics_sha256 == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    (project / "data/genre/manifest.csv").write_text(head + both.replace("a.wav,1", "a.wav,9"))
    assert CurrentHashes.of(GENRE) == today  # what is trained on does not matter
    (project / "data/genre/manifest.csv").write_text(head + both.replace("b.wav,2", "b.wav,9"))
    assert CurrentHashes.of(GENRE) != today
    (project / "data/genre/manifest.csv").write_text("path\na.wav\n")  # of another release
    assert CurrentHashes.of(GENRE) == CurrentHashes(None, today.metrics_sha256)


def test_a_run_judged_anew_keeps_its_older_figures_and_is_compared_on_either(tracker):
    """A champion of before the collection grew, a worse experiment on the same recordings, and a run on today's."""
    champion = trained(tracker, TRAIN, 0.9, OLD)
    worse = trained(tracker, {"train.lr": "0.001"}, 0.88, OLD)
    evaluated(tracker, champion, 0.91, NEW, "bbbbbbbb", "test-bbbbbbbb")
    grown = trained(tracker, TRAIN, 0.89, NEW)
    newest, middle, oldest = rows(tracker, today=CurrentHashes(NEW, None))
    assert (oldest.evaluation.figure, [e.figure for e in oldest.earlier]) == (0.91, [0.9])
    assert (middle.run_id, middle.against, round(middle.difference, 3)) == (worse, champion, -0.02)
    assert (newest.run_id, newest.against, round(newest.difference, 3)) == (grown, champion, -0.02)
    assert newest.changed == {}
    plain = runs.plain(oldest)
    assert [e["figure"] for e in plain["earlier"]] == [0.9]
    assert runs.plain(middle)["difference"] == middle.difference
