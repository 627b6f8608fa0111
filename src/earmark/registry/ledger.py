"""The ledger: every promotion, rollback and refusal of a task, an event a file below registry/TASK, kept in git.

Who is champion follows from the entries: each names those that it follows; a promotion puts a version on top of the
champions before it, a rollback takes the top away. Files are written once and never changed, so that git merges two
clones' ledgers without a conflict. Where two entries follow the same one, which both clones did, the ledger has two
heads and no champion until a `sync` follows both.
"""

import getpass
import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from earmark import paths
from earmark.errors import EarmarkError
from earmark.registry.entries import Identity, Kind, LedgerEntry, parse
from earmark.registry.entries import Tested as Tested

Stack = tuple[Identity, ...]  # champions, the first one first


@dataclass(frozen=True)
class Ledger:
    """The entries of a task, oldest first. Its questions about the champion raise EarmarkError at a fork."""

    task: str
    entries: tuple[LedgerEntry, ...] = ()

    @cached_property
    def by_id(self) -> dict[str, LedgerEntry]:
        """The entries by id."""
        return {entry.id: entry for entry in self.entries}

    @cached_property
    def heads(self) -> tuple[LedgerEntry, ...]:
        """The deciding entries that no other one follows: one, or more at a fork; none of an empty ledger."""
        followed = {id_ for entry in self.entries if entry.decides for id_ in entry.follows}
        return tuple(e for e in self.entries if e.decides and e.id not in followed)

    @property
    def head(self) -> LedgerEntry | None:
        """The last deciding entry; None of an empty ledger."""
        if len(self.heads) > 1:
            raise EarmarkError(_forked(self))
        return self.heads[0] if self.heads else None

    @cached_property
    def stacks(self) -> dict[str, Stack]:
        """The champions after each deciding entry, the present one last. Raises EarmarkError at a contradiction."""
        found: dict[str, Stack] = {}
        for entry in _in_order(self):
            found[entry.id] = _after(entry, [found[id_] for id_ in entry.follows])
        return found

    def stack(self) -> Stack:
        """The way back: the champions before, and the present one last."""
        return self.stacks[self.head.id] if self.head else ()

    def champion(self) -> Identity | None:
        """The present champion."""
        return self.stack()[-1] if self.stack() else None

    def champions(self) -> list[Identity]:
        """All that ever were, the first one first, each once."""
        turns = (stack[-1] for stack in self.stacks.values() if stack)
        return list({version.key: version for version in turns}.values())

    def last_champion(self) -> Identity | None:
        """The present champion, or the last one where nobody is now; None of a ledger that never had one."""
        turns = (self.stacks[e.id] for e in reversed(self.entries) if e.decides)
        return next((stack[-1] for stack in turns if stack), None)

    def evaluated(self, test_sha256: str) -> set[str]:
        """sha256 of the weights that entries judged on the test recordings with this hash, refusals among them."""
        on = [e for e in self.entries if e.test and e.test.sha256 == test_sha256]
        return {v.model_sha256 for e in on for v in (e.version, e.before) if v}

    def entry(self, kind: Kind, version: Identity | None, **rest: Any) -> LedgerEntry:
        """A new entry of now, by git's user, that follows the head; `append` or `champion.crown` writes it."""
        if "follows" not in rest:
            rest["follows"] = [self.head.id] if self.head else []
        if "before" not in rest:
            rest["before"] = self.champion()
        return LedgerEntry(kind=kind, task=self.task, version=version, **{"by": who()} | rest)


def folder(task: str) -> Path:
    """Where a task's entries lie, in the project."""
    return paths.main_repository() / "registry" / task


def read(task: str) -> Ledger:
    """The ledger of a task, by its name. Raises EarmarkError that names the file which is broken or contradicts."""
    files = sorted(folder(task).glob("*.json"))
    found = Ledger(task, tuple(sorted((_entry(file, task) for file in files), key=lambda e: (e.at, e.id))))
    _ = found.stacks
    return found


def append(task: str, entry: LedgerEntry) -> Path:
    """Write an entry; the file is there whole or not at all. Writing it again changes nothing."""
    place = folder(task)
    place.mkdir(parents=True, exist_ok=True)
    file = place / f"{entry.id}.json"
    if not file.exists():
        write_whole(file, entry.text)
    return file


