"""`earmark tune` as a user runs it, on a small folder of sounds: every way a trial ends, kills, and the verdict."""

import json
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import pytest
import yaml
from mlflow import MlflowClient

from builders import small_folder
from earmark import config
from earmark.cli import app
from earmark.experiments.tuning import apply, plan, run, storage
from earmark.experiments.tuning.ground import Ground
from project import write_params

optuna.logging.set_verbosity(optuna.logging.WARNING)

FILE = {
    "task": "genre",
    "about": "rate, crops and loss of small sounds",
    "base": {"train.epochs": 4, "train.batch_size": 4, "train.weight_decay": 0.0},
    "space": {
        "train.lr": {"log": [0.0001, 0.1]},
        "train.schedule": {
            "branches": {
                "cosine": {"warmup_epochs": {"int": [0, 8]}},
                "step": {"step_epochs": {"int": [1, 4]}, "gamma": {"float": [0.1, 0.9]}},
                "constant": None,
            }
        },
        "crops": {
            "levels": {
                "random": {"train.crops": "random"},
                "windows": {"train.crops": "windows"},
                "song": {"train.crops": "random", "train.loss": {"name": "song"}},  # which its own check refuses
            }
        },
    },
    "k": 4,
    "trials": 6,
    "startup": 4,
    "best": 1,
    "seeds": [11],
}


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """A folder with params.yaml for small sounds, and a tuning file."""
    small_folder(tmp_path / "audio", 10)
    write_params(tmp_path, **{"data.root": "audio"})
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(FILE, sort_keys=False))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def written(place: Path, **changed) -> None:
    (place / "mine.yaml").write_text(yaml.safe_dump(FILE | changed, sort_keys=False))


def tune(monkeypatch, *args: str) -> int:
    """Exit status of `earmark tune mine.yaml`."""
    monkeypatch.setattr(sys, "argv", ["earmark", "tune", "mine.yaml", *args])
    with pytest.raises(SystemExit) as ended:
        app.main()
    return ended.value.code or 0


def trials(place: Path) -> pd.DataFrame:
    return pd.read_csv(place / "tuned/mine/trials.csv")


def journal(place: Path) -> optuna.Study:
    kept = storage.open_storage(place / ".earmark/tuning/genre/mine", None)
    (name,) = optuna.get_all_study_names(kept)
    return optuna.load_study(study_name=name, storage=kept)


