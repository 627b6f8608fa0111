"""The chords and keys of a manifest's songs: read from whatever format a corpus has, written as .lab files."""

import shutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pandas as pd

from earmark import console
from earmark.data import manifest
from earmark.errors import EarmarkError
from earmark.tasks.chord import annotations
from earmark.tasks.chord.notation import pop

NOTHING = {"chords": "", "keys": "", "key": "", "truth_sha256": ""}


def with_chords(
    table: pd.DataFrame, facts: pd.DataFrame, root: Path, warn: Callable[[str], None] = console.warn
) -> pd.DataFrame:
    """Facts of the audio files, with what each song's annotations say beside them.

    table: lab and perhaps key_lab, files below `root`, or key, the whole song's. facts: duration_s and reason, row by
    row; annotations that cannot be used become a reason, too. Adds chords and keys (text of .lab files), key (the main
    one) and truth_sha256. `warn` tells of names that are not in Harte's notation. Raises EarmarkError when a file lies
    outside of `root`.
    """
    converted = pop.Converted()
    rows = [_said(root, where, song, facts.loc[where], converted) for where, song in table.iterrows()]
    if sentence := pop.conversion_note(converted):
        warn(sentence)
    return facts.drop(columns="reason").join(pd.DataFrame(rows, index=table.index))


def _said(root: Path, where: int | str, song: pd.Series, fact: pd.Series, converted: pop.Converted) -> dict[str, str]:
    for name in filter(None, (song.lab, song.get("key_lab"))):
        manifest.inside(root, name, where)
    if fact.reason:
        return NOTHING | {"reason": fact.reason}
    key_file = root / song.key_lab if song.get("key_lab") else None
    try:
        said = annotations.truth(root / song.lab, key_file, song.get("key", ""), fact.duration_s, converted)
        return said | {"reason": ""}
    except EarmarkError as e:
        return NOTHING | {"reason": str(e).replace(f"{root}/", "").rstrip(".")}


def write(out: Path, table: pd.DataFrame) -> pd.DataFrame:
    """Write lab/<id>.lab and key/<id>.lab of every song below `out`.

    Returns the table with lab and key_lab (paths below `out`, '' without keys) instead of chords and keys.
    """
    paths = {}
    for folder, texts, column in (("lab", "chords", "lab"), ("key", "keys", "key_lab")):
        shutil.rmtree(out / folder, ignore_errors=True)
        (out / folder).mkdir()
        names = [f"{folder}/{i}.lab" for i in _ids(table.path)]
        paths[column] = [name if text else "" for name, text in zip(names, table[texts], strict=True)]
        for name, text in zip(paths[column], table[texts], strict=True):
            if name:
                (out / name).write_text(text, encoding="utf-8")
    return table.drop(columns=["chords", "keys"]).assign(**paths)


def _ids(paths: pd.Series) -> list[str]:
    """A file name for every recording: its stem; where another has it, too, with its folders; then with its suffix."""
    ids = paths.map(lambda p: PurePosixPath(p).stem)
    for longer in (lambda p: PurePosixPath(p).with_suffix("").as_posix(), str):
        clash = ids.str.casefold().duplicated(keep=False)
        ids = ids.where(~clash, paths.map(longer).str.replace("/", "-"))
    return list(ids)
