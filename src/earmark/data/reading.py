"""Recordings of a source, each tried; what cannot be used is put aside with its reason."""

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pandas as pd

from earmark import audio
from earmark.data import copies, dealt, manifest, record
from earmark.data.corpus import Corpora, Reader, Warn
from earmark.data.names import Paths
from earmark.data.record import Record
from earmark.data.settings import MANIFEST, DataSettings
from earmark.errors import EarmarkError

Progress = Callable[[Iterable, int, str], Iterable]
OWN = ("demo", "folder")  # sources that the user can correct


def read(
    corpora: Corpora,
    data: DataSettings,
    root: Path,
    warn: Warn,
    progress: Progress,
    known: Callable[[str], str | None] = lambda group: None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read a source and try every file.

    known: the split of a group that was dealt before.
    Returns (recordings, quarantined): two tables; the first is the source's manifest with duration_s, sample_rate,
    channels, peak and sha256, and what `corpora.annotate` adds; the second has path, reason and, where the first has
    it, utterance. Raises EarmarkError when the source is not usable as a whole.
    """
    table = list_recordings(corpora, data, root, warn)
    files = [root.absolute() / path for path in table.path]
    with ThreadPoolExecutor() as pool:
        done = pool.map(partial(_tried, audio.folder(root, data.channels)), files)
        facts = pd.DataFrame(progress(done, len(files), "checking audio"), index=table.index)
    for path, note in zip(table.path, facts.pop("note"), strict=True):
        if note:
            warn(f"{path}: {note}.")
    if data.channels != "mix":
        table = table.assign(channel=str(data.channels))
    table, facts = corpora.annotate(table, facts, root)
    bad = facts.reason != ""
    quarantined = pd.DataFrame({"path": table.path[bad], "reason": facts.reason[bad]})
    if "utterance" in table:
        quarantined["utterance"] = table.utterance[bad]
    _refuse_many(quarantined, len(table), data.max_quarantined)
    table = table.drop(columns=[c for c in facts.columns if c in table]).join(facts.drop(columns="reason"))
    table = table[~bad].reset_index(drop=True)
    copies.check(table, corpora.annotation, data.source in OWN, warn)
    return copies.group_copies(table, known) if corpora.key == "group" else table, quarantined


def list_recordings(corpora: Corpora, data: DataSettings, root: Path, warn: Warn) -> pd.DataFrame:
    """A source's manifest, before any file is tried: as its reader has it, each path normalised below `root`.

    Raises EarmarkError where the task has no such source, or the source is not there.
    """
    if data.source not in corpora.readers:
        names = ", ".join(corpora.readers)
        raise EarmarkError(
            f"The source '{data.source}' does not have a {corpora.annotation} for each of its recordings, which this "
            f"task needs; set tasks.*.data.source to one of {names}."
        )
    if not root.is_dir():
        raise EarmarkError(f"The audio folder {root} does not exist; set tasks.*.data.root to yours.")
    reader, paths = corpora.readers[data.source], Paths(root)
    table = reader(root, warn) if data.manifest == MANIFEST else _named(reader, root, data.manifest, warn)
    table["path"] = [manifest.below(root, path, where, paths) for where, path in table.path.items()]
    return table


def _named(reader: Reader, root: Path, name: str, warn: Warn) -> pd.DataFrame:
    """The recordings that a table of another name than manifest.csv lists."""
    if not (root / name).is_file():
        raise EarmarkError(
            f"{root} holds no {name}, which tasks.*.data.manifest names; put it there, or remove that key."
        )
    table = reader(root, warn, name)
    return table.set_axis([f"{name}, line {line}" for line in table.index])


def read_folder(
    corpora: Corpora, root: Path, hint: str, warn: Warn, progress: Progress
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The same of a labelled folder that is judged whole: anything but nothing at all may be unusable.

    hint: what such a folder holds, for the sentence where there is none.
    """
    if not root.is_dir():
        raise EarmarkError(f"There is no folder {root}; name one with {hint}, or with manifest.csv.")
    return read(corpora, DataSettings("folder", str(root), None, 0.0, 0.5, 1, 1.0), root, warn, progress)


@dataclass(frozen=True)
class PreparedRecordings:
    """The recordings with their `split` (and `fold`), those that cannot be used (path, reason), tables beside them.

    dealt: the split of every group that was dealt, now or before; empty where splits or folds are official, and of the
    demo.
    """

    table: pd.DataFrame
    quarantined: pd.DataFrame
    beside: dict[str, pd.DataFrame]
    dealt: dict[str, str] = field(default_factory=dict)


def prepare(
    corpora: Corpora,
    data: DataSettings,
    root: Path,
    warn: Warn,
    progress: Progress,
    before: Record = record.NOTHING,
) -> PreparedRecordings:
    """Read, check and split one task's recordings: the first stage.

    before: what was dealt already, and stays as it is (the demo is no collection that grows). Raises EarmarkError when
    the source is not usable as a whole.
    """
    before = record.NOTHING if data.source == "demo" else before
    table, quarantined = read(corpora, data, root, warn, progress, before.known(data).get)
    corpora.check(table, quarantined, warn)
    table, split_of = dealt.assign(table, data, corpora.key, before)
    corpora.check_splits(table, data, warn)
    if corpora.key == "group":
        copies.tell(table, warn)
    table, beside = corpora.complete(data, root, table, quarantined, warn)
    return PreparedRecordings(table, quarantined, beside, {} if data.source == "demo" else split_of)


def _tried(root: audio.Root, path: Path) -> dict:
    """`_inspect`, with the reason of a link that leads nowhere."""
    facts = _inspect(root, path)
    if path.is_symlink() and not path.exists():
        facts["reason"] = f"it is a link to {path.readlink()}, which does not exist"
    return facts


def _inspect(root: audio.Root, path: Path) -> dict:
    """Facts of one file; `reason` says why it is unusable, and is empty when it is fine; `note` what it lacks."""
    nothing = {"duration_s": 0.0, "sample_rate": 0, "channels": 0, "peak": 0.0, "sha256": "", "note": ""}
    try:
        info = audio.check(root / path)
        if info.flat:
            return nothing | {"reason": info.flat}
        with path.open("rb") as f:
            sha256 = hashlib.file_digest(f, "sha256").hexdigest()
        facts = {name: getattr(info, name) for name in nothing if name != "sha256"}
        return facts | {"sha256": sha256, "reason": ""}
    except audio.AudioError as e:
        return nothing | {"reason": str(e)}
    except FileNotFoundError:
        return nothing | {"reason": "the file does not exist"}
    except OSError as e:
        return nothing | {"reason": f"the file cannot be read ({e.strerror})"}


def _refuse_many(quarantined: pd.DataFrame, n: int, limit: float) -> None:
    if len(quarantined) > limit * n or len(quarantined) == n:
        first, lost = quarantined.iloc[0], len(quarantined)
        many = f"{lost} of {n} recordings cannot be used, more than data.max_quarantined ({limit:g}) allows"
        said = many if lost < n else f"None of the recordings ({n}) can be used"
        raise EarmarkError(f"{said}; the first is '{first.path}': {first.reason}.")
