"""Which source files of earmark a module uses, found by reading its imports."""

import ast
import hashlib
from pathlib import Path

PACKAGE = Path(__file__).parent
# Parameters are what counts of these two, and DVC tracks those by themselves.
LEFT_OUT = {"earmark.config", "earmark.cli"}


def closure(*entries: str) -> list[Path]:
    """Source files that the named modules import, directly or not, with themselves; sorted."""
    seen: set[str] = set()
    waiting = list(entries)
    while waiting:
        name = waiting.pop()
        if name in seen or name in LEFT_OUT or _file(name) is None:
            continue
        seen.add(name)
        waiting += _imported(_file(name))
    return sorted(_file(name) for name in seen)


def code_sha256(*entries: str) -> str:
    """Hash of the source that the named modules run."""
    digest = hashlib.sha256()
    for path in closure(*entries):
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _imported(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for name in names if name.split(".")[0] == "earmark"]


def _file(module: str) -> Path | None:
    """The file of a module; None for a name inside a module, and for a package whose __init__ is empty."""
    parts = module.split(".")[1:]
    file = PACKAGE.joinpath(*parts).with_suffix(".py") if parts else PACKAGE / "__init__.py"
    if file.exists() and parts:
        return file
    init = PACKAGE.joinpath(*parts, "__init__.py")
    return init if init.exists() and parts and init.stat().st_size else None
