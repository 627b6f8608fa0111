"""What is wrong with a tracking store, and what can be done: one sentence, without the password in its address."""

import re
import shlex
import sqlite3
from pathlib import Path
from urllib.parse import unquote

from earmark import paths
from earmark.errors import EarmarkError

# What a database's driver is called where it is installed from, by the module that SQLAlchemy misses.
DRIVERS = {
    "psycopg2": "psycopg2-binary",
    "psycopg": "psycopg[binary]",
    "MySQLdb": "mysqlclient",
    "pymysql": "pymysql",
    "pyodbc": "pyodbc",
}
NO_SUCH_HOST = ("name or service not known", "name resolution", "failed to resolve", "getaddrinfo", "translate host")
WAIT_S = 10.0  # for another process that is writing


def error_of(error: BaseException, address: str) -> EarmarkError | None:
    """The sentence about an error that comes from a tracking store; None for any other error."""
    theirs = ("mlflow", "sqlalchemy", "sqlite3", "requests", "urllib3", "alembic")
    if not any(kind.__module__.split(".")[0] in theirs for kind in type(error).__mro__):
        return None
    return unreachable(error, address)


def unreachable(error: BaseException, address: str) -> EarmarkError:
    """The sentence about a store that cannot be used; a problem of a SQLite file is told with its own remedy."""
    file, text = paths.sqlite_file(address), str(error)
    if said := file and file_sentence(file, text):
        return EarmarkError(said)
    if schema := re.search(r"out-of-date database schema \(found version (\w+)", text):
        return EarmarkError(schema_sentence(address, schema[1]))
    if isinstance(error, ModuleNotFoundError):
        return EarmarkError(_of_driver(error.name or "", address))
    if "nsupported URI" in text or "Invalid database engine" in text or "Invalid database URI" in text:
        return EarmarkError(_of_scheme(address))
    if "filesystem tracking backend" in text:
        return EarmarkError(
            f"MLFLOW_TRACKING_URI names the folder {public_address(address)}, which MLflow no longer accepts as a "
            "store; write sqlite:///FILE, or unset it."
        )
    if known := _known_reason(text):
        return EarmarkError(f"The tracking store {public_address(address)} cannot be reached ({known[0]}); {known[1]}.")
    move = "put a backup in its place, or move it away and run `dvc repro`"
    remedy = move if file else "check the address in MLFLOW_TRACKING_URI, or unset it"
    return EarmarkError(
        f"The tracking store {public_address(address)} cannot be used ({_clean(text, address)}); {remedy}."
    )


def public_address(address: str) -> str:
    """An address for people: user, password and parameters are left out."""
    if paths.sqlite_file(address):
        return address
    head, _, parameters = address.partition("?")
    return re.sub(r"//.*@", "//***@", head, flags=re.DOTALL) + ("?***" if parameters else "")


def _known_reason(text: str) -> tuple[str, str] | None:
    """Why a store is not reached, and the remedy; None where the error says something else."""
    low, other = text.lower(), "or unset MLFLOW_TRACKING_URI"
    if "refused" in low:
        return "it refuses the connection", f"start it {other}"
    if any(words in low for words in NO_SUCH_HOST):
        return "no host of that name is known", f"check the name in MLFLOW_TRACKING_URI, {other}"
    if "timed out" in low or "timeout" in low:
        return "it does not answer in time", f"start it {other}"
    if "error code 401" in low or "error code 403" in low or "password authentication" in low:
        return "it refuses these credentials", "give the user name and password that it requires"
    return None


def _clean(text: str, address: str) -> str:
    """The first line of an error, without what its address keeps secret."""
    line = text.replace(address, public_address(address)).split("\n")[0]
    secret = re.search(r"//(.*)@", address, re.DOTALL)
    for word in (secret[1].partition(":")[2], unquote(secret[1].partition(":")[2])) if secret else ():
        line = line.replace(word, "***") if word else line
    return re.sub(r"//[^/@\s]*@", "//***@", line).rstrip(".")[:160]


def _of_driver(module: str, address: str) -> str:
    package = DRIVERS.get(module, module)
    return (
        f"The tracking store {public_address(address)} needs the database driver {module}, which is not "
        f"installed; install it with `pip install {shlex.quote(package)}`, or unset MLFLOW_TRACKING_URI."
    )


def _of_scheme(address: str) -> str:
    scheme = address.partition(":")[0]
    return (
        f"MLFLOW_TRACKING_URI names a store of the kind '{scheme}', which MLflow does not know; write it as "
        "http://HOST:PORT, sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME, or unset it."
    )


def schema_sentence(address: str, found: str) -> str:
    """A database that another MLflow made."""
    from mlflow.version import VERSION

    file = paths.sqlite_file(address)
    name = str(file) if file else f"The tracking store {public_address(address)}"
    if found not in revisions():
        return (
            f"{name} was written by a newer MLflow than the installed {VERSION} (its schema {found} is not known "
            "here); install the newer one, or set MLFLOW_TRACKING_URI to another store."
        )
    copy = f"`cp {shlex.quote(str(file))} {shlex.quote(f'{file}.backup')}`" if file else "your database's own means"
    target = shlex.quote(address) if file else public_address(address)
    return (
        f"{name} was written by an older MLflow than the installed {VERSION}; make a copy of the store with {copy}, "
        f"then run `mlflow db upgrade {target}`."
    )


def revisions() -> list[str]:
    """The schemas that the installed MLflow knows, newest first."""
    import mlflow
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    place = Path(mlflow.__file__).parent / "store/db_migrations"
    config.set_main_option("script_location", str(place).replace("%", "%%"))
    return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]


def check_file(file: Path) -> None:
    """Raise EarmarkError where a SQLite file cannot be the store of the installed MLflow.

    MLflow would upgrade most older files without a word, and try those that are no database for minutes.
    """
    if not file.exists():
        return
    try:
        with sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=WAIT_S) as database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            found = database.execute("SELECT version_num FROM alembic_version").fetchone() if tables else None
        database.close()
    except sqlite3.Error as e:
        if "no such table: alembic_version" not in str(e):
            raise unreachable(e, paths.sqlite_address(file)) from None
        raise EarmarkError(
            f"{file} is a database, but not MLflow's; move it away, or set MLFLOW_TRACKING_URI."
        ) from None
    if found and found[0] != revisions()[0]:
        raise EarmarkError(schema_sentence(paths.sqlite_address(file), found[0]))


def file_sentence(file: Path, text: str) -> str | None:
    """The sentence about a SQLite file that cannot be used, by the error's text; None for any other text."""
    if file.is_dir():
        return f"{file} is a folder, and the tracking store must be a file; move the folder away."
    if "file is not a database" in text:
        return f"{file} is not a database; move it away, and `dvc repro` makes a new one from the project's files."
    if "malformed" in text:
        return (
            f"{file} is damaged ({text.splitlines()[0]}); put a backup in its place, or move it away and run `dvc "
            "repro`."
        )
    if "database is locked" in text:
        return (
            f"{file} is locked by another process; wait until that process ends, or end it, and run the command again."
        )
    if "readonly database" in text or "read-only" in text.lower():
        return f"{file} cannot be written; make the file and its folder writable for you (`chmod u+w`)."
    if "unable to open database file" in text or "Permission denied" in text:
        return f"{file} cannot be opened; make the file and its folder readable and writable for you."
    if "disk is full" in text or "No space left" in text:
        return f"{file} cannot be written, because the disk is full; make room, and run the command again."
    return None
