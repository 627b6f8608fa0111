"""What a folder of recordings holds, for people who point earmark at it."""

from collections import Counter
from pathlib import PurePosixPath

import pandas as pd

from earmark.data.walking import counted

LABELS = 20  # that are listed one by one


def labels(table: pd.DataFrame) -> list[tuple[str, ...]]:
    """Rows of label, recordings, groups and minutes, the most frequent first; a last one for those not listed.

    Without labels, one row for all.
    """
    of = table["label"] if "label" in table else pd.Series("(all)", index=table.index)
    shape = {"recordings": ("path", "size"), "groups": ("group", "nunique"), "seconds": ("duration_s", "sum")}
    found = table.groupby(of).agg(**shape).sort_values("recordings", ascending=False, kind="stable")
    rows = [(str(r.Index), str(r.recordings), str(r.groups), f"{r.seconds / 60:.1f}") for r in found.itertuples()]
    if len(rows) <= LABELS:
        return rows
    rest = found[LABELS - 1 :]
    more = f"({len(rest)} more)", str(rest.recordings.sum()), str(rest.groups.sum()), f"{rest.seconds.sum() / 60:.1f}"
    return [*rows[: LABELS - 1], more]


def formats(table: pd.DataFrame) -> str:
    """The kinds of files, the most frequent first: '290 FLAC 44.1 kHz mono, 10 MP3 48 kHz stereo'."""
    kinds = Counter(
        f"{PurePosixPath(path).suffix[1:].upper()} {rate / 1000:g} kHz {_channels(n)}"
        for path, rate, n in zip(table.path, table.sample_rate, table.channels, strict=True)
    )
    return ", ".join(f"{n} {kind}" for kind, n in kinds.most_common())


def _channels(n: int) -> str:
    return {1: "mono", 2: "stereo"}.get(n, f"{n} channels")


def groups(table: pd.DataFrame) -> str:
    """How many groups there are, and whether they are the recordings themselves."""
    n, of = table.group.nunique(), len(table)
    if n == of:
        return f"Groups: every recording is its own group ({n})."
    return f"Groups: {n}, for {of} recordings; all recordings of a group are in the same split."


def durations(table: pd.DataFrame) -> str:
    """Shortest, median and longest recording, and all of them together."""
    lasts, n = table.duration_s, counted(len(table), "recording")
    return (
        f"{n}, {lasts.sum() / 60:.1f} minutes in all: the shortest lasts {lasts.min():.2f} s, the median "
        f"{lasts.median():.2f} s, the longest {lasts.max():.2f} s."
    )