def runs(place: Path, kind: str) -> list:
    client = MlflowClient(f"sqlite:///{place / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("genre")
    return client.search_runs([experiment.experiment_id], f"tags.`earmark.kind` = '{kind}'")


def test_journal_runs_and_table_agree_and_a_second_call_does_nothing(place, monkeypatch, capsys):
    assert tune(monkeypatch, "--workers", "1") == 0
    out = capsys.readouterr().out
    rows = trials(place)
    assert len(rows) == 6
    first = rows.iloc[0]
    assert (first.state, first["train.schedule"], first.crops) == ("complete", "cosine", "windows")
    assert first["train.lr"] == 0.002  # today's
    assert set(rows.state) == {"complete", "infeasible"}
    assert rows.reason[rows.state == "infeasible"].str.contains("crops must be windows for the song loss").all()
    found = journal(place)
    assert [storage.state(t) for t in found.trials] == rows.state.tolist()
    (parent,) = runs(place, "tuning")
    children = {int(r.data.tags["earmark.trial"]): r for r in runs(place, "trial")}
    assert {n: r.data.tags["earmark.state"] for n, r in children.items()} == dict(enumerate(rows.state))
    assert all(r.data.tags["mlflow.parentRunId"] == parent.info.run_id for r in children.values())
    assert parent.info.status == "FINISHED"
    for trial in found.trials:
        if trial.value is not None:
            assert children[trial.number].data.metrics["inner/accuracy"] == pytest.approx(trial.value)
            assert trial.value == pytest.approx(rows.accuracy[trial.number])
            assert children[trial.number].data.params == {k: str(v) for k, v in trial.params.items()}
    verdict = json.loads((place / "tuned/mine/result.json").read_text())["verdict"]
    assert verdict in out
    assert "recordings that played no part in the choice" in verdict
    assert {"history.png", "slice.png", "timeline.png"} <= {f.name for f in (place / "tuned/mine").iterdir()}

    results = sorted((place / ".earmark/studies").glob("*/result.json"))
    assert tune(monkeypatch, "--workers", "1") == 0
    assert sorted((place / ".earmark/studies").glob("*/result.json")) == results
    assert len(runs(place, "tuning")) == 1
    assert len(runs(place, "trial")) == 6
    assert verdict in capsys.readouterr().out
    assert tune(monkeypatch, "--show") == 0
    assert verdict in capsys.readouterr().out


def test_no_trial_sees_the_outer_fold_nor_the_pipelines_test_split(place, monkeypatch):
    seen = []
    from earmark.experiments.study import jobs

    real = jobs.TrainingJob.of.__func__

    def watched(cls, task, test, model, train, features, split):
        seen.append((test, set(split.table.path), set(split.table.path[split.table["split"] == "test"])))
        return real(cls, task, test, model, train, features, split)

    monkeypatch.setattr(jobs.TrainingJob, "of", classmethod(watched))
    assert tune(monkeypatch, "--workers", "1", "--trials", "2") == 0
    manifest = pd.read_csv("data/genre/manifest.csv") if Path("data/genre/manifest.csv").exists() else prepared()
    tested = set(manifest.path[manifest["split"] == "test"])
    assert tested
    outer = {test for test, *_ in seen if test == ("fold1",)}
    judged = next(of for test, _, of in seen if test in outer)
    assert judged.isdisjoint(tested)
    for test, used, own in seen:
        assert used.isdisjoint(tested)
        if test != ("fold1",):
            assert used.isdisjoint(judged)
            assert own <= used


def prepared() -> pd.DataFrame:
    from earmark import config
    from earmark.data import reading, record
    from earmark.tasks.genre.corpora import CORPORA

    data = config.load_task(Path("params.yaml"), "genre").data
    return reading.prepare(CORPORA, data, Path("audio"), lambda _: None, lambda x, *_: x, record.NOTHING).table


def test_a_study_that_was_killed_again_and_again_is_an_undisturbed_one(place, monkeypatch):
    """kill -9 of the process at moments of its own; then the same trials by one worker as without."""
    written(place, trials=7)
    command = [sys.executable, "-c", "from earmark.cli.app import main; main()", "tune", "mine.yaml", "--workers", "1"]
    for moment in (3, 5, 6):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
            until = time.monotonic() + 60
            while time.monotonic() < until and len(begun(place)) < moment:
                time.sleep(0.02)
            time.sleep(0.3 * (moment == 5))  # in the middle of a training
            running.kill()
    assert tune(monkeypatch, "--workers", "1") == 0
    killed = [t for t in journal(place).trials if storage.state(t) != "lost"]
    assert len(killed) == 7
    lost = {str(t.number) for t in journal(place).trials if storage.state(t) == "lost"}
    assert lost
    ended = {r.data.tags["earmark.trial"]: (r.info.status, r.data.tags["earmark.state"]) for r in runs(place, "trial")}
    assert {n for n, (status, state) in ended.items() if (status, state) == ("KILLED", "lost")} == lost
    assert len(ended) == len(journal(place).trials) == len(trials(place))
    assert tune(monkeypatch, "--workers", "1", "--fresh") == 0
    undisturbed = journal(place).trials
    assert [(t.params, t.value, t.state) for t in killed] == [(t.params, t.value, t.state) for t in undisturbed]


def begun(place: Path) -> list[str]:
    file = place / ".earmark/tuning/genre/mine/journal.log"
    lines = file.read_text().splitlines() if file.exists() else []
    return [line for line in lines if line.startswith('{"op_code":4,')]


def test_a_trial_that_fails_by_itself_counts(place, monkeypatch):
    written(place, trials=3, sampler="grid", space={"train.lr": {"choice": [0.002, 1e30, 0.001]}}, best=2)
    write_params(place, **{"data.root": "audio", "train.optimizer": {"name": "sgd"}})
    assert tune(monkeypatch, "--workers", "1") == 0
    rows = trials(place)
    assert rows.state.tolist() == ["complete", "failed", "complete"]
    assert rows.reason[1].startswith("The loss is not finite")
    states = {r.data.tags["earmark.trial"]: (r.info.status, r.data.tags["earmark.state"]) for r in runs(place, "trial")}
    assert states["1"] == ("FAILED", "failed")


def test_two_workers_end_with_as_many(place, monkeypatch):
    assert tune(monkeypatch, "--workers", "2", "--trials", "5") == 0
    assert sum(trials(place).state != "lost") == 5


def test_the_chosen_setting_into_params_yaml_and_nothing_else(place, monkeypatch, capsys):
    written(place, trials=3, sampler="grid", space={"train.lr": {"choice": [1e-9, 0.05]}}, best=1)
    params = place / "params.yaml"
    params.write_text(params.read_text().replace("lr: 0.002", "lr: 1.0e-09  # too low"))
    text = params.read_text()
    assert tune(monkeypatch, "--workers", "1", "--trials", "2") == 0
    result = json.loads((place / "tuned/mine/result.json").read_text())
    assert result["chosen"]["overrides"]["train.lr"] in (0.05, 1e-9)
    assert tune(monkeypatch, "--apply") == 0
    now = yaml.safe_load(params.read_text())["tasks"]["genre"]["train"]
    assert now["lr"] == result["chosen"]["overrides"]["train.lr"]
    assert now["epochs"] == 4
    changed = [(a, b) for a, b in zip(text.splitlines(), params.read_text().splitlines(), strict=True) if a != b]
    assert {a.split(":")[0].strip() for a, _ in changed} <= {"lr", "epochs", "batch_size", "weight_decay"}
    capsys.readouterr()
    params.write_text(params.read_text().replace("seed: 1", "seed: 2"))
    assert tune(monkeypatch, "--apply") == 1
    assert "params.yaml has changed since the search (tasks.genre." in capsys.readouterr().err


def test_the_commit_that_is_proposed_is_a_command(tmp_path):
    found = {"task": "genre", "name": "it's", "chosen": {"trial": 3}, "verdict": "Better: +0.1 [+0.0, +0.2]."}
    told = apply.commit(found, Path("params.yaml"))
    assert shlex.split(told) == [
        *("git", "commit", "params.yaml", "-m", "genre: it's's trial 3", "-m", "Better: +0.1 [+0.0, +0.2].")
    ]


@pytest.mark.parametrize(
    ("args", "changed", "sentence"),
    [
        (
            ["--show"],
            {},
            "Nothing has been chosen yet below tuned/mine; run `earmark tune mine.yaml` to the end first.",
        ),
        (
            ["--apply"],
            {},
            "Nothing has been chosen yet below tuned/mine; run `earmark tune mine.yaml` to the end first.",
        ),
        (
            ["--fresh", "--storage", "sqlite:///x.db"],
            {},
            "--fresh starts over in the project's own journal only; in a database, give the tuning file another name.",
        ),
        (
            [],
            {"space": {"train.crops": {"choice": ["windows", "windoze"]}}},
            "mine.yaml: 'train.crops' cannot be 'windoze':",
        ),
        (
            [],
            {"space": {"train.lr": {"log": [0.01, 0.1]}}},
            "mine.yaml: params.yaml with the base of this file has train.lr 0.002, which is not in",
        ),
    ],
)
def test_a_mistake_is_one_sentence_before_the_first_trial(place, monkeypatch, capsys, args, changed, sentence):
    written(place, **changed)
    assert tune(monkeypatch, *args) == 1
    (said,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("earmark: "))
    assert said.startswith(f"earmark: {sentence}")
    assert not (place / ".earmark/tuning").exists()


def test_a_choice_that_is_possible_only_beside_another_is_tried(place):
    """Song loss wants windows: refused beside today's random crops, and not a mistake."""
    loss = {name: {"train.loss": {"name": name}} for name in ("frame", "song")}
    written(place, space={"train.crops": {"choice": ["windows", "random"]}, "loss": {"levels": loss}})
    write_params(place, **{"data.root": "audio", "train.loss": {"name": "song"}})
    planned = plan.read(Path("mine.yaml"))
    ground = Ground(planned, config.read(Path("params.yaml")), pytest.fail, lambda items, *_: items)
    today = planned.space.today(ground.settings())
    assert today == {"train.crops": "windows", "loss": "song"}
    assert "crops must be windows for the song loss" in str(run._refusal(ground, today | {"train.crops": "random"}))
    run._require_possible(ground, Path("mine.yaml"), today)  # and says nothing


def test_a_trial_that_was_given_up_is_finished_to_the_weights_of_an_undisturbed_one(place, monkeypatch, capsys):
    from earmark.experiments.tuning import pruning

    written(place, trials=2, prune="median", inner=1, sampler="random", space={"train.lr": {"log": [0.0001, 0.01]}})
    monkeypatch.setattr(pruning, "below_median", lambda mine, others, sign: len(list(others)) == 1 and len(mine) == 2)
    assert tune(monkeypatch, "--workers", "1") == 0
    rows = trials(place)
    assert rows.state.tolist() == ["complete", "pruned"]
    assert rows.reason[1].startswith("in epoch 2 of 4 on fold2, worse than the median")
    assert len(list((place / ".earmark/studies/unfinished").glob("*.pt"))) == 1
    assert tune(monkeypatch, "--finish", "1") == 0
    figure = float(capsys.readouterr().out.strip().splitlines()[-1].rpartition(" ")[2])
    results = place / ".earmark/studies"
    assert not list((results / "unfinished").glob("*.pt"))
    histories = {f.parent.name: json.loads(f.read_text())["history"] for f in results.glob("*/result.json")}
    monkeypatch.setattr(pruning, "below_median", lambda *_: False)
    shutil.rmtree(results)
    assert tune(monkeypatch, "--workers", "1", "--fresh") == 0
    again = {f.parent.name: json.loads(f.read_text())["history"] for f in results.glob("*/result.json")}
    assert {k: again[k] for k in histories} == histories
    assert trials(place).accuracy[1] == pytest.approx(figure, abs=5e-4)
    assert np.isfinite(figure)


def test_trials_of_an_earlier_study_are_known_and_count_for_nothing(place, monkeypatch, capsys):
    assert tune(monkeypatch, "--workers", "1", "--trials", "4") == 0
    first = journal(place).trials
    later = FILE | {"warm": "mine.yaml", "trials": 3, "startup": 1}
    (place / "later.yaml").write_text(yaml.safe_dump(later, sort_keys=False))
    monkeypatch.setattr(sys, "argv", ["earmark", "tune", "later.yaml", "--workers", "1"])
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert not ended.value.code
    kept = storage.open_storage(place / ".earmark/tuning/genre/later", None)
    study = optuna.load_study(study_name="genre-later-fold1", storage=kept)
    known = [t for t in study.trials if "warm" in t.user_attrs]
    assert [t.params for t in known] == [t.params for t in first if t.value is not None]
    assert len(study.trials) - len(known) == 3 == len(pd.read_csv(place / "tuned/later/trials.csv"))
    (place / "later.yaml").write_text(yaml.safe_dump(later | {"space": {"train.lr": {"log": [0.0001, 1.0]}}}))
    capsys.readouterr()
    monkeypatch.setattr(sys, "argv", ["earmark", "tune", "later.yaml", "--workers", "1", "--fresh"])
    with pytest.raises(SystemExit):
        app.main()
    assert "mine.yaml searches another space than this file" in capsys.readouterr().err


def test_no_trial_begins_after_the_time_is_up_and_the_next_call_goes_on(place, monkeypatch, capsys):
    assert tune(monkeypatch, "--workers", "1", "--trials", "3", "--timeout", "0.001") == 0
    assert "Trials left: 3; run the same command again to go on." in capsys.readouterr().out
    assert [r.info.status for r in runs(place, "tuning")] == ["KILLED"]
    assert len(trials(place)) == 0
    assert tune(monkeypatch, "--workers", "1", "--trials", "3") == 0
    assert [r.info.status for r in runs(place, "tuning")] == ["FINISHED"]
    assert len(trials(place)) == 3
