"""The ledger as files: champions by its entries, forks that git brings together, and files that are broken."""

import os
import subprocess
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.errors import EarmarkError
from earmark.registry import entries, ledger
from earmark.registry.entries import Identity, LedgerEntry
from earmark.registry.ledger import Ledger


def model(n: int) -> Identity:
    return Identity(train_key=f"{n:064}", model_sha256=f"{n:064}", number=n)


@pytest.fixture
def written(workplace, monkeypatch):
    """Write entries of a task in the order in which they follow each other."""
    Path("params.yaml").touch()
    monkeypatch.setattr(ledger, "who", lambda: "Ada <ada@example.org>")

    def write(kind: str, version: Identity | None, **rest) -> LedgerEntry:
        entry = ledger.read("genre").entry(kind, version, **rest)
        ledger.append("genre", entry)
        return entry

    return write


def numbers(found: Ledger) -> list[int]:
    return [version.number for version in found.stack()]


def fails() -> str:
    with pytest.raises(EarmarkError) as error:
        _ = ledger.read("genre").champion()
    return str(error.value)


def test_nothing_was_decided_yet(written):
    found = ledger.read("genre")
    assert (found.entries, found.heads, found.head, found.champion(), found.champions()) == ((), (), None, None, [])
    assert not Path("registry").exists()  # reading makes nothing


def test_promotions_and_rollbacks(written):
    for n in (1, 2, 1, 3):
        written("promotion", model(n))
    assert numbers(ledger.read("genre")) == [1, 2, 1, 3]
    for back in (1, 2, 1):
        written("rollback", model(back))
        assert ledger.read("genre").champion() == model(back)
    assert numbers(ledger.read("genre")) == [1]
    assert [v.number for v in ledger.read("genre").champions()] == [1, 2, 3]
    assert [e.kind for e in ledger.read("genre").entries] == ["promotion"] * 4 + ["rollback"] * 3


def test_a_refusal_changes_nothing_and_is_followed_by_nobody(written):
    first = written("promotion", model(1))
    refusal = written("refusal", model(2), verdict="no")
    second = written("promotion", model(3))
    assert refusal.follows == second.follows == [first.id]
    assert numbers(ledger.read("genre")) == [1, 3]
    assert ledger.read("genre").head == second


def test_which_weights_were_judged_on_a_test_set(written):
    on = {name: entries.Tested(sha256=name * 64) for name in "ab"}
    written("promotion", model(1), test=on["a"])
    written("refusal", model(2), test=on["a"], verdict="no")
    written("refusal", model(3), test=on["b"], verdict="cannot tell")
    written("promotion", model(4))
    found = ledger.read("genre")
    assert found.evaluated("a" * 64) == {f"{1:064}", f"{2:064}"}
    assert found.evaluated("b" * 64) == {f"{1:064}", f"{3:064}"}  # the champion, against which it was judged, too
    assert found.evaluated("c" * 64) == set()


def test_a_sync_pushes_or_empties(written):
    written("promotion", model(1))
    written("sync", model(2))
    assert numbers(ledger.read("genre")) == [1, 2]
    written("sync", model(2))  # said twice
    assert numbers(ledger.read("genre")) == [1, 2]
    written("sync", None)
    assert (numbers(ledger.read("genre")), ledger.read("genre").champion()) == ([], None)
    written("promotion", model(3))
    assert numbers(ledger.read("genre")) == [3]


@given(st.lists(st.one_of(st.none(), st.integers(1, 4)), max_size=20))
def test_any_sequence_is_a_stack(turns):
    """None rolls back; against a list that is pushed to and popped from."""
    found, stack = Ledger("genre"), []
    for i, turn in enumerate(turns):
        at = f"20261128T000000.{i:06}Z"
        if turn is None and len(stack) < 2:
            continue
        stack = stack[:-1] if turn is None else [*stack, turn]
        kind = "rollback" if turn is None else "promotion"
        found = Ledger("genre", (*found.entries, found.entry(kind, model(stack[-1]), at=at)))
        assert numbers(found) == stack
    assert len(found.heads) <= 1


