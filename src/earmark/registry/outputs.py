"""DVC's view of a version's files: their hashes as DVC computes them, and the files back out of its cache.

A file's hash is the MD5 of its bytes, a folder's the MD5 of a JSON list of its files and theirs, with `.dir` behind it
(`dvc_data.hashfile.tree.Tree`).
"""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from earmark import paths
from earmark.errors import EarmarkError

if TYPE_CHECKING:
    from dvc_data.hashfile.db import HashFileDB

METRICS = "metrics.json"  # in git, and not in DVC's cache


class GoneError(EarmarkError):
    """Neither DVC's cache nor a remote has a file."""


def hashes(task: str, data: Path, model: Path, reports: Path, names: Iterable[str]) -> dict[str, str]:
    """DVC's hashes of what a version needs to be published again, by the path in the project. names: of the reports."""
    named = {f"data/{task}": data, f"models/{task}": model}
    named |= {f"reports/{task}/{name}": reports / name for name in names if (reports / name).exists()}
    return {name: md5(path) for name, path in named.items()}


def md5(path: Path) -> str:
    """DVC's hash of a file or a folder."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "md5").hexdigest()
    inner = sorted((p.relative_to(path).as_posix(), p) for p in path.rglob("*") if p.is_file())
    listed = [{"md5": md5(p), "relpath": name} for name, p in inner if "__pycache__" not in p.parts]
    return f"{hashlib.md5(json.dumps(listed, sort_keys=True).encode(), usedforsecurity=False).hexdigest()}.dir"


def restore(dvc: Mapping[str, str], into: Path) -> None:
    """Write the files with these hashes below a folder, from DVC's cache, what it lacks from the default remote.

    metrics.json comes from the working tree or git's history. Raises GoneError, which names the first that is nowhere.
    """
    objects = {name: value for name, value in dvc.items() if PurePosixPath(name).name != METRICS}
    cache, repo = _cache()
    for name, value in objects.items():
        _fetch(cache, repo, name, value)
        for inner, file in _files(cache, value):
            target = into / name / inner
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
    for name in dvc.keys() - objects.keys():
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(_from_git(name, dvc[name]))


def _cache() -> tuple["HashFileDB", Any]:
    """The project's cache, and the repository for its remotes. Raises GoneError where this is not a DVC project."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        repo = Repo(str(paths.main_repository()), uninitialized=False)
    except DvcException as e:
        raise GoneError(f"this is not a DVC project ({_first_line(e)})") from None
    return repo.cache.local, repo


def _files(cache: "HashFileDB", value: str) -> Iterable[tuple[str, str]]:
    """(path below the output, file in the cache) of an object that is there."""
    if not value.endswith(".dir"):
        return [("", cache.oid_to_path(value))]
    return [(_below(name), cache.oid_to_path(inner)) for inner, name in _inner(cache, value)]


def _inner(cache: "HashFileDB", value: str) -> list[tuple[str, str]]:
    """(hash, path below the folder) of the files of a folder whose list is there."""
    try:
        listed = json.loads(Path(cache.oid_to_path(value)).read_text())
        return [(part["md5"], part["relpath"]) for part in listed]
    except (ValueError, KeyError, TypeError):
        raise GoneError(f"the list of files {value} in DVC's cache is broken") from None


def _below(path: str) -> str:
    """A path that stays below its folder. Raises GoneError for another, which DVC never writes."""
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise GoneError(f"DVC's cache names a file outside of its folder ({path!r:.60})")
    return path


def _whole(cache: "HashFileDB", value: str) -> bool:
    own = Path(cache.oid_to_path(value))
    return own.is_file() and all(Path(file).is_file() for _, file in _files(cache, value))


def _fetch(cache: "HashFileDB", repo: Any, name: str, value: str) -> None:
    """Have an object in the cache, from the default remote where there is one. Raises GoneError."""
    if _whole(cache, value):
        return
    if not repo.config["core"].get("remote"):
        raise GoneError(f"DVC's cache lacks {name} ({value}), and the project has no default remote")
    reason = _pull(repo, [value])
    if value.endswith(".dir") and Path(cache.oid_to_path(value)).is_file():
        reason = _pull(repo, [inner for inner, _ in _inner(cache, value)])
    if not _whole(cache, value):
        raise GoneError(f"neither DVC's cache nor its remote has {name} ({value}){reason}")


def _pull(repo: Any, values: list[str]) -> str:
    """Have objects from the default remote, as far as it has them; what it answers otherwise, in brackets.

    DVC pulls a folder's list, and not the files that it names.
    """
    from dvc_data.hashfile.hash_info import HashInfo

    try:
        repo.cloud.pull([HashInfo("md5", value) for value in values])
    except Exception as e:  # each kind of remote has a library with errors of its own
        return f" ({_first_line(e)})"
    return ""


def _from_git(name: str, value: str) -> bytes:
    """A file that git keeps, as it was when it had this hash. Raises GoneError."""
    here = paths.main_repository() / name
    if here.is_file() and md5(here) == value:
        return here.read_bytes()
    for commit in _git("log", "--all", "--format=%H", "--", name).decode().split():
        content = _git("show", f"{commit}:./{name}")
        if hashlib.md5(content, usedforsecurity=False).hexdigest() == value:
            return content
    raise GoneError(f"no commit has {name} as it was then ({value})")


def commit_of(task: str, dvc: Mapping[str, str]) -> str | None:
    """The commit whose dvc.lock first had these model files; None where there is none."""
    value = dvc.get(f"models/{task}")
    found = _git("log", "--all", "--reverse", "--format=%H", f"-S{value}", "--", "dvc.lock") if value else b""
    return next(iter(found.decode().split()), None)


def at_commit(commit: str, name: str) -> bytes:
    """A file of the project at a commit; empty where it had none."""
    return _git("show", f"{commit}:./{name}")


def _git(*command: str) -> bytes:
    try:
        done = subprocess.run(["git", *command], capture_output=True, cwd=paths.main_repository())
    except OSError:
        return b""
    return done.stdout if done.returncode == 0 else b""


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")[:160]
