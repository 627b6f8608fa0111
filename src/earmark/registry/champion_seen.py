"""The champion in a SQLite store, seen in milliseconds: importing MLflow takes seconds, an answer often less."""

import os
import re
import sqlite3
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from earmark import paths
from earmark.registry.glance import TIMEOUT_S, UnseenError, local


def champion(address: str, model: str) -> tuple[str, Path] | None:
    """Version and model folder of a registered model's champion; None where it has none.

    Raises UnseenError where MLflow must be asked: of a store that is no SQLite file or of another schema than the
    installed MLflow's, a version that was deleted, and files that are not there, or not in the project's folder.
    """
    file = paths.sqlite_file(address)
    if file is None or os.environ.get("MLFLOW_WORKSPACE"):
        raise UnseenError
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True, timeout=TIMEOUT_S)) as store:
            _check_schema(store)
            rows = store.execute(
                "SELECT a.workspace, a.version, v.current_stage, coalesce(v.storage_location, v.source) "
                "FROM registered_model_aliases a "
                "LEFT JOIN model_versions v ON v.name = a.name AND v.version = a.version AND v.workspace = a.workspace "
                "WHERE a.name = ? AND a.alias = 'champion'",
                (model,),
            ).fetchall()
    except (sqlite3.Error, ValueError):
        raise UnseenError from None
    if len(rows) > 1 or any(workspace != "default" for workspace, *_ in rows):
        raise UnseenError
    return next(((str(number), _folder(file, *where)) for _, number, *where in rows), None)


def _check_schema(store: sqlite3.Connection) -> None:
    """Hold the store's schema against the last one that the installed MLflow knows, by its migrations' files."""
    ((number,),) = store.execute("SELECT version_num FROM alembic_version").fetchall()
    mlflow = find_spec("mlflow")
    folder = Path(mlflow.origin).parent / "store/db_migrations/versions" if mlflow and mlflow.origin else Path()
    steps = [path.read_text(encoding="utf-8") for path in folder.glob("*.py")]
    known, followed = (
        any(re.search(rf"^{name} = .{number}.", s, re.M) for s in steps) for name in ("revision", "down_revision")
    )
    if not known or followed:
        raise UnseenError


def _folder(file: Path, stage: str | None, place: str | None) -> Path:
    """The model folder among a version's files."""
    files = Path(local(place))
    root = paths.project()
    own = root is not None and (root / "mlflow.db").exists() and file.samefile(root / "mlflow.db")
    moved = own and not files.is_relative_to(str(root))
    found = [path.parent for path in sorted((files / "artifacts").glob("*/config.json"))]
    if stage in (None, "Deleted_Internal") or moved or not found:
        raise UnseenError
    return found[0]
