"""The journal: what a killed process leaves in it, and what a study was begun with."""

import optuna
import pytest

from earmark.errors import EarmarkError
from earmark.experiments.tuning import sampling, storage
from earmark.experiments.tuning.storage import Running

optuna.logging.set_verbosity(optuna.logging.WARNING)
DECIDED = {"space": "a", "recordings": "b"}


def begun(folder, decided=DECIDED) -> optuna.Study:
    return storage.study_of(storage.open_storage(folder, None), "one", "maximize", decided)


def test_a_line_that_was_torn_is_cut(tmp_path):
    study = begun(tmp_path)
    study.tell(study.ask(), 0.5)
    whole = (tmp_path / storage.JOURNAL).read_bytes()
    for torn in (b'{"op_code":4,"torn', b"x" * 10_000):
        (tmp_path / storage.JOURNAL).write_bytes(whole + torn)
        again = begun(tmp_path)
        found = (tmp_path / storage.JOURNAL).read_bytes()
        assert found.startswith(whole)
        assert b"torn" not in found
        assert b"xx" not in found
        assert [t.value for t in again.trials] == [0.5]
    (tmp_path / storage.JOURNAL).write_bytes(b"torn")
    storage.open_storage(tmp_path, None)
    assert (tmp_path / storage.JOURNAL).read_bytes() == b""


def test_running_trials_whose_lock_is_free_are_lost_and_others_are_not(tmp_path):
    study, running = begun(tmp_path), Running(tmp_path, "one")
    alive = study.ask()
    dead = study.ask()
    done = study.ask()
    lock = running.hold(alive)
    running.release(running.hold(dead))
    study.tell(done, 1.0)
    assert [t.number for t in running.lose(study)] == [1]
    assert [storage.state(t) for t in study.trials] == ["running", "lost", "complete"]
    assert [t.number for t in study.trials if sampling.counts(t)] == [0, 2]
    running.release(lock)
    assert [t.number for t in running.lose(study)] == [0]
    assert running.lose(study) == []


def test_a_trial_of_another_machine_is_left_alone(tmp_path):
    study = begun(tmp_path)
    study.ask().set_user_attr(storage.HOST, "another")
    assert Running(tmp_path, "one").lose(study) == []


def test_what_changed_since_it_began_is_named(tmp_path):
    begun(tmp_path)
    begun(tmp_path)
    with pytest.raises(EarmarkError, match=r"^The space changed after the study one began, so its"):
        begun(tmp_path, DECIDED | {"space": "c"})


def test_a_database_that_does_not_answer_is_named_without_its_password(tmp_path):
    with pytest.raises(EarmarkError) as error:
        storage.open_storage(tmp_path, "sqlite:////no/such/folder/x.db")
    assert str(error.value).startswith("The storage sqlite:////no/such/folder/x.db does not answer (")
    assert storage.without_password("postgresql://me:secret@host/db") == "postgresql://me:***@host/db"
    with pytest.raises(EarmarkError, match="The storage that was given does not answer"):
        storage.open_storage(tmp_path, "nonsense")


def test_a_study_is_moved_aside_and_another_one_too(tmp_path):
    folder = tmp_path / "mine"
    assert storage.forget(folder) is None
    begun(folder)
    assert storage.forget(folder) == tmp_path / "mine.1"
    begun(folder)
    assert storage.forget(folder) == tmp_path / "mine.2"
