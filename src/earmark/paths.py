"""Where things lie: stage outputs in the working tree, shared state in the main repository."""

import os
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, unquote

from earmark.errors import EarmarkError


def main_repository() -> Path:
    """The project's folder, also from inside DVC's temporary experiments (DVC tells it as DVC_ROOT)."""
    found = project()
    if found is None:
        raise EarmarkError(f"{_start()} is not inside an earmark project; change to the folder that holds params.yaml.")
    return found


def project() -> Path | None:
    """`main_repository`, or None outside every project."""
    start = _start()
    return next((f for f in (start, *start.parents) if (f / "params.yaml").exists()), None)


def tracking_address() -> str | None:
    """MLFLOW_TRACKING_URI without the blanks around it; None where it is unset or blank."""
    return os.environ.get("MLFLOW_TRACKING_URI", "").strip() or None


def tracking_store() -> str | None:
    """Address of the tracking store, or None where there is none yet.

    Asking it here spares those who have none the seconds that importing MLflow takes.
    """
    if address := tracking_address():
        return address
    root = project()
    return sqlite_address(root / "mlflow.db") if root and (root / "mlflow.db").exists() else None


def sqlite_address(file: Path) -> str:
    """The address of a SQLite file, as SQLAlchemy reads it: `%` and `?` quoted.

    MLflow makes the folders of an address that begins with `sqlite:///` and takes them as they are written, quotes
    included; the driver's name in the address keeps it from that.
    """
    path, quoted = str(file.absolute()), quote(str(file.absolute()), safe="/")
    plain = unquote(path) == path and "?" not in path
    return f"sqlite:///{path}" if plain else f"sqlite+pysqlite:///{quoted}"


def sqlite_file(address: str) -> Path | None:
    """The file that an address names; None for a store that is no SQLite file."""
    scheme, _, rest = address.partition(":///")
    path = unquote(rest.partition("?")[0])
    return Path(path).absolute() if scheme in ("sqlite", "sqlite+pysqlite") and path not in ("", ":memory:") else None


def _start() -> Path:
    return Path(os.environ.get("DVC_ROOT") or Path.cwd())


def audio_root(root: str) -> Path:
    """An audio folder: relative to the working tree (where DVC puts generated audio), else to the main repository.

    `~` is the user's own folder where no folder here is called so; DVC takes it for a name always.
    """
    here = Path(root)
    if root.startswith("~") and not here.exists():
        with suppress(RuntimeError):  # there is no such user
            here = here.expanduser()
    return here if here.is_absolute() or here.exists() else main_repository() / root


def state() -> Path:
    """Checkpoints, locks and caches that are nobody's output: `.earmark/` in the main repository."""
    return main_repository() / ".earmark"


def checkpoint(train_key: str) -> Path:
    """The checkpoint of a training, by its train key."""
    return state() / "checkpoints" / train_key / "state.pt"


def lock(name: str) -> Path:
    """A lock file by name; its folder exists."""
    path = state() / "locks" / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
