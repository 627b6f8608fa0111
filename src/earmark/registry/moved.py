"""The project's own tracking store follows the project's folder: MLflow keeps absolute places of artifacts.

An experiment's tag earmark.project names the folder that its places lie in. Where the project lies elsewhere now,
because it was moved or copied, everything below the former folder is set to the present one; places elsewhere, which
a user chose, stay.
"""

import os
import platform
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import unquote, urlparse

from earmark.errors import EarmarkError
from earmark.registry.stale import owner_of

PROJECT = "earmark.project"
PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def follow(file: Path, root: Path, names: Iterable[str], say: Callable[[str], None]) -> None:
    """Set the places in the project's database `file` to the project's folder `root`; files that lie in the former
    folder alone are copied. One process at a time.

    names: of the experiments that are the project's. Raises EarmarkError where the database cannot be written.
    """
    database = sqlite3.connect(file, timeout=20, isolation_level=None)
    try:
        if not (former := _former(database, root, names)):
            return
        try:
            said = [_sentence(file, folder, root, _fetch(database, folder, root)) for folder in former]
            _rewrite_all(database, former, root, names)
        except (sqlite3.OperationalError, OSError) as e:
            raise EarmarkError(
                f"{file} still says that the project is in {former[0]}, and could not be updated ({e}); make the "
                "file and its folder writable, and run the command again."
            ) from None
        for sentence in said:
            say(sentence)
    finally:
        database.close()


def _sentence(file: Path, former: Path, root: Path, fetched: int) -> str:
    copied = f" Folders copied, of files that existed only there: {fetched}." if fetched else ""
    return f"This project used to be in {former}: {file.name} now has its models and files below {root}.{copied}"


def _former(database: sqlite3.Connection, root: Path, names: Iterable[str]) -> list[Path]:
    """The folders that the project's experiments lie in, but for the present one."""
    folders = [_folder(database, *row) for row in _experiments(database, names)]
    found = dict.fromkeys(f for f in folders if f and not _same(f, root))
    return list(found)


def _experiments(database: sqlite3.Connection, names: Iterable[str]) -> list[tuple[str, str, str | None]]:
    """(id, artifact location, folder that its tag names) of the project's experiments, renamed ones among them."""
    rows = database.execute(
        "SELECT experiments.experiment_id, artifact_location, value FROM experiments LEFT JOIN experiment_tags ON "
        "experiments.experiment_id = experiment_tags.experiment_id AND key = ?",
        (PROJECT,),
    ).fetchall()
    ends = tuple(f"/mlartifacts/{name}" for name in names)
    return [row for row in rows if row[2] or str(row[1] or "").endswith(ends)]


def _folder(database: sqlite3.Connection, experiment: str, location: str, tagged: str | None) -> Path | None:
    """The project's folder of an experiment; None where its place is one that a user chose."""
    folder = Path(_path(location)).parent.parent
    if tagged:
        return Path(tagged)
    owners = database.execute(
        "SELECT DISTINCT value FROM tags JOIN runs ON tags.run_uuid = runs.run_uuid "
        "WHERE key = 'earmark.owner' AND experiment_id = ?",
        (experiment,),
    )
    known = {Path(owner.partition(":")[2]) for (owner,) in owners if ":" in owner}  # of earlier releases
    was_project = folder in known if known else not folder.exists() or (folder / "params.yaml").exists()
    return folder if was_project else None


def _path(location: str) -> str:
    return unquote(urlparse(location).path) if location.startswith("file:") else location


def _same(one: Path, other: Path) -> bool:
    """Whether two names are of one folder, as through a link or a mount."""
    try:
        return one == other or os.path.samefile(one, other)
    except OSError:
        return False


def _places(database: sqlite3.Connection, former: Path) -> list[str]:
    """The places of runs and models below a folder."""
    found: dict[str, None] = {}
    for table, column in PLACES[1:]:  # not of experiments, which hold those of others too
        for start in (f"{former.as_uri()}/", f"{former}/"):
            query = f"SELECT {column} FROM {table} WHERE substr({column}, 1, ?) = ?"
            found |= dict.fromkeys(place for (place,) in database.execute(query, (len(start), start)))
    return list(found)


def _fetch(database: sqlite3.Connection, former: Path, root: Path) -> int:
    """Copy the files of runs and models that lie in the former folder alone, and count them.

    There are such, because earlier releases went on writing there from a copy.
    """
    fetched = 0
    for source in sorted(Path(_path(place)) for place in _places(database, former)):
        target = root / source.relative_to(former)
        if source.is_dir() and not target.exists():
            beside = target.with_name(f"{target.name}.partial")
            shutil.rmtree(beside, ignore_errors=True)
            shutil.copytree(source, beside)
            beside.rename(target)
            fetched += 1
    return fetched


def _rewrite_all(database: sqlite3.Connection, former: list[Path], root: Path, names: Iterable[str]) -> None:
    database.execute("BEGIN IMMEDIATE")
    try:
        for folder in former:
            _rewrite(database, folder, root)
        _tag(database, root, names)
        database.execute("COMMIT")
    except BaseException:
        database.execute("ROLLBACK")
        raise


def _rewrite(database: sqlite3.Connection, former: Path, root: Path) -> None:
    for table, column in PLACES:
        for start, now in ((f"{former.as_uri()}/", f"{root.as_uri()}/"), (f"{former}/", f"{root}/")):
            query = f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?"
            database.execute(query, (now, len(start) + 1, len(start), start))
    if not (former / "mlflow.db").exists():  # moved: what was running there is this project's own
        node, now = platform.node(), owner_of(platform.node(), root)
        query = "UPDATE tags SET value = ? WHERE key = 'earmark.owner' AND value IN (?, ?)"
        database.execute(query, (now, owner_of(node, former), f"{node}:{former}"))


def _tag(database: sqlite3.Connection, root: Path, names: Iterable[str]) -> None:
    for experiment, location, _ in _experiments(database, names):
        if _path(location).startswith(f"{root}/"):
            query = "INSERT OR REPLACE INTO experiment_tags (key, value, experiment_id) VALUES (?, ?, ?)"
            database.execute(query, (PROJECT, str(root), experiment))