def write_whole(file: Path, text: str) -> None:
    """Write a file so that it survives a crash as it was or as it is to be."""
    handle, name = tempfile.mkstemp(prefix=".", suffix=".partial", dir=file.parent)
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        Path(name).chmod(0o644)
        os.replace(name, file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def reason(why: str | None, needed: bool = False) -> str | None:
    """What --why says, without blanks around it; None for nothing. Raises EarmarkError where it is `needed`, and for
    bytes that are no text: a store takes none, and finds them again at each command."""
    text = (why or "").strip()
    if needed and not text:
        raise EarmarkError("--force needs --why, which is kept in the ledger.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise EarmarkError("--why is not UTF-8 text; type it again in UTF-8.") from None
    return text or None


def who() -> str:
    """Git's user, as a commit would name them; else the login."""
    said = [_config(key) for key in ("user.name", "user.email")]
    if said[0]:
        return f"{said[0]} <{said[1]}>" if said[1] else said[0]
    try:
        return said[1] or getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def _config(key: str) -> str:
    try:
        done = subprocess.run(["git", "config", key], capture_output=True, text=True, errors="replace")
    except OSError:
        return ""
    return done.stdout.strip()


def _entry(file: Path, task: str) -> LedgerEntry:
    """One file's entry. Raises EarmarkError that names it."""
    name = entry_path(task, file.stem)
    try:
        if not file.is_file():  # a pipe would be waited for
            raise ValueError("it is not a file")
        found = parse(file.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as e:
        raise EarmarkError(f"{name} is not a valid entry of the ledger: {e}; {_remedy(name)}.") from None
    if found.task != task:
        raise EarmarkError(f"{name} is an entry of the task '{found.task}'; move it to registry/{found.task}.")
    if found.id != file.stem:
        raise EarmarkError(
            f"{name} was changed after it was written: its content belongs to {found.id}.json; {_remedy(name)}."
        )
    return found


def entry_path(task: str, id_: str) -> str:
    """The file of an entry, for people: from the project's folder."""
    return f"registry/{task}/{id_}.json"


def _remedy(name: str) -> str:
    back = f"`git checkout -- {shlex.quote(name)}`"
    return f"restore the committed file with {back}, or remove it if it was never committed"


def _in_order(found: Ledger) -> Iterable[LedgerEntry]:
    """The deciding entries, each after those that it follows, else by time."""
    known = {e.id: e for e in found.entries if e.decides}
    for entry in known.values():
        if lost := [id_ for id_ in entry.follows if id_ not in known]:
            raise EarmarkError(
                f"{entry_path(found.task, entry.id)} follows {lost[0]}, which is not in the ledger; restore its "
                f"file (`git log --all -- {entry_path(found.task, lost[0])}` says where it is)."
            )
    try:
        return [known[id_] for id_ in TopologicalSorter({e.id: e.follows for e in known.values()}).static_order()]
    except CycleError as e:
        raise EarmarkError(f"{entry_path(found.task, e.args[1][0])} follows itself; remove it.") from None


def _after(entry: LedgerEntry, before: list[Stack]) -> Stack:
    """The champions after an entry, given those after each that it follows."""
    if entry.kind == "sync":
        return _after_sync(entry, before)
    if len(before) > 1:
        raise _contradiction(entry, f"it follows {len(before)} entries, which only a sync may do")
    now = before[0] if before else ()
    if entry.version is None:
        raise _contradiction(entry, "it names no version")
    champion = now[-1] if now else None
    if not (champion.same(entry.before) if champion else entry.before is None):
        raise _contradiction(entry, f"it says that {_named(entry.before)} was champion, but {_named(champion)} was")
    if entry.kind != "rollback":
        return (*now, entry.version)
    if len(now) < 2 or not now[-2].same(entry.version):
        former = now[-2] if len(now) > 1 else None
        raise _contradiction(
            entry, f"it goes back to {_named(entry.version)}, but the champion before was {_named(former)}"
        )
    return now[:-1]


def _after_sync(entry: LedgerEntry, before: list[Stack]) -> Stack:
    """The way back of the line that had this champion already; else it stands on the longest of them."""
    if entry.version is None:
        return ()
    having = [stack for stack in before if stack and stack[-1].same(entry.version)]
    if having:
        return max(having, key=len)
    return (*max(before, key=len, default=()), entry.version)


def _contradiction(entry: LedgerEntry, what: str) -> EarmarkError:
    name = entry_path(entry.task, entry.id)
    return EarmarkError(
        f"{name} contradicts the entries that it follows: {what}; remove it if it was never committed, else see "
        f"`git log -- registry/{entry.task}`."
    )


def _named(version: Identity | None) -> str:
    return f"a model with the weights {version.model_sha256[:8]}" if version else "nobody"


def _forked(found: Ledger) -> str:
    """The sentence about a fork, with the ways out."""
    each = [
        f"{_named(tops[-1] if (tops := found.stacks[e.id]) else None)} ({e.kind} by {e.by.partition(' <')[0]}, {e.id})"
        for e in found.heads
    ]
    return (
        f"Two commits both decided who is champion of {found.task}, and a merge brought them together: "
        f"{' and '.join(each)}; `earmark registry sync {found.task} --from-store` keeps the champion of this store, "
        f"`--from-ledger --entry ID` that of an entry."
    )
