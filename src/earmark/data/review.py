"""A review applied: labels that people corrected while they listened become a new manifest beside the old one."""

import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import pandas as pd

from earmark.data import reading, text_table
from earmark.data.corpus import Corpora
from earmark.data.correction import MADE, Correction, ReviewedMark
from earmark.data.manifest import below, inside
from earmark.data.marks import Mark
from earmark.data.names import Paths
from earmark.data.settings import DataSettings
from earmark.data.walking import counted, some
from earmark.errors import EarmarkError, writing

COLUMNS = ("review", "reviewed_by", "reviewed_at", "reviewed_from")  # status, who, when, the former label
GENERATED = (
    "The demo's recordings are generated, and their labels with them; copy the folder, and name the copy with `earmark "
    "use`."
)
WEIGHTY = ("corrected", "wrong", "doubtful")  # of several marks of one recording the first counts as its status

Corrections = Mapping[str, Correction]


@dataclass(frozen=True)
class AppliedReview:
    """manifest: the new one's name, in the audio's folder. said: sentences on what was done."""

    manifest: str
    said: list[str]


def fingerprint(corpora: Corpora, data: DataSettings, root: Path) -> str:
    """sha256 of what a source's table says, in order of path: path, label or the .lab's content, group and split.

    It is what `Mark.manifest_sha256` holds. No audio is read, and what a reader warns of is `prepare`'s to say. Raises
    EarmarkError where the source cannot be read.
    """
    return _fingerprint(corpora, reading.list_recordings(corpora, data, root, _silent), root)


def apply(
    corpora: Corpora,
    data: DataSettings,
    root: Path,
    marks: Iterable[Mark],
    origin: Path,
    tried: Callable[[DataSettings], object] = lambda asked: None,
) -> AppliedReview:
    """Write a new manifest with the labels that a review corrected, and .lab files that it needs, beside the old ones.

    Rows, fields and their order stay, but for the labels of marks that are `corrected`, recordings whose label is
    `wrong`, which are left out (a segment becomes X), and COLUMNS, behind what former reviews say there. origin: the
    review's file, for sentences. tried: uses the new manifest before it counts, by its settings. Raises EarmarkError,
    with nothing written, where a mark does not fit the source as it is now, or `tried` refuses what comes of it.
    """
    if data.source == "demo":
        raise EarmarkError(GENERATED)
    table = reading.list_recordings(corpora, data, root, _silent)
    said = _by_path(root, marks, origin)
    _refuse_others(said, table, _fingerprint(corpora, table, root), origin)
    rows = table.set_index("path", drop=False)
    done = {path: corpora.correct(root, rows.loc[path], of) for path, of in said.items()}
    corpora.check_corrected(data, root, _corrected(table, done))
    with ExitStack() as undone:
        named = _new_labs(root, rows, done, undone)
        name = _new_manifest(data, root, table, said, named, undone)
        _try(tried, replace(data, source="folder", manifest=name))
        undone.pop_all()  # all is written, and stays
    return AppliedReview(name, _sentences(root, name, table, said, named))


def _try(tried: Callable[[DataSettings], object], asked: DataSettings) -> None:
    try:
        tried(asked)
    except EarmarkError as e:
        raise EarmarkError(
            f"The review was not applied, because the corrected manifest could not be used: {e}"
        ) from None


def _silent(sentence: str) -> None:
    """What a reader warns of is `prepare`'s to say."""


def _fingerprint(corpora: Corpora, table: pd.DataFrame, root: Path) -> str:
    said = table[["path", "group"]].assign(label=_truth(corpora, table, root), split=table.get("split", ""))
    text = said.sort_values("path")[["path", "label", "group", "split"]].to_csv(index=False, lineterminator="\n")
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def _truth(corpora: Corpora, table: pd.DataFrame, root: Path) -> list[str]:
    """Of every row its label, or the hash of the file that holds it; '' where that cannot be read."""
    if corpora.annotation != "lab":
        return list(table.label)
    files = [inside(root, lab, where) for where, lab in table.lab.items()]
    return [hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "" for file in files]


def _by_path(root: Path, marks: Iterable[Mark], origin: Path) -> dict[str, list[ReviewedMark]]:
    """The marks that say something, by the recording's path as the source's table has it."""
    found: dict[str, list[ReviewedMark]] = {}
    paths = Paths(root)
    for row, mark in enumerate(marks, 1):
        if mark.status:
            at = "" if mark.start_s is None else f" at {mark.start_s:g} s"
            where = f"{origin}, row {row} ('{mark.path}'{at})"
            path = below(root, mark.path, f"{origin.absolute()}, row {row}", paths)
            found.setdefault(path, []).append(ReviewedMark(where, mark))
    if not found:
        raise EarmarkError(f"{origin} has no marks yet; write wrong, corrected or doubtful into the column status.")
    return found


def _refuse_others(said: Mapping[str, list[ReviewedMark]], table: pd.DataFrame, now: str, origin: Path) -> None:
    """Refuse marks of another state of the source, and of recordings that it does not list."""
    every = [(path, one) for path, of in said.items() for one in of]
    for _, one in every:
        if one.mark.manifest_sha256 != now:
            raise EarmarkError(
                f"{one.where}: the manifest has changed since this review was written; write a new one with "
                "`earmark review TASK --out`."
            )
    listed = set(table.path)
    for path, one in every:
        if path not in listed:
            raise EarmarkError(f"{one.where}: the manifest lists no such recording; remove that row of {origin.name}.")


