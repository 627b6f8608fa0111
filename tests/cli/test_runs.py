"""`earmark runs`: the newest two side by side at 80 columns, and the same for programs."""

import json
import re
import shutil

import pytest
import yaml

from earmark.registry import tracking
from project import REPOSITORY, set_keys

SETTINGS = {"features.n_mels": "64", "model.name": "compact", "train.lr": "0.003", "train.keep": "last"}


@pytest.fixture
def tracker(project, monkeypatch):
    """A store with two runs of the pipeline on the same test recordings, and params.yaml as the project has it."""
    shutil.copy(REPOSITORY / "params.yaml", project)
    monkeypatch.setenv("TZ", "UTC")
    found = tracking.connect("genre")
    for lr, accuracy in (("0.003", 0.75), ("0.001", 0.9)):
        run_id = found.create("genre-12345678", tracking.run_tags("pipeline", {}), SETTINGS | {"train.lr": lr})
        figures = {"accuracy": accuracy, "accuracy_ci95": [accuracy - 0.1, accuracy + 0.1], "n_recordings": 20}
        found.log(run_id, tracking.numbers("test", figures | {"baseline_accuracy": 0.5}))
        found.client.set_tag(run_id, "earmark.evaluation.aaaaaaaa", "0" * 64)
        found.client.set_terminated(run_id, "FINISHED")
    return found


def test_the_second_run_stands_beside_the_first(tracker, earmark):
    code, out, err = earmark("runs", "genre")
    assert (code, err) == (0, [])
    assert max(map(len, out.splitlines())) <= 80
    head, waiting, newest, oldest = (part.split("\n") for part in out.rstrip("\n").split("\n\n"))
    assert head == ["genre: 2 runs; accuracy with its 95 % interval, higher is better"]
    assert waiting[0].startswith("Changed in params.yaml since, and not run yet: ")
    assert "  train.lr 0.001 → 0.003;" in "".join(waiting).replace("; ", ";  ")
    assert newest[0].startswith("#2  ")
    assert newest[0].endswith("  genre-12345678  finished in 0 s")
    assert " ".join(line.strip() for line in newest[1:]) == (
        "accuracy 0.900 [0.800, 1.000]; +0.150 against #1: better, but the intervals overlap; baseline 0.500; 20 test "
        "recordings against #1: train.lr 0.003 → 0.001"
    )
    assert oldest[0].startswith("#1  ")
    assert oldest[1:] == ["   accuracy 0.750 [0.650, 0.850]; baseline 0.500; 20 test recordings"]


def test_last_keeps_the_newest_and_their_numbers(tracker, earmark):
    _, out, _ = earmark("runs", "genre", "--last", "1")
    assert out.splitlines()[0] == "genre: the newest 1 of 2 runs; accuracy with its 95 % interval, higher is better"
    assert [line.split()[0] for line in out.splitlines() if line.startswith("#")] == ["#2"]
    assert "against #1: train.lr" in out


def test_json_holds_settings_figures_and_differences(tracker, earmark):
    code, out, _ = earmark("runs", "genre", "--json", "--last", "1")
    (row,) = json.loads(out)
    assert code == 0
    assert row["changed"] == {"train.lr": {"before": "0.003", "now": "0.001"}}
    assert (row["figure"], row["ci95"], row["baseline"], row["n_recordings"]) == (0.9, [0.8, 1.0], 0.5, 20)
    assert (row["difference"], row["settings"]["train.keep"]) == (pytest.approx(0.15), "last")
    assert row["started"].endswith("+00:00")


def test_settings_of_an_earlier_run_are_recognised(tracker, project, earmark):
    """A training that DVC restores from its cache makes no run of its own."""
    from earmark.cli.arguments import logged, settings

    now = logged(settings("genre"))
    for params in (now | {"evaluate.seed": "9"}, now | {"train.lr": "0.5"}):
        tracker.create("genre-1", tracking.run_tags("pipeline", {}), params)
    assert "\nparams.yaml has the settings of #3.\n" in earmark("runs", "genre")[1]
    params = yaml.safe_load((project / "params.yaml").read_text())
    set_keys(params["tasks"]["genre"], {"train.lr": 0.5})
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    assert "params.yaml" not in earmark("runs", "genre")[1]