def test_an_entry_is_there_whole_or_not_at_all(written, monkeypatch):
    def full(source, target):
        raise OSError(28, "No space left on device")

    written("promotion", model(1))
    with monkeypatch.context() as patch:
        patch.setattr(ledger.os, "replace", full)
        with pytest.raises(OSError, match="No space left"):
            written("promotion", model(2))
    assert numbers(ledger.read("genre")) == [1]
    assert len(list(Path("registry/genre").iterdir())) == 1


def test_an_entry_is_written_once(written):
    entry = written("promotion", model(1))
    file = ledger.append("genre", entry)
    before = file.stat().st_mtime_ns
    assert ledger.append("genre", entry) == file == ledger.folder("genre") / f"{entry.id}.json"
    assert file.stat().st_mtime_ns == before
    assert oct(file.stat().st_mode)[-3:] == "644"


def test_many_write_at_once(written):
    many = [Ledger("genre").entry("refusal", model(n), verdict="no") for n in range(20)]
    threads = [threading.Thread(target=ledger.append, args=("genre", e)) for e in many]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {e.id for e in ledger.read("genre").entries} == {e.id for e in many}


def test_a_file_that_was_cut_off(written):
    entry = written("promotion", model(1))
    file = Path(f"registry/genre/{entry.id}.json")
    file.write_text(file.read_text()[:100])
    assert fails().startswith(f"registry/genre/{entry.id}.json is not a valid entry of the ledger: it is not JSON (")
    remedy = f"`git checkout -- registry/genre/{entry.id}.json`, or remove it if it was never committed."
    assert fails().endswith(f"; restore the committed file with {remedy}")


def test_a_file_that_json_cannot_end_and_one_that_is_none(written, tmp_path):
    place = Path(f"registry/genre/{written('promotion', model(1)).id}.json")
    place.write_text("[" * 200_000)
    assert " is not a valid entry of the ledger: maximum recursion depth exceeded" in fails()
    place.unlink()
    os.mkfifo(place)
    assert " is not a valid entry of the ledger: it is not a file; " in fails()


def test_a_file_that_was_changed(written):
    entry = written("promotion", model(1))
    file = Path(f"registry/genre/{entry.id}.json")
    file.write_text(file.read_text().replace('"number": 1', '"number": 7'))
    assert fails().startswith(
        f"registry/genre/{entry.id}.json was changed after it was written: its content belongs to {entry.at}-promotion-"
    )


def test_a_file_of_another_task(written):
    entry = written("promotion", model(1))
    Path("registry/chord").mkdir()
    Path(f"registry/chord/{entry.id}.json").write_text(entry.text)
    with pytest.raises(EarmarkError) as error:
        ledger.read("chord")
    assert str(error.value) == (
        f"registry/chord/{entry.id}.json is an entry of the task 'genre'; move it to registry/genre."
    )


def test_an_entry_whose_forerunner_is_gone(written):
    first, second = written("promotion", model(1)), written("promotion", model(2))
    Path(f"registry/genre/{first.id}.json").unlink()
    assert fails() == (
        f"registry/genre/{second.id}.json follows {first.id}, which is not in the ledger; restore its file "
        f"(`git log --all -- registry/genre/{first.id}.json` says where it is)."
    )


@pytest.mark.parametrize(
    ("kind", "version", "before", "said"),
    [
        ("promotion", 3, 9, "it says that a model with the weights 00000000 was champion, but a model"),
        ("promotion", 3, None, "it says that nobody was champion, but a model with the weights 00000000 was"),
        ("promotion", None, 2, "it names no version"),
        ("rollback", 9, 2, "it goes back to a model with the weights 00000000, but the champion before was a model"),
    ],
)
def test_an_entry_that_contradicts(written, kind, version, before, said):
    for n in (1, 2):
        written("promotion", model(n))
    wrong = written(kind, version and model(version), before=before and model(before))
    assert fails().startswith(f"registry/genre/{wrong.id}.json contradicts the entries that it follows: {said}")


