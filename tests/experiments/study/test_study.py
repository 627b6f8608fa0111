"""`earmark study` as a user runs it, on a small folder of sounds: tables, MLflow, and going on after a stop."""

import json
import re
import sys
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml
from mlflow import MlflowClient

from builders import plain_progress, small_folder
from chord_audio import songs
from earmark.cli import app
from earmark.errors import EarmarkError
from earmark.experiments.study import jobs, page, run
from earmark.experiments.study.log import StudyLog
from earmark.experiments.study.prepare import Preparer
from earmark.experiments.study.study import shared_sha256
from earmark.tasks.genre import train
from project import REPOSITORY, write_params
from voice_audio import voices

STUDY = {
    "task": "genre",
    "about": "learning rate, and one that no network survives",
    "base": {"train.epochs": 4, "train.batch_size": 4, "train.optimizer.name": "sgd", "train.weight_decay": 0.0},
    "factors": {"lr": {"key": "train.lr", "values": [0.05, 0.0001, 1e30, -1]}},
    "k": 3,
    "folds": ["fold1", "fold3"],
    "reference": [{"levels": {"lr": 0.05}, "test": 0.73, "val": 0.76, "note": "the article"}],
    "quick": {"factors": {"lr": [0.0001]}, "folds": ["fold1"]},
}
NESTED = {
    "task": "genre",
    "base": {"train.epochs": 3, "train.batch_size": 4},
    "factors": {"lr": {"key": "train.lr", "values": [0.0001, 0.01]}},
    "k": 4,
    "folds": ["fold1", "fold3"],
    "seeds": [1, 2],
    "choose": "nested",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with params.yaml for small sounds, and two studies."""
    path = tmp_path_factory.mktemp("study")
    small_folder(path / "audio")
    write_params(path, **{"data.root": "audio"})
    for name, study in (("mine", STUDY), ("chosen", NESTED)):
        (path / f"{name}.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    return path


@pytest.fixture(autouse=True)
def here(place, monkeypatch):
    monkeypatch.chdir(place)
    monkeypatch.setenv("COLUMNS", "250")


@pytest.fixture
def trained(monkeypatch) -> list:
    """The settings of every training that is run."""
    calls, real = [], train.run

    def counted(dataset, model, settings, **rest):
        calls.append(settings)
        return real(dataset, model, settings, **rest)

    monkeypatch.setattr(train, "run", counted)
    return calls


def study(monkeypatch, *args: str) -> int:
    """Exit status of `earmark study` with one worker."""
    monkeypatch.setattr(sys, "argv", ["earmark", "study", *args, "--workers", "1"])
    with pytest.raises(SystemExit) as ended:
        app.main()
    return ended.value.code or 0


def runs(place, **tags: str) -> list:
    client = MlflowClient(f"sqlite:///{place / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("genre")
    found = client.search_runs([experiment.experiment_id], "tags.`earmark.kind` = 'study'")
    return [r for r in found if tags.items() <= r.data.tags.items()]


def parents(place, name: str) -> list:
    return [r for r in runs(place, **{"earmark.study": name}) if "earmark.study_key" in r.data.tags]


def test_stopped_study_keeps_what_is_done(place, monkeypatch, trained, capsys):
    real = train.run

    def stopped(dataset, model, settings, **rest):
        if len(trained) == 3:
            raise KeyboardInterrupt
        return real(dataset, model, settings, **rest)

    monkeypatch.setattr(train, "run", stopped)
    assert study(monkeypatch, "mine.yaml") != 0
    assert len(trained) == 3
    assert len(list((place / ".earmark/studies").glob("*/result.json"))) == 3
    assert not list((place / ".earmark/studies").glob("*.partial"))
    out = capsys.readouterr().out
    assert "Finished trainings are kept" in out
    assert "mine: 4 cells. Reading the recordings" in out
    assert re.search(
        r"^Trainings to do: 6; up to 1 at once; an estimate of the time follows after the first\.$", out, re.M
    )
    assert re.search(r"^1 of 6, about \d+ s left: lr=0\.05, fold1, seed 1: accuracy", out, re.M)
    (parent,) = parents(place, "mine")
    assert parent.info.status == "KILLED"
    assert not (place / "study/mine").exists()


@pytest.mark.parametrize(
    ("error", "whole", "ended"),
    [
        (ValueError, False, ["FAILED"]),
        (KeyboardInterrupt, False, ["KILLED"]),
        (ValueError, True, []),
        (None, False, []),
    ],
)
def test_what_breaks_off_a_study_ends_its_run(error, whole, ended):
    told, log = [], StudyLog.__new__(StudyLog)
    log.whole, log.run_id = whole, "1"
    log.tracker = SimpleNamespace(client=SimpleNamespace(set_terminated=lambda run, status: told.append(status)))
    with suppress(ValueError, KeyboardInterrupt), log:
        if error:
            raise error
    assert told == ended


def test_the_same_command_goes_on_and_ends_in_tables(place, monkeypatch, trained, capsys):
    assert study(monkeypatch, "mine.yaml") == 0
    # 4 cells x 2 folds; -1 is refused before, 3 are there from before.
    assert sorted((s.lr, s.seed) for s in trained) == [(0.0001, 1), (1e30, 1), (1e30, 1)]
    out = capsys.readouterr().out
    assert "Trainings already done: 3 of 6." in out
    assert re.search(r"^Trainings to do: 3; up to 1 at once; about \d+ s left\.$", out, re.M)
    assert re.search(r"^6 of 6, about 0 s left: ", out, re.M)
    assert "refused lr=-1: cell lr=-1: in tasks.genre.train, lr must be above 0." in out
    assert "refused lr=1e+30: fold1, seed 1: The loss is not finite" in out
    table = pd.read_csv(place / "study/mine/table.csv", dtype={"lr": str}).set_index("lr")
    assert table.index.tolist() == ["0.05", "0.0001", "1e+30", "-1"]
    assert table.refused.isna().tolist() == [True, True, False, False]
    assert table.accuracy.isna().tolist() == [False, False, True, True]
    reference = table.loc["0.05", ["reference_test", "reference_val", "reference_note"]]
    assert reference.tolist() == [0.73, 0.76, "the article"]
    effects = pd.read_csv(place / "study/mine/effects.csv", dtype={"level": str}).set_index("level")
    assert effects.pairs.to_dict() == {"0.0001": 1, "1e+30": 0, "-1": 0}
    gap = table.accuracy["0.0001"] - table.accuracy["0.05"]
    assert effects.loc["0.0001", "difference"] == pytest.approx(gap)
    for name in ("table.png", "effects.png", "mine.yaml"):
        assert (place / "study/mine" / name).exists()


def test_a_link_to_a_study_is_the_same_study(place, monkeypatch, trained):
    """Its trainings, its run in MLflow, its folder and its copy: nothing is called by the link."""
    (place / "old.yaml").symlink_to("mine.yaml")
    before = sorted(f.name for f in (place / "study/mine").iterdir())
    assert study(monkeypatch, "old.yaml") == 0
    assert trained == []
    assert sorted(f.name for f in (place / "study/mine").iterdir()) == before
    assert sorted(f.name for f in (place / "study").iterdir()) == ["mine"]
    assert (len(parents(place, "old")), parents(place, "mine")[0].info.status) == (0, "FINISHED")


def test_table_agrees_with_the_kept_predictions(place):
    table = pd.read_csv(place / "study/mine/table.csv", dtype={"lr": str}).set_index("lr")
    kept = [json.loads(p.read_text()) | {"at": p.parent} for p in (place / ".earmark/studies").glob("*/result.json")]
    done = [r for r in kept if not r["refused"]]
    assert (len(kept), len(done)) == (6, 4)
    shares = []
    for one in done:
        answers = pd.read_parquet(one["at"] / "predictions.parquet")
        assert one["accuracy"] == (answers.predicted == answers.label).mean()
        columns = [f"p_{c}" for c in ("high", "low", "noise")]
        np.testing.assert_allclose(answers[columns].sum(axis=1), 1, atol=1e-5)
        assert (answers[columns].to_numpy().argmax(1) == answers.predicted.map(one["classes"].index)).all()
        assert answers.fold.nunique() == 1
        shares.append((one["accuracy"], answers.fold[0]))
    # Folds are of one size here, so a cell's accuracy is the mean over its folds.
    both = table.accuracy.dropna()
    assert both.sum() * 2 == pytest.approx(sum(a for a, _ in shares))
    assert sorted(f for _, f in shares) == ["fold1", "fold1", "fold3", "fold3"]


def test_mlflow_shows_the_study_and_its_cells(place):
    (parent,) = parents(place, "mine")
    assert parent.info.status == "FINISHED"
    nested = runs(place, **{"mlflow.parentRunId": parent.info.run_id})
    assert len(nested) == 4  # the stop and going on doubled none
    cells = {r.data.tags["earmark.level.lr"]: r for r in nested}
    status = {lr: r.info.status for lr, r in cells.items()}
    assert status == {"0.05": "FINISHED", "0.0001": "FINISHED", "1e+30": "FAILED", "-1": "FAILED"}
    assert "lr must be above 0" in cells["-1"].data.tags["earmark.refused"]
    table = pd.read_csv(place / "study/mine/table.csv", dtype={"lr": str}).set_index("lr")
    good = cells["0.05"]
    assert good.data.metrics["test/accuracy"] == pytest.approx(table.accuracy["0.05"])
    by_fold = [good.data.metrics[f"test/accuracy/{fold}"] for fold in ("fold1", "fold3")]
    assert np.mean(by_fold) == pytest.approx(table.accuracy["0.05"])
    assert (good.data.params["train.lr"], good.data.params["train.seed"]) == ("0.05", "1")
    client = MlflowClient(f"sqlite:///{place / 'mlflow.db'}")
    steps = [m.step for m in client.get_metric_history(good.info.run_id, "val/accuracy")]
    assert steps == [1, 2, 3, 4]
    files = {f.path for f in client.list_artifacts(parent.info.run_id)}
    assert files == {"table.csv", "table.png", "effects.csv", "effects.png", "mine.yaml"}


def test_second_run_trains_nothing_and_adds_nothing(place, monkeypatch, trained, capsys):
    before = {r.info.run_id for r in runs(place)}
    table = (place / "study/mine/table.csv").read_bytes()
    assert study(monkeypatch, "mine.yaml") == 0
    assert trained == []
    assert "Trainings already done: 6 of 6." in capsys.readouterr().out
    assert {r.info.run_id for r in runs(place)} == before
    assert (place / "study/mine/table.csv").read_bytes() == table


def test_quick_study_shares_trainings_and_has_tables_of_its_own(place, monkeypatch, trained):
    table = (place / "study/mine/table.csv").read_bytes()
    assert study(monkeypatch, "mine.yaml", "--quick") == 0
    assert trained == []
    assert len(pd.read_csv(place / "study/mine-quick/table.csv")) == 1
    assert (place / "study/mine/table.csv").read_bytes() == table


def test_override_of_the_base_trains_anew(place, monkeypatch, trained, tmp_path):
    out = tmp_path / "elsewhere"
    assert study(monkeypatch, "mine.yaml", "--quick", "-S", "train.epochs=1", "--out", str(out)) == 0
    assert [s.epochs for s in trained] == [1]
    assert (out / "table.csv").exists()


def test_workers_give_the_very_results_of_one_process(place, tmp_path, capsys):
    raw = run.config.read(place / "params.yaml")
    planned = run.read_plan(place / "mine.yaml", raw, quick=False, overrides=[])
    cells = Preparer(planned, raw, print, plain_progress).cells()
    some = [job for ready in cells[:2] for job in ready.jobs]
    jobs.execute(some, tmp_path, 2, lambda job: None)
    for job in some:
        here = jobs.predictions(job, place / ".earmark/studies")
        pd.testing.assert_frame_equal(jobs.predictions(job, tmp_path), here)


def test_key_holds_all_that_decides_a_result(place):
    raw = run.config.read(place / "params.yaml")

    def keys(*overrides: str) -> set[str]:
        planned = run.read_plan(place / "mine.yaml", raw, quick=True, overrides=list(overrides))
        (ready,) = Preparer(planned, raw, print, plain_progress).cells()
        return {job.key for job in ready.jobs}

    base = keys()
    assert keys() == base
    for change in ("train.epochs=2", "model.channels=5", "features.n_mels=16", "data.seed=5"):
        assert not keys(change) & base, change
    assert keys("evaluate.bootstrap=200") == base


def test_what_trainings_share_holds_all_but_the_seed(place):
    raw = run.config.read(place / "params.yaml")

    def shared(*overrides: str) -> str:
        planned = run.read_plan(place / "mine.yaml", raw, quick=True, overrides=list(overrides))
        (ready,) = Preparer(replace(planned, seeds=[len(overrides)]), raw, print, plain_progress).cells()
        return shared_sha256(ready)

    base = shared()
    assert shared("evaluate.bootstrap=200") == base
    for change in ("train.epochs=2", "model.channels=5", "features.n_mels=16", "data.seed=5"):
        assert shared(change) != base, change


def test_seeds_that_ran_apart_are_pooled(place, monkeypatch, tmp_path):
    asked = [{"says": "It learns", "of": {"lr": "0.0001"}, "than": 0.0}]
    tables = {}
    for name, seed, epochs in (("a", 1, 1), ("b", 2, 1), ("c", 3, 2)):
        quick = STUDY["quick"] | {"seeds": [seed]}
        (place / "apart.yaml").write_text(yaml.safe_dump(STUDY | {"quick": quick, "claims": asked}))
        tables[name] = tmp_path / name / "apart"
        said = ["apart.yaml", "--quick", "-S", f"train.epochs={epochs}", "--out", str(tables[name])]
        assert study(monkeypatch, *said) == 0
    a, b, c = (tables[name] / "claims.csv" for name in "abc")
    pooled = page.merge_claims([a, b]).iloc[0]
    assert (pooled.seeds, pooled.by_seed.count(";")) == (2, 1)
    with pytest.raises(EarmarkError, match="differ in settings, recordings or code"):
        page.merge_claims([a, c])


def test_nested_study_chooses_without_the_fold_it_is_judged_on(place, monkeypatch, trained, capsys):
    manifest = place / "audio/manifest.csv"
    before = manifest.read_text()
    # Four folds need more groups than the three a label has: here every recording is one.
    rows = [row.split(",") for row in before.splitlines()]
    manifest.write_text("\n".join(",".join([p, label, p if p != "path" else g]) for p, label, g in rows) + "\n")
    try:
        assert study(monkeypatch, "chosen.yaml") == 0
    finally:
        manifest.write_text(before)
    # Inner: 2 cells x the 5 pairs that hold fold1 or fold3, one seed. Outer: 2 folds x 2 seeds.
    assert len(trained) == 2 * 5 + 2 * 2
    assert [s.seed for s in trained] == [1] * 10 + [1, 2] * 2
    inner = pd.read_csv(place / "study/chosen/nested.csv")
    assert set(inner.outer) == {"fold1", "fold3"}
    found = json.loads((place / "study/chosen/nested.json").read_text())
    for fold, rows in inner.groupby("outer"):
        assert rows[rows.chosen].cell.tolist() == [found["chosen"][fold]]
        assert rows.accuracy[rows.chosen].item() == rows.accuracy.max()
    answers = pd.read_parquet(place / "study/chosen/predictions.parquet")
    assert set(answers.fold) == {"fold1", "fold3"}
    assert answers.groupby(["recording", "seed"]).size().max() == 1
    right = answers.predicted == answers.label
    assert found["accuracy"] == pytest.approx(right.mean())
    assert found["seeds"]["2"]["accuracy"] == pytest.approx(right[answers.seed == 2].mean())
    (parent,) = parents(place, "chosen")
    assert parent.data.metrics["nested/ensemble_accuracy"] == pytest.approx(found["ensemble_accuracy"])
    out = capsys.readouterr().out
    assert "nested accuracy_minus_baseline" in out
    assert "Trainings to do: 10, then 4 trainings of the cells that these choose; up to 1 at once; " in out
    assert re.search(r"^10 of 14, about \d+ s left: ", out, re.M)
    assert re.search(r"^14 of 14, about 0 s left: chosen ", out, re.M)


def mistaken(place, monkeypatch, capsys, **changes) -> str:
    (place / "wrong.yaml").write_text(yaml.safe_dump(STUDY | changes, sort_keys=False))
    assert study(monkeypatch, "wrong.yaml") == 1
    err = capsys.readouterr().err.strip()
    assert "Traceback" not in err
    assert not (place / "study/wrong").exists()
    return err.splitlines()[-1]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"task": None}, "earmark: wrong.yaml: 'task' is missing"),
        ({"task": "gerne"}, "There is no task 'gerne'; did you mean 'genre'?"),
        ({"folds": ["fold9"]}, "There is no fold 'fold9'; did you mean"),
        (
            {"base": {"train.lrr": 1}},
            "base sets 'train.lrr', which is not a key of tasks.genre; did you mean 'train.lr'?",
        ),
        ({"base": {"train.epochs": 0}}, "epochs must be above 0"),
        ({"base": {"data.root": "nowhere"}}, "nowhere does not exist"),
    ],
)
def test_mistake_is_one_sentence_and_nothing_is_trained(place, monkeypatch, capsys, trained, changes, sentence):
    assert sentence in mistaken(place, monkeypatch, capsys, **changes)
    assert trained == []


CHORDS = {
    "task": "chord",
    "base": {"train.epochs": 4},
    "factors": {"lr": {"key": "train.lr", "values": [0.0001, 0.02]}, "core": {"d": {}, "b": {"model.core": "blstm"}}},
    "design": "one_at_a_time",
    "k": 2,
    "folds": ["fold2"],
    "quick": {"factors": {"core": ["d"]}},
}


@pytest.fixture
def chords(workplace):
    """A project on ten songs of chords, with a study of two cells under --quick."""
    songs(workplace / "audio")
    write_params(workplace, "chord", **{"data.root": "audio"})
    (workplace / "heard.yaml").write_text(yaml.safe_dump(CHORDS, sort_keys=False))
    return workplace


def test_chords_are_compared_by_their_seconds(chords, monkeypatch, capsys):
    assert study(monkeypatch, "heard.yaml", "--quick") == 0, capsys.readouterr()
    kept = {}
    for path in (chords / ".earmark/studies").glob("*/result.json"):
        result = json.loads(path.read_text())
        kept[result["tetrads"]] = result | {"answers": pd.read_parquet(path.parent / "predictions.parquet")}
    table = pd.read_csv(chords / "study/heard-quick/table.csv", dtype={"lr": str}).set_index("lr")
    assert sorted(table.tetrads) == pytest.approx(sorted(kept))
    for row in table.to_dict("records"):
        answers = kept[min(kept, key=lambda known, row=row: abs(known - row["tetrads"]))]["answers"]
        assert len(answers) == 5
        assert answers.fold.unique().tolist() == ["fold2"]
        assert (answers.of_majmin == 6.5).all()  # every song lasts that long, and N counts
        assert (answers.of_key_accuracy == 1).all()
        for name in ("majmin", "tetrads", "chord529_accuracy", "bass"):
            assert row[name] == pytest.approx(answers[f"right_{name}"].sum() / 32.5)
            low, high = ("low", "high") if name == "majmin" else (f"{name}_low", f"{name}_high")
            assert row[low] <= row[name] <= row[high]
    effects = pd.read_csv(chords / "study/heard-quick/effects.csv").set_index("figure")
    assert effects.index.tolist() == ["majmin", "tetrads", "chord529_accuracy"]
    for name in effects.index:
        assert effects.difference[name] == pytest.approx(table[name]["0.02"] - table[name]["0.0001"])
    client = MlflowClient(f"sqlite:///{chords / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("chord").experiment_id
    logged = [r.data.metrics.get("test/tetrads") for r in client.search_runs([experiment])]
    assert sorted(m for m in logged if m is not None) == pytest.approx(sorted(kept))
    capsys.readouterr()
    assert study(monkeypatch, "heard.yaml", "--quick") == 0
    assert "Trainings already done: 2 of 2." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"choose": "nested", "k": 3}, "heard.yaml: choose works only for the task genre; leave it out."),
        ({"split": "frame"}, "split 'frame' is for genre only; leave it out."),
    ],
)
def test_what_studies_of_chords_do_not_have_is_one_sentence(chords, monkeypatch, capsys, changes, sentence):
    (chords / "heard.yaml").write_text(yaml.safe_dump(CHORDS | changes, sort_keys=False))
    assert study(monkeypatch, "heard.yaml") == 1
    assert sentence in capsys.readouterr().err.splitlines()[-1]


def test_chordnets_study_is_one_that_can_be_run():
    """Every cell's settings hold, and the factors are the author's claims."""
    raw = run.config.read(REPOSITORY / "params.yaml")
    for quick, n in ((False, 39), (True, 25)):
        planned = run.read_plan(REPOSITORY / "studies/chordnet.yaml", raw, quick, [])
        assert len(planned.cells) == n
        preparer = Preparer(planned, raw, print, plain_progress)
        of = [preparer.settings(cell) for cell in planned.cells]
        assert len({(str(s.features), str(s.model), str(s.train)) for s in of}) == n
        assert of[0].model.smoothing
    assert {s.features.bins_per_octave for s in of} == {36, 12}


def test_speakers_are_compared_by_their_equal_error_rate(workplace, monkeypatch, capsys):
    voices(workplace / "audio", 14)
    write_params(workplace, "speaker", **{"data.root": "audio"})
    asked = {
        "task": "speaker",
        "factors": {"loss": {"aam": {}, "angular": {"train.loss": {"name": "angular"}}}},
        "k": 3,
    }
    (workplace / "losses.yaml").write_text(yaml.safe_dump(asked, sort_keys=False))
    assert study(monkeypatch, "losses.yaml") == 0, capsys.readouterr()
    table = pd.read_csv(workplace / "study/losses/table.csv").set_index("loss")
    assert table.folds.tolist() == [3, 3]
    answers = [pd.read_parquet(f) for f in (workplace / ".earmark/studies").glob("*/predictions.parquet")]
    assert len(answers) == 6
    assert all(not set(a.speaker_a) & set(b.speaker_a) for a in answers for b in answers if (a.fold[0] != b.fold[0]))
    (effect,) = pd.read_csv(workplace / "study/losses/effects.csv").to_dict("records")
    assert effect["difference"] == pytest.approx(table.eer["angular"] - table.eer["aam"])
    (workplace / "losses.yaml").write_text(yaml.safe_dump(asked | {"split": "random"}, sort_keys=False))
    assert study(monkeypatch, "losses.yaml") == 1
    assert (
        "a speaker is never divided between splits; leave split 'random' out."
    ) in capsys.readouterr().err.splitlines()[-1]
