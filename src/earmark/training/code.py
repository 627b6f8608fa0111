"""Which source a module runs, found by reading its imports, and its hash: what decides whether a stage is up to date.

Comments and docstrings are left out of the hash, so that words retrain nothing. What is hashed are bytes of the source,
cut by position: a dump of the syntax tree differs between Python versions.
"""

import ast
import hashlib
import io
import tokenize
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from earmark.errors import EarmarkError

PACKAGE = Path(__file__).parents[1]
# What decides nothing but through the parameters, which DVC tracks by themselves, or only speaks to people.
LEFT_OUT = ("earmark.cli", "earmark.config", "earmark.console")
MODELS = "bundles"  # released models are package data of no stage


def closure(*entries: str) -> list[str]:
    """Names of the modules that the named ones import, directly or not, with themselves; sorted.

    Raises EarmarkError for a module that does not exist: the hash of nothing would never change.
    """
    seen: set[str] = set()
    waiting = list(entries)
    while waiting:
        name = waiting.pop()
        if name in seen or _left_out(name):
            continue
        seen.add(name)
        waiting += _imported(name)
    return sorted(seen)


def files(*entries: str) -> list[Path]:
    """Source files of `closure`, and the data files beside them, sorted; empty __init__.py files are none."""
    sources = [_file(name) for name in closure(*entries)]
    data = {path for folder in {source.parent for source in sources} for path in _data_files(folder)}
    return sorted({path for path in sources if path.stat().st_size} | data)


def code_sha256(*entries: str) -> str:
    """Hash of what the named modules run."""
    digest = hashlib.sha256()
    for path in files(*entries):
        content = path.read_bytes()
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0")
        digest.update(without_words(content) if path.suffix == ".py" else content)
        digest.update(b"\0")
    return digest.hexdigest()


@cache
def without_words(source: bytes) -> bytes:
    """Python source in UTF-8 without comments, docstrings, and the lines and spaces that they leave behind.

    Strings are kept to the byte, their blank lines too.
    """
    lines = source.replace(b"\r\n", b"\n").decode("utf-8").split("\n")
    comments, strings = _comments_and_strings("\n".join(lines))
    docstrings = list(_docstrings(lines))
    strings -= {row for start, end in docstrings for row in range(start[0], end[0])}
    for start, end in comments + docstrings:
        for row in range(start[0], end[0] + 1):
            first = start[1] if row == start[0] else 0
            last = end[1] if row == end[0] else len(lines[row - 1])
            lines[row - 1] = lines[row - 1][:first] + " " * (last - first) + lines[row - 1][last:]
    kept = (line if row in strings else line.rstrip() for row, line in enumerate(lines, 1))
    return "\n".join(line for row, line in enumerate(kept, 1) if line or row in strings).encode()


Span = tuple[tuple[int, int], tuple[int, int]]  # (row, column) from 1 and 0, end exclusive; columns in characters


def _comments_and_strings(text: str) -> tuple[list[Span], set[int]]:
    """Where comments stand, and the rows that end inside of a string."""
    comments: list[Span] = []
    inside: set[int] = set()
    depth = begun = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        name = tokenize.tok_name[token.type]
        if name == "COMMENT":
            comments.append((token.start, token.end))
        elif name == "FSTRING_START":
            begun = begun if depth else token.start[0]
            depth += 1
        elif name == "FSTRING_END":
            depth -= 1
            if not depth:
                inside.update(range(begun, token.end[0]))
        elif name == "STRING":
            inside.update(range(token.start[0], token.end[0]))
    return comments, inside


def _docstrings(lines: list[str]) -> Iterator[Span]:
    """Where they stand: first of a module, class or function, and anywhere in a class, after a field."""
    tree = ast.parse("\n".join(lines))
    for node in (tree, *_statements(tree)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for said in node.body if isinstance(node, ast.ClassDef) else node.body[:1]:
            if (
                isinstance(said, ast.Expr)
                and isinstance(said.value, ast.Constant)
                and isinstance(said.value.value, str)
            ):
                row = said.end_lineno or said.lineno
                column = len(lines[row - 1].encode()[: said.end_col_offset].decode())
                yield (said.lineno, said.col_offset), (row, column)


@cache
def _imported(name: str) -> list[str]:
    """Modules of earmark that a module imports, anywhere in it; what is imported for type checkers alone is not run."""
    found = _packages(name)
    for node in _statements(ast.parse(_file(name).read_bytes()), run=True):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] == PACKAGE.name]
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == PACKAGE.name:
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [node.module, *(m for m in inner if _place(m))]
    return found


def _packages(name: str) -> list[str]:
    """The packages that a module lies in, whose __init__.py runs before it."""
    parts = name.split(".")
    return [".".join(parts[:n]) for n in range(1, len(parts))]


def _statements(tree: ast.AST, run: bool = False) -> Iterator[ast.AST]:
    """All statements below a tree, without its expressions, which are most of it; run: but those for type checkers."""
    for name in ("body", "handlers", "cases", "orelse", "finalbody"):
        for node in getattr(tree, name, ()):
            if run and isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
                continue
            yield node
            yield from _statements(node, run)


def _left_out(name: str) -> bool:
    return any(name == left or name.startswith(f"{left}.") for left in LEFT_OUT)


def _file(name: str) -> Path:
    path = _place(name)
    if path is None:
        raise EarmarkError(f"There is no module {name} to hash; correct its name where the stages are listed.")
    return path


def _place(name: str) -> Path | None:
    """The file of a module or package; None where there is none, as for a name inside of a module."""
    path = PACKAGE.parent.joinpath(*name.split("."))
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.is_file():
            return file
    return None


def _data_files(folder: Path) -> Iterable[Path]:
    """Files of a package that are no source, its folders without source included."""
    for path in folder.iterdir():
        if path.name == "__pycache__" or (folder == PACKAGE and path.name == MODELS):
            continue
        if path.is_dir() and not any(path.rglob("*.py")):
            yield from (p for p in path.rglob("*") if p.is_file())
        elif path.is_file() and path.suffix != ".py":
            yield path