def test_other_test_recordings_and_failures_are_said(tracker, earmark):
    run_id = tracker.create("genre-2", tracking.run_tags("pipeline", {}), SETTINGS | {"train.lr": "0.001"})
    tracker.log(run_id, {"test/accuracy": 0.5})
    tracker.client.set_tag(run_id, "earmark.evaluation.bbbbbbbb", "1" * 64)
    failed = tracker.create("genre-3", tracking.run_tags("pipeline", {}), SETTINGS)
    tracker.tag(failed, error="The loss\nis not finite.")
    tracker.client.set_terminated(failed, "FAILED")
    _, out, _ = earmark("runs", "genre")
    flat = " ".join(out.split())
    said = r"genre-3 failed after \d+ s: The loss is not finite\. against #3: train\.lr 0\.001 → 0\.003"
    assert re.search(said, flat)
    assert "genre-2 running accuracy 0.500; not comparable with #2: other test recordings" in flat
    assert "against #2: the same settings, recordings and code" in flat
    tracker.client.set_terminated(failed, "FINISHED")  # it was resumed
    assert re.search(r"genre-3 finished in \d+ s against #3", " ".join(earmark("runs", "genre")[1].split()))


def test_older_figures_of_a_run_stand_below_todays(tracker, earmark):
    """The first run is judged anew on other recordings: the second is compared on those that both were judged on."""
    first = tracker.find({"earmark.kind": "pipeline"})[-1].info.run_id
    tracker.log(first, {"test-bbbbbbbb/accuracy": 0.8, "test-bbbbbbbb/n_recordings": 24})
    tracker.client.set_tag(first, "earmark.evaluation.bbbbbbbb", "1" * 64)
    _, out, _ = earmark("runs", "genre")
    flat = " ".join(out.split())
    assert "accuracy 0.900 [0.800, 1.000]; +0.150 against #1: better, but the intervals overlap" in flat
    assert "0.750 [0.650, 0.850]; baseline 0.500; 20" in flat
    assert "accuracy 0.800; 24" in flat


def test_nothing_trained_is_one_sentence(workplace, earmark):
    assert earmark("runs", "genre")[0] == 1  # no project
    (workplace / "params.yaml").touch()
    sentence = "No run of the pipeline for genre yet; `dvc repro publish@genre` trains and evaluates a model.\n"
    assert earmark("runs", "genre") == (0, sentence, [])
    assert earmark("runs", "genre", "--json") == (0, "[]\n", [])
    assert not (workplace / "mlflow.db").exists()


def test_a_store_without_the_experiment_is_the_same(project, earmark):
    assert earmark("runs", "chord")[1].startswith("No run of the pipeline for chord yet; ")


def test_the_settings_of_a_run_are_written_back(tracker, project, earmark):
    """The first run's learning rate, and no other byte; a run that has the settings already changes nothing."""
    before = (project / "params.yaml").read_text()
    now = before.replace("      lr: 0.003\n", "      lr: 0.5\n", 1)
    assert now != before
    (project / "params.yaml").write_text(now)
    code, out, err = earmark("runs", "genre", "--apply", "1")
    assert (code, err, (project / "params.yaml").read_text()) == (0, [], before)
    head, first, *lines, said = out.splitlines()
    assert (head, first) == ("--- a/params.yaml", "+++ b/params.yaml")
    assert [line for line in lines if line[0] in "+-"] == ["-      lr: 0.5", "+      lr: 0.003"]
    assert said == (
        "params.yaml has the settings of #1 now; `dvc repro publish@genre` brings its model back, and trains only if "
        "DVC's cache no longer has it, or if recordings or code have changed."
    )
    assert earmark("runs", "genre", "--apply", "#1") == (0, "params.yaml has the settings of #1 already.\n", [])


def test_a_run_that_does_not_exist_leaves_params_as_they_are(tracker, project, earmark):
    before = (project / "params.yaml").read_bytes()
    code, out, err = earmark("runs", "genre", "--apply", "champion")
    assert (code, out, err) == (1, "", ["earmark: genre has no champion; `earmark runs genre` lists its runs."])
    assert (project / "params.yaml").read_bytes() == before
