"""What readers of corpora share: a row of a manifest, and what a task says of its corpora.

A reader takes the folder and `warn`, and returns a table of strings with path (below the folder), the task's
annotation, group and, where the corpus has official folds or splits, `split`; its index says where a row stands.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple

import pandas as pd

from earmark.data import correction, manifest
from earmark.data.correction import Correction, ReviewedMark
from earmark.data.names import nfc
from earmark.data.settings import DataSettings
from earmark.data.walking import counted, some, walk
from earmark.errors import EarmarkError

Warn = Callable[[str], None]
Reader = Callable[..., pd.DataFrame]  # (root, warn); that of `folder` takes the name of data.manifest, too
Tables = dict[str, pd.DataFrame]
Complete = Callable[[DataSettings, Path, pd.DataFrame, pd.DataFrame, Warn], tuple[pd.DataFrame, Tables]]


def _as_it_is(table: pd.DataFrame, facts: pd.DataFrame, root: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    return table, facts


def _nothing(*args: object) -> None:
    """No check."""


def _no_notes(table: pd.DataFrame, settings: Any) -> list[str]:
    return []


def _no_files(out: Path, table: pd.DataFrame) -> pd.DataFrame:
    return table


def _complete_already(
    data: DataSettings, root: Path, table: pd.DataFrame, quarantined: pd.DataFrame, warn: Warn
) -> tuple[pd.DataFrame, Tables]:
    return table, {}


@dataclass(frozen=True)
class Corpora:
    """How a task's recordings are read, and what it asks of them beside audio that can be decoded.

    readers: by the name that data.source gives. annotation: the column that says what is true of a recording.
    key: the column whose values stay in one split or fold.
    annotate: (table, facts of the audio row by row, root) to both, with what the annotations say; a `reason` in the
        facts quarantines the row.
    check: (table, quarantined, warn), before anything is split. check_splits: (table, data, warn), after it.
    write: (out, table) to the table, with annotations written as files below `out`.
    complete: (data, root, table, quarantined, warn) to the split table as it is to stand, and tables beside it by name.
    correct: (root, row of the source's table, what a review says of it) to what becomes of the row; by default its
        label is replaced. check_corrected: (data, root, table after), before anything of a review is written.
    summary: of the split table, for people. notes: (split table, settings of the whole task) to sentences on recordings
        shorter than what a network is to hear at once.
    """

    readers: Mapping[str, Reader]
    annotation: Literal["label", "lab", "speaker"]
    key: Literal["group", "label"] = "group"
    annotate: Callable[[pd.DataFrame, pd.DataFrame, Path], tuple[pd.DataFrame, pd.DataFrame]] = _as_it_is
    check: Callable[[pd.DataFrame, pd.DataFrame, Warn], None] = _nothing
    check_splits: Callable[[pd.DataFrame, DataSettings, Warn], None] = _nothing
    write: Callable[[Path, pd.DataFrame], pd.DataFrame] = _no_files
    complete: Complete = _complete_already
    correct: Callable[[Path, pd.Series, list[ReviewedMark]], Correction] = correction.label
    check_corrected: Callable[[DataSettings, Path, pd.DataFrame], None] = _nothing
    summary: Callable[[pd.DataFrame], pd.DataFrame] = manifest.summary
    notes: Callable[[pd.DataFrame, Any], list[str]] = _no_notes


class CorpusRecording(NamedTuple):
    """A recording; `where` is the place in the corpus that names it, `split` is '' without an official one."""

    where: str
    path: str
    label: str
    group: str
    split: str = ""


def require(root: Path, name: str) -> Path:
    """A file or folder that a corpus has below its root."""
    if not (root / name).exists():
        raise EarmarkError(f"{root} holds no {name}; set tasks.*.data.root to the folder that does.")
    return root / name


def audio_below(root: Path, folder: str, depth: int, label: int, warn: Warn) -> list[PurePosixPath]:
    """Audio files so many names below a folder of the corpus, sorted, relative to its root; links are followed.

    label: the place among a path's names of the one that says whose or what it is. A file that links name again is
    taken once for each. `warn` says what is left out.
    """
    found = walk(root, folder)
    found.tell(warn, others=False)
    names = depth + len(PurePosixPath(folder).parts)
    right = [path for path in found.audio if len(path.parts) == names]
    others = found.without([path for path in found.audio if len(path.parts) != names], right)
    if others:
        warn(
            f"left out {counted(len(others), 'recording')} below {root / folder} not lying "
            f"{counted(depth - 1, 'folder')} deep, as the corpus's own do ({some(others)})."
        )
    return found.once(right, lambda path: nfc(path.parts[label]), warn)


def table_of(
    rows: Iterable[NamedTuple], root: Path, columns: tuple[str, ...] = CorpusRecording._fields
) -> pd.DataFrame:
    """The manifest of some rows, without `split` where the corpus has none. Refuses none, and a path twice."""
    table = pd.DataFrame(rows, columns=columns).set_index("where")
    if not len(table):
        raise EarmarkError(f"{root} lists no recordings of this corpus; unpack it again.")
    repeated = table.path[table.path.duplicated()]
    if len(repeated):
        path = repeated.iloc[0]
        places = table.index[table.path == path]
        raise EarmarkError(f"{root / places[0]}: '{path}' is listed again in {places[1]}; keep one row per recording.")
    table.index.name = None
    for column in ("label", "group", "split"):
        if column in table:
            table[column] = table[column].map(nfc)
    return table if (table["split"] != "").any() else table.drop(columns="split")