def test_a_rollback_beyond_the_first_contradicts(written):
    written("promotion", model(1))
    written("rollback", model(1))
    assert "before was nobody; remove it if it was never committed, else see `git log -- registry/genre`." in fails()


def test_entries_that_follow_each_other():
    """As nobody can write them, since a name is a hash of what it follows; but who knows what a merge tool does."""

    class Named(LedgerEntry):
        @property
        def id(self) -> str:
            return "x"

    itself = Named(kind="promotion", task="genre", version=model(1), follows=["x"])
    with pytest.raises(EarmarkError, match=r"registry/genre/x\.json follows itself; remove it\."):
        _ = Ledger("genre", (itself,)).stacks


def git(folder: Path, *command: str) -> None:
    who = ("-c", "user.name=tester", "-c", "user.email=tester@example.org")
    subprocess.run(["git", *who, *command], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def merged(written, workplace, monkeypatch) -> tuple[LedgerEntry, LedgerEntry]:
    """Two clones promoted versions 2 and 3 after 1, and git merged both."""
    written("promotion", model(1))
    git(workplace, "init", "-q", "-b", "main")
    git(workplace, "add", ".")
    git(workplace, "commit", "-q", "-m", "first")
    git(workplace, "clone", "-q", ".", "other")
    ours = written("promotion", model(2))
    monkeypatch.chdir("other")
    theirs = written("promotion", model(3))
    git(Path(), "add", "registry")
    git(Path(), "commit", "-q", "-m", "theirs")
    monkeypatch.chdir(workplace)
    git(workplace, "add", "registry")
    git(workplace, "commit", "-q", "-m", "ours")
    git(workplace, "pull", "-q", "--no-rebase", "--no-edit", "other", "main")
    return ours, theirs


def test_two_commits_that_both_promoted(merged):
    ours, theirs = merged
    assert ledger.read("genre").heads == (ours, theirs)
    assert fails() == (
        "Two commits both decided who is champion of genre, and a merge brought them together: a model with the "
        f"weights 00000000 (promotion by Ada, {ours.id}) and a model with the weights 00000000 (promotion by Ada, "
        f"{theirs.id}); `earmark registry sync genre --from-store` keeps the champion of this store, `--from-ledger "
        "--entry ID` that of an entry."
    )
    with pytest.raises(EarmarkError, match="Two commits both decided"):
        ledger.read("genre").entry("promotion", model(4))


@pytest.mark.parametrize(("chosen", "way_back"), [(2, [1, 2]), (3, [1, 3]), (4, [1, 2, 4]), (None, [])])
def test_a_sync_that_follows_both_ends_the_fork(merged, written, chosen, way_back):
    version = chosen and model(chosen)
    sync = written("sync", version, follows=[e.id for e in merged], before=None)
    found = ledger.read("genre")
    assert (found.heads, numbers(found)) == ((sync,), way_back)
    assert {1, 2, 3} <= {v.number for v in found.champions()}


def test_a_promotion_cannot_follow_both(merged, written):
    written("promotion", model(2), follows=[e.id for e in merged], before=model(2))
    assert "it follows 2 entries, which only a sync may do" in fails()


def test_who_decides(workplace, monkeypatch):
    Path("params.yaml").touch()
    subprocess.run(["git", "init", "-q"], check=True)
    for key, value in (("user.name", "Ada L"), ("user.email", "ada@example.org")):
        subprocess.run(["git", "config", key, value], check=True)
    assert ledger.who() == "Ada L <ada@example.org>"
    monkeypatch.setattr(ledger, "_config", lambda key: "")
    monkeypatch.setattr(ledger.getpass, "getuser", lambda: "login")
    assert ledger.who() == "login"
