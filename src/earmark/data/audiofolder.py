"""Folders as Hugging Face's AudioFolder has them: metadata.csv in the place of a manifest.

By https://huggingface.co/docs/datasets/audio_dataset, `file_name` is a path relative to the table's own folder. There
is one table in the folder itself, or one in each of its sub-folders, down to data/train/metadata.csv. Folders that are
called train, validation or test, or by one of their synonyms, are splits.
"""

from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pandas as pd

from earmark.data import text_table
from earmark.data.manifest import FILES, read_csv, with_splits
from earmark.data.names import Paths
from earmark.data.splits import EITHER, PLAIN
from earmark.data.walking import is_foreign, some, walk
from earmark.errors import EarmarkError

Warn = Callable[[str], None]
GroupOf = Callable[[PurePosixPath, str], str]
NAME, FILE = "metadata.csv", "file_name"
UNREAD = ("metadata.jsonl", "metadata.parquet")
DEPTHS = ("", "*/", "*/*/")
SPLIT_OF = PLAIN | dict.fromkeys(EITHER, "test")  # an evaluation set is a test set to AudioFolder
KEPT = ("path", "label", "lab", "group", "split", "key", "key_lab", "utterance")
EACH_ALONE = (
    "every file counts as a group of its own. If several files come from one source (an artist, an album, a "
    "take), the score will be too good"
)


def _by_itself(path: PurePosixPath, label: str) -> str:
    return path.as_posix()


def read(
    root: Path,
    truth: tuple[str, ...],
    warn: Warn,
    ungrouped: str = EACH_ALONE,
    group_of: GroupOf = _by_itself,
    manifest: str = "manifest.csv",
) -> pd.DataFrame | None:
    """The recordings of the tables below `root`, as a manifest has them; None where there is no table, or a `manifest`.

    truth: what the column that says what is true may be called, the plainest name first; the manifest has the last.
    Without a column `group` the groups are those of `group_of` (path, truth), and `ungrouped` says so. Of the other
    columns those that a manifest knows are kept. The index says where a row stands, as in 'train/metadata.csv, line 3'.
    Raises EarmarkError naming the table and the line.
    """
    tables = _named(root, NAME)
    if (root / manifest).exists():
        if tables:
            warn(f"{root} has {manifest} and {some(tables)}: {manifest} is read, and no other table.")
        return None
    if not (tables := [table for table in tables if _has_files(root / table, warn)]):
        _tell_unread(root, warn)
        return None
    parts = [_part(root, table, truth, warn) for table in tables]
    if alone := [table for table, part in zip(tables, parts, strict=True) if "group" not in part]:
        have = "has" if len(alone) == 1 else "have"
        warn(f"{root}: {some(alone)} {have} no column 'group': {ungrouped}; add a column 'group'.")
    table = pd.concat([_grouped(part, truth[-1], group_of) for part in parts])
    _refuse_repeated(root, table)
    walk(root).tell_unlisted(table.path, NAME, warn)
    return _with_folders(root, table.fillna(""), warn)


def _named(root: Path, name: str) -> list[PurePosixPath]:
    """Files of a name in the folder and, two deep, in its sub-folders; relative to it, sorted."""
    found = (path.relative_to(root) for depth in DEPTHS for path in root.glob(depth + name))
    return sorted(PurePosixPath(path) for path in found if not any(map(is_foreign, path.parts)))


def _has_files(path: Path, warn: Warn) -> bool:
    """Whether a table names files as AudioFolder's does; there are others of that name, and `warn` says so."""
    named = FILE in text_table.columns(path, (FILE,))
    if not named:
        warn(f"{path} has no column '{FILE}', so it is not an AudioFolder table and is not read.")
    return named


def _tell_unread(root: Path, warn: Warn) -> None:
    if tables := [table for name in UNREAD for table in _named(root, name)]:
        kind, rest = ("json", ", lines=True") if tables[0].suffix == ".jsonl" else ("parquet", "")
        convert = f"pd.read_{kind}('{tables[0].name}'{rest}).to_csv('{NAME}', index=False)"
        make = f'make {NAME} in the same folder: python -c "import pandas as pd; {convert}"'
        warn(f"{root}: {some(tables)} cannot be read; {make}.")


def _part(root: Path, said: PurePosixPath, truth: tuple[str, ...], warn: Warn) -> pd.DataFrame:
    """One table with `path` and the last name of `truth`, by place; paths are below the root."""
    path = root / said
    columns = text_table.columns(path, (FILE,))
    own = next((name for name in truth if name in columns), truth[-1])
    table = read_csv(path, (FILE, own, *(name for name in ("group",) if name in columns)))
    if others := [name for name in truth if name in table and name != own]:
        warn(f"{path} has the columns {own} and {some(others)}: {own} is read.")
    table = table.drop(columns=["path", *others], errors="ignore").rename(columns={FILE: "path", own: truth[-1]})
    table = with_splits(table, path, warn)
    table = _below(root, said.parent, table[[name for name in KEPT if name in table]])
    return table.set_axis([f"{said}, line {line}" for line in table.index])


def _grouped(table: pd.DataFrame, truth: str, group_of: GroupOf) -> pd.DataFrame:
    if "group" in table:
        return table
    pairs = zip(table.path, table[truth], strict=True)
    return table.assign(group=[group_of(PurePosixPath(path), one) for path, one in pairs])


def _below(root: Path, folder: PurePosixPath, table: pd.DataFrame) -> pd.DataFrame:
    """The table with its files as they lie below the root; one outside stays, for `manifest.below` to refuse."""
    paths, table = Paths(root), table.copy()
    for column in FILES:
        if column in table:
            names = [name and str(folder / name) for name in table[column]]
            table[column] = [name and (paths.below(name) or name) for name in names]
    return table


def _refuse_repeated(root: Path, table: pd.DataFrame) -> None:
    repeated = table.path[table.path.duplicated()]
    if len(repeated):
        first, again = table.index[table.path == repeated.iloc[0]][:2]
        raise EarmarkError(
            f"{root / again}: '{repeated.iloc[0]}' is already listed in {first}; keep one row per recording."
        )


def _with_folders(root: Path, table: pd.DataFrame, warn: Warn) -> pd.DataFrame:
    """The table with the splits that its folders are, where it has no `split` of its own."""
    if "split" in table:
        return table
    named = table.path.map(lambda path: _split_of(PurePosixPath(path)))
    present = sorted(set(named) - {""})
    if not {"train", "test"} <= set(present):
        if present:
            warn(
                f"{root}: the folders of {' and '.join(present)} do not form a split without both train and "
                "test, and are ignored."
            )
        return table
    if (named == "").any():
        where = named.index[named == ""][0]
        raise EarmarkError(
            f"{root / where}: '{table.path[where]}' is not in the folder of a split, as others are (train, "
            "validation, test); move it into one, or write a column split into every table."
        )
    return table.assign(split=named)


def _split_of(path: PurePosixPath) -> str:
    """train, val or test, by the first folder that is called so; '' without one."""
    return next((SPLIT_OF[name.casefold()] for name in path.parts[:-1] if name.casefold() in SPLIT_OF), "")
