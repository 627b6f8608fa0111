"""Runs and versions of a task by what people call them: `#3`, a name, an id's beginning, `version 2`, `champion`."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from earmark.errors import EarmarkError
from earmark.registry.runs import RunRow

ALIASES = ("champion", "challenger")
SHORTEST = 4  # characters of an id
NUMBER = re.compile(r"#?(\d{1,6})")
VERSION = re.compile(r"v(?:ersion)?[ -]?(\d+)", re.I)
ID = re.compile(r"[0-9a-f]{4,32}")


class NamedRun(NamedTuple):
    """A run, and what heads its column."""

    title: str
    row: RunRow


@dataclass(frozen=True)
class RunIndex:
    """The runs of a task, newest first, and the numbers that `earmark runs` gives some of them."""

    task: str
    rows: list[RunRow]
    numbers: dict[str, int]

    @classmethod
    def of(cls, task: str, rows: list[RunRow], every_kind: bool) -> "RunIndex":
        """every_kind: whether runs of all kinds are numbered, as `earmark runs --all` does, or the pipeline's."""
        numbered = [row for row in rows if every_kind or row.kind == "pipeline"]
        return cls(task, rows, {row.run_id: len(numbered) - i for i, row in enumerate(numbered)})

    def find(self, words: Iterable[str]) -> list[NamedRun]:
        """Those that words name, the first one being what the others are held against; `named` says how.

        One alone is held against the champion, and the champion against the newest; without words, the challenger is,
        or the newest judged run against the champion, or else the one before. Raises EarmarkError where that does not
        make two.
        """
        found = [self.named(word) for word in join_version_numbers(words)]
        if len(found) == 1:
            found = [self._before(found[0].row), *found]
        found = found or self._default()
        once = [one for i, one in enumerate(found) if one.row.run_id not in {f.row.run_id for f in found[:i]}]
        if len(once) < 2:
            raise EarmarkError(
                f"A comparison needs two runs of {self.task}, but only one was named: {once[0].title}; name others, as "
                f"`earmark runs {self.task}` lists them."
            )
        return once

    def named(self, word: str) -> NamedRun:
        """The run that a word names: a number of `earmark runs`, a version, an alias, a name, or an id's beginning.

        Raises EarmarkError for none, and for several.
        """
        if word in ALIASES or (match := VERSION.fullmatch(word)):
            return self._version(word if word in ALIASES else int(match[1]))  # type: ignore[index]
        if match := NUMBER.fullmatch(word):
            for row in self.rows:
                if self.numbers.get(row.run_id) == int(match[1]):
                    return self.titled(row)
        found = [row for row in self.rows if row.name == word]
        if not found and ID.fullmatch(word):
            found = [row for row in self.rows if row.run_id.startswith(word)]
        if len(found) > 1:
            ids = ", ".join(row.run_id[:8] for row in found[:5])
            raise EarmarkError(f"{len(found)} runs of {self.task} are called '{word}'; name one by its id: {ids}.")
        if not found:
            raise EarmarkError(f"There is no run or version '{word}' of {self.task}; {self._hint(word)}")
        return self.titled(found[0])

    def titled(self, row: RunRow) -> NamedRun:
        """A run as it heads a column: its number, or its id; and its version."""
        number = self.numbers.get(row.run_id)
        version = [f"version {n}{f' ({alias})' if alias else ''}" for n, alias in _versions(row)]
        return NamedRun(", ".join([f"#{number}" if number else row.run_id[:8], *version[-1:]]), row)

    def _version(self, which: str | int) -> NamedRun:
        for row in self.rows:
            if which in row.versions or any(which in aliases for aliases in row.versions.values()):
                return self.titled(row)
        if isinstance(which, int):
            numbers = sorted(n for row in self.rows for n in row.versions)
            known = f"it has {', '.join(map(str, numbers))}" if numbers else "it has none"
            raise EarmarkError(f"There is no version {which} of {self.task} with a run in this store; {known}.")
        raise EarmarkError(f"{self.task} has no {which}; `earmark runs {self.task}` lists its runs.")

    def _default(self) -> list[NamedRun]:
        held = [row for alias in ALIASES for row in self.rows if any(alias in a for a in row.versions.values())]
        judged = [row for row in self.rows if row.evaluation and row.kind == "pipeline"]
        newest = [row for row in judged if row not in held]
        chosen = [*held[:1], *newest[:1]] if len(held) == 1 and newest else held if len(held) == 2 else judged[1::-1]
        if not chosen:
            raise EarmarkError(
                f"No run of {self.task} has been judged yet; `dvc repro publish@{self.task}` trains and evaluates a "
                "model."
            )
        return [self.titled(row) for row in chosen]

    def _before(self, row: RunRow) -> NamedRun:
        """What one run is held against: the champion, or else the judged run before it."""
        champion = next((r for r in self.rows if any("champion" in a for a in r.versions.values())), None)
        if champion and champion.run_id != row.run_id:
            return self.titled(champion)
        judged = (r for r in self.rows if r.evaluation and r.kind == "pipeline" and r.run_id != row.run_id)
        return self.titled(next((r for r in self.rows if r.run_id == row.against), next(judged, row)))

    def _hint(self, word: str) -> str:
        if word.startswith("#") or word.isdecimal():
            n = len(self.numbers)
            return f"`earmark runs {self.task}` numbers them, up to #{n}." if n else "there are no runs yet."
        close = difflib.get_close_matches(word, {row.name for row in self.rows}, n=1)
        meant = f"did you mean '{close[0]}'? " if close else ""
        return f"{meant}`earmark runs {self.task} --all` lists them."


def join_version_numbers(words: Iterable[str]) -> list[str]:
    """The words, with 'version' and the number behind it as one."""
    found: list[str] = []
    for word in words:
        if found and found[-1].lower() == "version" and word.isdecimal():
            found[-1] = f"version {word}"
        else:
            found.append(word)
    return found


def _versions(row: RunRow) -> list[tuple[int, str]]:
    """The versions of a run with their aliases; the one that has an alias, or else the newest, comes last."""
    listed = [(number, ", ".join(aliases)) for number, aliases in row.versions.items()]
    return sorted(listed, key=lambda one: (bool(one[1]), one[0]))