def _corrected(table: pd.DataFrame, done: Corrections) -> pd.DataFrame:
    """The source's table as it is to be, but for the names of new files."""
    table = table[[not (path in done and done[path].left_out) for path in table.path]].copy()
    for column in sorted({column for one in done.values() for column in one.fields}):
        new = {path: one.fields[column] for path, one in done.items() if column in one.fields}
        table[column] = [new.get(path, old) for path, old in zip(table.path, table[column], strict=True)]
    return table


def _new_labs(root: Path, rows: pd.DataFrame, done: Corrections, undone: ExitStack) -> dict[str, Correction]:
    """The corrections with new .lab files written, and named in their fields. undone: takes them away again."""
    named = dict(done)
    for path, one in done.items():
        for column, content in one.files.items():
            old = root / rows.loc[path, column]
            new = _beside(old.with_suffix(".lab"), content, undone).relative_to(root).as_posix()
            named[path] = replace(named[path], fields={**named[path].fields, column: new})
    return named


def _beside(old: Path, content: bytes, undone: ExitStack) -> Path:
    """A new file called as an old one, with .reviewed- and the first number that is free; never over another."""
    stem = MADE.sub("", old.stem)
    for number in count(1):
        new = old.with_name(f"{stem}.reviewed-{number}{old.suffix}")
        with writing(new, "make that folder writable, or copy it and name the copy with `earmark use`"):
            try:
                file = new.open("xb")
            except FileExistsError:
                continue
            undone.callback(new.unlink)
            with file:
                file.write(content)
            return new
    raise AssertionError("numbers do not end")


def _new_manifest(
    data: DataSettings,
    root: Path,
    table: pd.DataFrame,
    said: Mapping[str, list[ReviewedMark]],
    done: Corrections,
    undone: ExitStack,
) -> str:
    """The name of the new manifest: the rows of the old one, or of the reader's table where there is none."""
    columns, rows = _rows(data, root, table)
    _refuse_own(root / data.manifest, columns)
    columns += [name for name in COLUMNS if name not in columns]
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(columns)
    for path, fields in rows:
        if path not in done:
            lines.writerow([fields.get(name, "") for name in columns])
        elif not done[path].left_out:
            new = {**fields, **done[path].fields, **_note(said[path], done[path], fields)}
            lines.writerow([new.get(name, "") for name in columns])
    return _beside(root / data.manifest, _encoded(text.getvalue()), undone).name


def _rows(data: DataSettings, root: Path, table: pd.DataFrame) -> tuple[list[str], list[tuple[str, dict[str, str]]]]:
    """The columns of the table to edit, and its rows as text, each with its path as the reader has it."""
    there = root / data.manifest
    if data.source != "folder" or not there.exists():
        return list(table.columns), [(row["path"], _plain(row)) for row in table.fillna("").to_dict("records")]
    columns, lines = text_table.read(there, ("path", "group"))
    paths, rows = Paths(root), [dict(zip(columns, fields, strict=True)) for fields in lines.values()]
    return columns, [(paths.below(row["path"]) or row["path"], row) for row in rows]


def _plain(row: dict[str, str]) -> dict[str, str]:
    """A row, unless a table cannot hold it."""
    for value in row.values():
        if value != value.strip():
            raise EarmarkError(f"'{value}' begins or ends with a blank, which a manifest cannot hold; rename it.")
    return row


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as e:
        line = text[: e.start].rpartition("\n")[2] + text[e.start :].partition("\n")[0]
        raise EarmarkError(
            f"{line.encode(errors='replace').decode()}: a name is not UTF-8; rename that file."
        ) from None


def _refuse_own(path: Path, columns: list[str]) -> None:
    """Refuse columns that are called as a review's and are something else."""
    there = [name for name in COLUMNS if name in columns]
    if there and len(there) < len(COLUMNS):
        raise EarmarkError(f"{path} has a column '{there[0]}' of its own, where reviews write theirs; rename it.")


def _note(said: list[ReviewedMark], done: Correction, fields: Mapping[str, str]) -> dict[str, str]:
    """COLUMNS of a row: of several marks the weightiest status, everybody, and the last time, each behind what it has.

    What a former review said stays, or nobody could tell any more what the label was at first.
    """
    marks = [one.mark for one in said]
    status = min((mark.status for mark in marks), key=WEIGHTY.index)
    who = "; ".join(dict.fromkeys(mark.by for mark in marks if mark.by))
    new = dict(zip(COLUMNS, (status, who, max(mark.at for mark in marks), done.former), strict=True))
    return {name: "; ".join(filter(None, (fields.get(name), text))) for name, text in new.items()}


def _sentences(
    root: Path, name: str, table: pd.DataFrame, said: Mapping[str, list[ReviewedMark]], done: Corrections
) -> list[str]:
    """What was done, for people."""
    kept = [one.mark for path, of in said.items() if not done[path].left_out for one in of]
    counts = (
        (sum(mark.status == "corrected" for mark in kept), "label", "corrected"),
        (sum(mark.status == "wrong" for mark in kept), "segment", "set to X, which is not scored"),
        (sum(one.left_out for one in done.values()), "recording", "left out, as the label is wrong"),
        (sum(mark.status == "doubtful" for mark in kept), "label", "doubtful, and unchanged"),
    )
    parts = "; ".join(f"{counted(n, noun)} {what}" for n, noun, what in counts if n)
    rest = f"unchanged, for lack of a mark: {counted(len(table) - len(done), 'recording')}"
    return [f"{root / name} is the new manifest: {parts}; {rest}.", *_of_new_labels(table, done)]


def _of_new_labels(table: pd.DataFrame, done: Corrections) -> list[str]:
    """A sentence on labels that nothing had before, which may be misspelt."""
    words = {one.fields["label"] for one in done.values() if "label" in one.fields}
    new = sorted(words - set(table.get("label", ())))
    return [f"Labels that no recording had before: {some(new)}."] if new else []
