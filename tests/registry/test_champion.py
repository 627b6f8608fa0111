"""Store and ledger: rollback and its ends, what differs and who decides, and stores that are older than the ledger."""

import json
import shutil
from pathlib import Path

import pytest

from earmark.registry import ledger, tracking, view
from project import REPOSITORY
from stores import NAME, TASK, champion, change, crown, version


@pytest.fixture(scope="module")
def made(empty_store, tmp_path_factory) -> Path:
    """A project with three versions; the second became champion after the first."""
    place = tmp_path_factory.mktemp("made")
    (place / "params.yaml").touch()
    shutil.copy(empty_store, place / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        found = tracking.connect("genre")
        for _ in range(3):
            version(found)
        for number in ("1", "2"):
            crown(found.client, number)
    return place


@pytest.fixture
def tracker(made, tmp_path, monkeypatch, capsys) -> tracking.Tracker:
    """A copy of it, as the present folder."""
    shutil.copytree(made, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    found = tracking.connect("genre")
    capsys.readouterr()  # that the project lay elsewhere
    return found


@pytest.fixture
def old(project) -> tracking.Tracker:
    """A store of an earlier release: champions 1, 2, 1, 2, by tags."""
    found = tracking.connect("genre")
    for _ in range(2):
        version(found)
    found.client.set_registered_model_alias(NAME, "champion", "2")
    for number, before in (("1", "2"), ("2", "1,1")):
        found.client.set_model_version_tag(NAME, number, "earmark.previous_champion", before)
    found.client.set_model_version_tag(NAME, "2", "earmark.promoted_because", "it hums less")
    return found


def said(earmark, *command: str) -> str:
    """The one line that a command says as it fails."""
    code, out, err = earmark(*command)
    assert (code, out, len(err)) == (1, "", 1)
    return err[0].removeprefix("earmark: ")


def numbers() -> list[int]:
    return [one.number for one in ledger.read("genre").stack()]


def drop_files(tracker, number: str) -> None:
    place = tracker.client.get_run(tracker.client.get_model_version(NAME, number).run_id).info.artifact_uri
    shutil.rmtree(place.removeprefix("file://"))


def forget(tracker) -> None:
    """As a store is that never showed an entry."""
    tracker.client.delete_registered_model_tag(NAME, "earmark.ledger")


def test_rollback_gives_the_alias_back(tracker, earmark):
    assert earmark("rollback", "genre", "--why", "it hums") == (
        *(0, "Version 1 is champion again; version 2 was rolled back.\n"),
        [],
    )
    assert (champion(tracker.client), numbers()) == (1, [1])
    entry = ledger.read("genre").head
    assert (entry.kind, entry.why, entry.before.number) == ("rollback", "it hums", 2)
    assert said(earmark, "rollback", "genre") == (
        "Version 1 of earmark-genre is the first champion in the ledger; there is none before it."
    )


OTHER = (
    "params.yaml has other settings than the champion, version 1; `earmark runs genre --apply champion` writes the "
    "champion's into it."
)


@pytest.mark.parametrize(("lr", "after"), [("0.003", []), ("0.5", [OTHER])])
def test_rollback_says_where_params_have_other_settings(tracker, earmark, lr, after):
    shutil.copy(REPOSITORY / "params.yaml", "params.yaml")
    tracker.client.log_param(tracker.client.get_model_version(NAME, "1").run_id, "train.lr", lr)
    back = "Version 1 is champion again; version 2 was rolled back."
    assert earmark("rollback", "genre")[1].splitlines() == [back, *after]


CANNOT = (
    "Version 2 stays champion: the model with weights 00000000 (version 1 where it was registered) is not in this "
    "store and cannot be restored: it was published before DVC's hashes were kept with a version; promote another one "
    "with `earmark promote genre --version N`."
)


def test_rollback_to_a_version_that_is_gone_leaves_the_champion(tracker, earmark):
    for spoil in (lambda: drop_files(tracker, "1"), lambda: tracker.client.delete_model_version(NAME, "1")):
        spoil()
        assert said(earmark, "rollback", "genre") == CANNOT
        assert (champion(tracker.client), numbers()) == (2, [1, 2])
        assert "earmark.rolled_back" not in tracker.client.get_model_version(NAME, "2").tags


def test_rollback_to_a_version_whose_run_was_deleted(tracker, earmark):
    tracker.client.delete_run(tracker.client.get_model_version(NAME, "1").run_id)
    assert earmark("rollback", "genre")[0] == 0
    assert champion(tracker.client) == 1


def test_rollback_where_nobody_is_champion(project, earmark):
    version(tracking.connect("genre"))
    assert said(earmark, "rollback", "genre") == (
        "earmark-genre has no champion; promote a version first: it has the version 1."
    )


def test_an_alias_that_points_nowhere(old, project, earmark):
    """As a version has it that was removed behind MLflow's back."""
    change(project / "mlflow.db", "UPDATE registered_model_aliases SET version = 7")
    assert said(earmark, "rollback", "genre") == (
        "The champion of earmark-genre is version 7, which was deleted in MLflow; run `earmark promote genre "
        "--version N` to make another one champion; earmark-genre has the versions 1, 2."
    )


def test_a_deleted_experiment_does_not_matter(tracker, earmark):
    tracker.client.delete_experiment(tracker.experiment_id)
    assert earmark("rollback", "genre")[0] == 0
    assert tracker.client.get_experiment(tracker.experiment_id).lifecycle_stage == "deleted"


@pytest.mark.parametrize("spoil", ["rename_registered_model", "delete_registered_model"])
def test_a_registered_model_that_was_renamed_or_deleted(old, earmark, spoil):
    getattr(old.client, spoil)(NAME, *["other"] * (spoil == "rename_registered_model"))
    assert said(earmark, "rollback", "genre") == (
        "There is no registered model earmark-genre: nothing has been registered yet (run `dvc repro publish@genre`), "
        "or it was deleted or renamed in MLflow (`earmark publish genre` registers the trained model again)."
    )


# A store that is older than the ledger


def test_an_older_store_keeps_its_champion_and_the_way_back(old, earmark):
    assert view.settle(old.client, TASK) == []
    found = ledger.read("genre")
    assert [(e.kind, e.version.number, e.before and e.before.number, e.why) for e in found.entries] == [
        ("imported", 1, None, None),
        ("imported", 2, 1, "it hums less"),
        ("imported", 1, 2, None),
        ("imported", 2, 1, "it hums less"),
    ]
    assert found.entries[0].figures == {"version": {"accuracy": 0.5}}
    assert champion(old.client) == 2
    for number in (1, 2, 1):
        assert earmark("rollback", "genre")[0] == 0
        assert champion(old.client) == number
    assert "is the first champion in the ledger; there is none before it" in said(earmark, "rollback", "genre")
    assert len(ledger.read("genre").entries) == 7  # imported once


def test_an_older_store_whose_first_champion_was_deleted(old, earmark):
    old.client.delete_model_version(NAME, "1")
    assert said(earmark, "rollback", "genre") == (
        "Version 2 of earmark-genre is the first champion in the ledger; before it, version 1 was champion, which was "
        "deleted in MLflow."
    )
    assert champion(old.client) == 2


def test_an_import_that_was_killed_is_whole_after_the_next_command(old, monkeypatch):
    whole, written = ledger.append, []

    def killed(task, entry):
        written.append(entry)
        if len(written) == 3:
            raise KeyboardInterrupt
        return whole(task, entry)

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "append", killed)
        with pytest.raises(KeyboardInterrupt):
            view.settle(old.client, TASK)
    assert len(ledger.read("genre").entries) == 2
    assert view.settle(old.client, TASK) == ["Finished what was interrupted: version 2 is champion."]
    assert numbers() == [1, 2, 1, 2]


def test_a_champion_that_earmark_did_not_register_is_left(old):
    old.client.delete_model_version_tag(NAME, "2", "earmark.train_key")
    assert view.settle(old.client, TASK) == []
    assert (champion(old.client), ledger.read("genre").entries) == (2, ())
    crown(old.client, "1")
    assert numbers() == [1]


# Store and ledger differ

WAY = (
    "`earmark registry sync genre --from-store` takes the store's into the ledger, `--from-ledger` gives the alias to "
    "the ledger's."
)
TWO = "the model with weights 00000000 (version 2 where it was registered)"


def moved(tracker):
    tracker.client.set_registered_model_alias(NAME, "champion", "3")
    return f"version 3 as champion of genre, the ledger {TWO}: the alias was moved; {WAY}"


def removed(tracker):
    tracker.client.delete_registered_model_alias(NAME, "champion")
    return f"nobody as champion of genre, the ledger {TWO}: the alias was removed, or its version deleted; {WAY}"


def other_ledger(tracker):
    moved(tracker)
    forget(tracker)
    return f"version 3 as champion of genre, the ledger {TWO}: the store has never been synced with this ledger; {WAY}"


def behind(tracker):
    """As after a `git pull` of another clone's promotion."""
    found = ledger.read("genre")
    entry = found.entry("promotion", found.champions()[0], by="Ada")
    ledger.append("genre", entry)
    one = "the model with weights 00000000 (version 1 where it was registered)"
    cause = f"the ledger has a newer entry, by Ada ({entry.id})"
    return f"version 2 as champion of genre, the ledger {one}: {cause}; {WAY}"


def another_branch(tracker):
    last = ledger.read("genre").head
    Path(f"registry/genre/{last.id}.json").unlink()
    one = "the model with weights 00000000 (version 1 where it was registered)"
    cause = f"the store shows an entry that is not here ({last.id}); {BRINGS}"
    return f"version 2 as champion of genre, the ledger {one}: {cause}; {WAY}"


BRINGS = (
    "run `git pull` if another clone wrote it, switch to the branch that has it if this one does not, or run `git "
    "checkout -- registry` if it was removed"
)
DIFFERENT = pytest.mark.parametrize("differ", [moved, removed, other_ledger, behind, another_branch])


@DIFFERENT
def test_where_they_differ_is_said_and_nothing_undone(tracker, earmark, monkeypatch, differ):
    monkeypatch.setattr(ledger, "who", lambda: "Ada")
    sentence = f"The store has {differ(tracker)}"
    before = champion(tracker.client)
    assert said(earmark, "rollback", "genre") == sentence
    assert view.settle(tracker.client, TASK) == [sentence]
    assert champion(tracker.client) == before


@DIFFERENT
@pytest.mark.parametrize("side", ["--from-store", "--from-ledger"])
def test_sync_ends_it(tracker, earmark, differ, side):
    differ(tracker)
    before, entries = champion(tracker.client), len(ledger.read("genre").entries)
    wanted = before if side == "--from-store" else numbers()[-1]
    code, out, err = earmark("registry", "sync", "genre", side, "--why", "Ada knows")
    assert (code, err) == (0, [])
    who = f"Version {wanted} is champion" if wanted else "There is no champion"
    assert out == f"{who}, {'in the ledger too' if side == '--from-store' else 'as the ledger has it'}.\n"
    assert (champion(tracker.client), (numbers() or [None])[-1]) == (wanted, wanted)
    added = ledger.read("genre").entries[entries:]
    assert [(e.kind, e.why) for e in added] == ([("sync", "Ada knows")] if side == "--from-store" else [])
    assert view.settle(tracker.client, TASK) == []
    assert earmark("registry", "sync", "genre", side)[1] == (
        f"Store and ledger agree: {who[0].lower()}{who[1:]}.\n"
        if wanted
        else "Store and ledger agree: there is no champion.\n"
    )


def test_a_clone_that_has_not_pulled_yet(tracker, earmark):
    """Of a store that two clones share: nothing is imported, nothing promoted over it."""
    last = ledger.read("genre").head
    shutil.rmtree("registry")
    (sentence,) = view.settle(tracker.client, TASK)
    assert sentence == (
        f"The store has version 2 as champion of genre, the ledger nobody: the store shows an entry that is not here "
        f"({last.id}); {BRINGS}; {WAY}"
    )
    assert said(earmark, "rollback", "genre") == sentence
    assert not Path("registry").exists()


def test_after_a_sync_the_way_back_goes_on(tracker, earmark):
    moved(tracker)
    assert earmark("registry", "sync", "genre", "--from-store")[0] == 0
    assert numbers() == [1, 2, 3]
    for number in (2, 1):
        assert earmark("rollback", "genre")[0] == 0
        assert champion(tracker.client) == number


def test_a_promotion_after_the_champion_was_given_up(tracker, earmark):
    removed(tracker)
    earmark("registry", "sync", "genre", "--from-store")
    crown(tracker.client, "3")
    assert numbers() == [3]
    assert [v.number for v in ledger.read("genre").champions()] == [1, 2, 3]


@pytest.mark.parametrize(
    "options", [(), ("--from-store", "--from-ledger"), ("--from-store", "--entry", "x")], ids=" ".join
)
def test_sync_needs_one_side(tracker, earmark, options):
    assert said(earmark, "registry", "sync", "genre", *options) == (
        "Give one of --from-ledger and --from-store; --entry goes with --from-ledger."
    )


def test_sync_of_nothing(project, earmark):
    version(tracking.connect("genre"))
    assert said(earmark, "registry", "sync", "genre", "--from-ledger") == (
        "registry/genre holds no champion to take; `--from-store` keeps the store's."
    )
    assert said(earmark, "registry", "sync", "genre", "--from-store") == (
        "The store has never had a champion of genre to take; `earmark promote genre` makes one, and `--from-ledger` "
        "takes the ledger's."
    )


def test_a_store_that_never_had_a_champion_is_filled(tracker):
    """Its version is found by weights and train key."""
    tracker.client.delete_registered_model_alias(NAME, "champion")
    forget(tracker)
    assert view.settle(tracker.client, TASK) == ["Version 2 is champion, as the ledger has it."]
    assert champion(tracker.client) == 2
    assert view.settle(tracker.client, TASK) == []


def test_the_same_weights_take_over_where_the_champions_files_are_gone(tracker):
    drop_files(tracker, "2")
    assert view.settle(tracker.client, TASK) == []
    version(tracker)
    for name in ("model_sha256", "train_key"):
        tracker.client.set_model_version_tag(NAME, "4", f"earmark.{name}", f"{2:064}")
    assert view.settle(tracker.client, TASK) == [
        "Version 4 has the same weights as the champion, whose files were gone: it is champion in its place."
    ]
    assert champion(tracker.client) == 4
    assert view.settle(tracker.client, TASK) == []


# Two commits that both promoted


@pytest.fixture
def forked(tracker, monkeypatch):
    """After version 2, this clone promoted 3, another one 1; git brought the entries together."""
    before = ledger.read("genre")
    crown(tracker.client, "3")
    theirs = before.entry("promotion", before.champions()[0])
    ledger.append("genre", theirs)
    return theirs


def test_a_fork_is_said_by_every_command(tracker, forked, earmark):
    for command in (("rollback", "genre"), ("registry", "sync", "genre", "--from-ledger")):
        assert said(earmark, *command).startswith("Two commits both decided who is champion of genre, and a merge")
    (sentence,) = view.settle(tracker.client, TASK)
    assert sentence.startswith("Two commits both decided")
    assert champion(tracker.client) == 3


def test_the_champion_of_this_store_stays(tracker, forked, earmark):
    assert earmark("registry", "sync", "genre", "--from-store")[1] == "Version 3 is champion, in the ledger too.\n"
    assert (champion(tracker.client), numbers()) == (3, [1, 2, 3])
    assert earmark("rollback", "genre")[0] == 0


def test_the_champion_of_the_other_clone_is_taken(tracker, forked, earmark):
    code, out, _ = earmark("registry", "sync", "genre", "--from-ledger", "--entry", forked.id)
    assert (code, out) == (0, "Version 1 is champion, as the ledger has it.\n")
    assert (champion(tracker.client), numbers()) == (1, [1, 2, 1])


@pytest.mark.parametrize(("name", "n"), [("2099", "none"), ("20", "2")])
def test_an_entry_that_is_none_of_the_last(tracker, forked, earmark, name, n):
    ours, theirs = ledger.read("genre").heads
    assert said(earmark, "registry", "sync", "genre", "--from-ledger", "--entry", name) == (
        f"--entry must name one of the last entries of genre, but fits {n} of them: {ours.id}, {theirs.id}."
    )


def test_a_broken_ledger_is_said(tracker, earmark):
    last = ledger.read("genre").head
    Path(f"registry/genre/{last.id}.json").write_text("")
    sentence = said(earmark, "rollback", "genre")
    assert sentence.startswith(f"registry/genre/{last.id}.json is not a valid entry of the ledger: it is not JSON")
    assert view.settle(tracker.client, TASK) == [sentence]
    assert said(earmark, "history", "genre") == sentence
    ledger.folder("genre").joinpath(f"{last.id}.json").unlink()
    begun = ledger.read("genre").entry("promotion", last.version)
    note = Path(".earmark/champion/genre.json")  # and a command was killed on top
    note.write_text(json.dumps({"store": "own", "entries": [begun.text]}))
    ledger.append("genre", begun)
    Path(f"registry/genre/{last.id}.json").write_text("")
    assert view.settle(tracker.client, TASK) == [sentence]
    assert note.exists()  # until it can be finished
