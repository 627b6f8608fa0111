"""Splits of a growing collection: groups that were dealt stay where they are, as `record` knows them.

The first deal is `splits.assign_splits`. Of a group that comes later its name and the seed alone decide, by a hash, so
that no order and nothing else that is added changes its split, nor that of any other: shares are kept as well as chance
keeps them. A label that is new as a whole is dealt as at first, and a split that lacks a label gets its next group.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from earmark.data import splits
from earmark.data.names import nfc
from earmark.data.record import Deal, KnownSplits, Record
from earmark.data.settings import DataSettings
from earmark.errors import EarmarkError

# How far shares may be from those of a fresh deal before it is said: of all groups, and of a label's; in groups, too.
DRIFT, LABEL_DRIFT = (0.05, 3), (0.15, 3)


def assign(table: pd.DataFrame, data: DataSettings, key: str, record: Record) -> tuple[pd.DataFrame, dict[str, str]]:
    """Add `split`, as `splits.assign_splits` does, and the split of every group; none where that is official.

    Raises EarmarkError where the record leaves a split without recordings, or a label untrained.
    """
    if "split" in table and (table["split"].str.strip() != "").any():
        return splits.assign_splits(table, data, key), {}
    known = record.known(data)
    if not any(known.get(group) for group in table[key].unique()):
        table = splits.assign_splits(table, data, key)
        return table, _by_group(table, key)
    splits.require_groups(table, key, 3)
    table = _grown(table, data, key, known)
    _refuse_lacking(table, data, key, record)
    splits.check_splits(table, key)
    return table, _by_group(table, key)


def _by_group(table: pd.DataFrame, key: str) -> dict[str, str]:
    return dict(zip(table[key], table["split"], strict=True))


def _grown(table: pd.DataFrame, data: DataSettings, key: str, known: KnownSplits) -> pd.DataFrame:
    """The table with known groups where they are, and new ones by their label."""
    asked, data = data, data if known.whole else replace(data, val_share=0.0)
    labels = splits.labels_of(table, key)
    split_of = {group: split for group in labels.index if (split := known.get(group))}
    fresh: list[str] = []
    for groups in labels.groupby(labels).groups.values():
        there = {split_of[group] for group in groups if group in split_of}
        new = [group for group in groups if group not in split_of]
        if there:
            split_of |= _placed(new, there, data)
        else:
            fresh += new
    if fresh:
        rows = splits.deal_test(table[table[key].isin(fresh)], data, key)
        split_of |= _by_group(splits.deal_val(rows, data, key), key)
    table = table.assign(split=table[key].map(split_of))
    return table if known.whole else splits.deal_val(table, asked, key)


def _placed(new: Iterable[str], there: set[str], data: DataSettings) -> dict[str, str]:
    """The split of a label's new groups: first what the label lacks, else by the hash alone."""
    at = {group: _hashed(group, data.seed) for group in new}
    order = sorted(at, key=lambda group: (at[group], group))
    wanted = ("train", "test", "val") if data.val_share > 0 else ("train", "test")
    lacking = [split for split in wanted if split not in there]
    return {group: _split_at(at[group], data) for group in order} | dict(zip(order, lacking, strict=False))


def _hashed(group: str, seed: int) -> float:
    """A number from 0 up to 1, spread evenly over groups."""
    digest = hashlib.sha256(f"{seed}\0{nfc(group)}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def _split_at(at: float, data: DataSettings) -> str:
    if at < data.test_share:
        return "test"
    return "val" if at < data.test_share + (1 - data.test_share) * data.val_share else "train"


def _refuse_lacking(table: pd.DataFrame, data: DataSettings, key: str, record: Record) -> None:
    """Refuse what a fresh deal never gives, where today's groups are few of the record's."""
    remedy = f"remove {record.path} to split everything again"
    there = set(table["split"])
    for split in ("train", "test", "val") if data.val_share > 0 else ("train", "test"):
        if split not in there:
            raise EarmarkError(
                f"According to {record.path}, none of today's recordings is in the split '{split}'; {remedy}."
            )
    if key != "label" and "label" in table:
        untrained = sorted(set(table.label) - set(table.label[table["split"] == "train"]))
        if untrained:
            raise EarmarkError(
                f"According to {record.path}, no recording of '{untrained[0]}' is in train; add some, or {remedy}."
            )


def deal_sentences(
    table: pd.DataFrame, data: DataSettings, key: str, record: Record, split_of: dict[str, str]
) -> list[str]:
    """What was dealt, for people, where the record is to grow: which groups stay, which are new, what drifted."""
    known = record.known(data)
    new = Counter(split for group, split in split_of.items() if known.get(group) is None)
    stay = len(split_of) - new.total()
    if not stay:
        head, why, end = f"{new.total()} groups", "", ""
        if record.deals and Deal.of(data) not in record.deals:
            why = "with another seed or test_share than before, "
        elif record.deals:
            head = f"{record.path} knows none of the {new.total()} groups: they"
            end = (
                " If these are the recordings of before, earlier models may have been trained on some of today's test "
                "recordings."
            )
        return [f"{head} were assigned to splits, {why}and stay there as the collection grows.{end}"]
    counts = ", ".join(f"{split} {new[split]}" for split in splits.SPLITS if new[split])
    sentences = (
        [f"New groups assigned to splits: {new.total()} ({counts}); {stay} stay where they were."] if new else []
    )
    if not known.whole:
        sentences.append(
            "val_share has changed: the validation split was drawn again, and the groups in test stay there."
        )
    return sentences + list(filter(None, [drift(table, data, key)]))


def drift(table: pd.DataFrame, data: DataSettings, key: str) -> str:
    """A sentence where shares are far from those of a fresh deal, of all groups or of one label's; or nothing."""
    groups = pd.DataFrame({"label": splits.labels_of(table, key)})
    groups["split"] = groups.index.map(_by_group(table, key))
    fresh = {label: Counter(splits.n_dealt(n, data)) for label, n in groups.label.value_counts().items()}
    remedy = "set tasks.*.data.seed to another number to split everything again, which changes the test recordings"
    total = sum(fresh.values(), Counter())
    if far := _far(Counter(groups["split"]), total, *DRIFT):
        return f"The shares have drifted: {far}; {remedy}."
    for label, part in groups.groupby("label"):
        if far := _far(Counter(part["split"]), fresh[label], *LABEL_DRIFT):
            return f"The shares of '{label}' have drifted: {far}; {remedy}."
    return ""


def _far(today: Counter, fresh: Counter, share: float, n_groups: int) -> str:
    """The first split that is too far from its share, in words."""
    n = today.total()
    for split in ("test", "val", "train"):
        off = abs(today[split] - fresh[split])
        if off / n > share and off >= n_groups:
            return f"{split} holds {today[split]} of {n} groups, and a fresh split would give it {fresh[split]}"
    return ""
