"""The record of what was dealt, `splits/TASK.csv`, which git keeps: groups that it knows stay where they are.

A row says in which split a group is, and with which seed and shares it was dealt; another seed or share is another
deal, whose rows stand beside. Where nothing was dealt (official splits, the demo) it has its header alone. To DVC it is
an output that `prepare` finds as it was and writes anew (`persist`), and that no cache holds.
"""

import csv
import io
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from filelock import FileLock

from earmark.data.names import name_matcher
from earmark.data.settings import DataSettings
from earmark.errors import EarmarkError, writing

COLUMNS = ("group", "split", "seed", "test_share", "val_share")
SPLITS = ("train", "val", "test")


@dataclass(frozen=True, order=True)
class Deal:
    """What a split was dealt with."""

    seed: int
    test_share: float
    val_share: float

    @classmethod
    def of(cls, data: DataSettings) -> "Deal":
        """The deal that the settings ask for."""
        return cls(data.seed, float(data.test_share), float(data.val_share))


@dataclass(frozen=True)
class KnownSplits:
    """The split of every group of one deal. whole: false where val_share was another, so that val is to be dealt."""

    split_of: dict[str, str]
    whole: bool = True

    @cached_property
    def _meant(self) -> Callable[[str], str]:
        return name_matcher(self.split_of)

    def get(self, group: str) -> str | None:
        """The split of a group, whose name may stand there in another Unicode form; None of a new one."""
        return self.split_of.get(self._meant(group))


@dataclass(frozen=True)
class Record:
    """What was dealt, by deal, and the file that says so."""

    path: Path
    deals: dict[Deal, dict[str, str]] = field(default_factory=dict)

    def known(self, data: DataSettings) -> KnownSplits:
        """The groups of the deal that the settings ask for; with another val_share than any, those of test stay."""
        asked = Deal.of(data)
        if asked in self.deals:
            return KnownSplits(self.deals[asked])
        alike = [d for deal, d in self.deals.items() if replace(deal, val_share=asked.val_share) == asked]
        rest = {group: "train" for d in alike for group in d}
        tested = {group: "test" for d in alike for group, split in d.items() if split == "test"}
        return KnownSplits(rest | tested, whole=not alike)

    def with_groups(self, data: DataSettings, split_of: Mapping[str, str]) -> "Record":
        """The record with those groups of a deal that it does not know; raises EarmarkError where it says otherwise."""
        deal, known = Deal.of(data), KnownSplits(self.deals.get(Deal.of(data), {}))
        for group, split in split_of.items():
            if known.get(group) not in (None, split):
                raise EarmarkError(
                    f"{self.path} has changed in the meantime, and '{group}' is in {known.get(group)} there; run the "
                    "command again."
                )
        new = {group: split for group, split in split_of.items() if known.get(group) is None}
        return Record(self.path, self.deals | {deal: known.split_of | new}) if new else self


NOTHING = Record(Path("splits"))  # of a collection that is dealt once


def find(place: Path, elsewhere: Path) -> Record:
    """The record at a place below the working tree; where there is none, that below `elsewhere`; an empty one.

    An experiment of DVC's runs in a copy of what git knows, where a record that is not yet committed is missing.
    """
    there = place if place.exists() else elsewhere / place
    return Record(place, read(there) if there.exists() else {})


def read(path: Path) -> dict[Deal, dict[str, str]]:
    """The split of every group, by deal. Raises EarmarkError naming the line."""
    deals: dict[Deal, dict[str, str]] = {}
    try:
        for deal, group, split in _rows(path):
            if (other := deals.setdefault(deal, {}).setdefault(group, split)) != split:
                raise ValueError(f"the group '{group}' is in {other} and in {split}")
    except (ValueError, csv.Error, OSError) as e:  # what is no UTF-8 is a ValueError
        what = "it is not UTF-8 text" if isinstance(e, UnicodeDecodeError) else getattr(e, "strerror", None) or e
        raise EarmarkError(
            f"{path}, which says what is in which split, cannot be used: {what}; put it back as git has it (git "
            f"checkout {path}), or remove it, and `dvc repro` splits everything again."
        ) from None
    return deals


def _rows(path: Path) -> Iterator[tuple[Deal, str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file, strict=True)
        if tuple(next(lines, ())) != COLUMNS:
            raise ValueError(f"its first line is not {','.join(COLUMNS)}")
        for row in lines:
            if len(row) != len(COLUMNS):
                raise ValueError(f"line {lines.line_num} does not have {len(COLUMNS)} fields")
            group, split, *numbers = row
            if split not in SPLITS:
                raise ValueError(f"line {lines.line_num}: '{split}' is not a split ({', '.join(SPLITS)})")
            try:
                yield Deal(int(numbers[0]), float(numbers[1]), float(numbers[2])), group, split
            except ValueError:
                raise ValueError(f"line {lines.line_num}: {','.join(numbers)} are not a seed and shares") from None


def keep(record: Record, data: DataSettings, split_of: Mapping[str, str], lock: Path) -> bool:
    """Add the groups that a record does not know to its file; whether there were any. The file exists afterwards.

    lock: a file for the lock that two processes share. What another process added since the record was read stays.
    """
    with writing(record.path, "make the project's folder writable"), FileLock(lock):
        today = replace(record, deals=record.deals | (read(record.path) if record.path.exists() else {}))
        grown = today.with_groups(data, split_of)
        if grown.deals != today.deals or not record.path.exists():
            _write(grown)
        return grown.deals != today.deals


def _write(record: Record) -> None:
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    for deal, split_of in sorted(record.deals.items()):
        for group, split in sorted(split_of.items()):
            lines.writerow((group, split, deal.seed, deal.test_share, deal.val_share))
    beside = record.path.with_name(f"{record.path.name}.new")
    record.path.parent.mkdir(parents=True, exist_ok=True)
    beside.write_text(text.getvalue(), encoding="utf-8", newline="")
    os.replace(beside, record.path)  # whole or not at all
