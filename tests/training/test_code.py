"""Hashes of code: over exactly what a module runs, whatever is said in its comments, the same on every Python."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from earmark.errors import EarmarkError
from earmark.training import code
from project import REPOSITORY

SOURCE = '''"""What it is for."""

import os  # why


class Word:
    """A word."""

    text = "# no comment"  # a comment
    """What it says."""

    def said(self, n: int = 2) -> str:
        """Say it."""
        # so often
        many = f"""{self.text}

  {n:>{n}} {'a' + "b"} {{kept}}
""" * n

        return many + 'ü' "#" + r"\\d" # ä

    async def later(self):
        \'\'\'Not yet.\'\'\'
        "no docstring"
'''
# By hand: docstrings and comments gone, with the lines and the spaces that were theirs; every string as it was.
BARE = '''import os
class Word:
    text = "# no comment"
    def said(self, n: int = 2) -> str:
        many = f"""{self.text}

  {n:>{n}} {'a' + "b"} {{kept}}
""" * n
        return many + 'ü' "#" + r"\\d"
    async def later(self):
        "no docstring"'''


def bare(text: str) -> str:
    """The source without words."""
    return code.without_words(text.encode()).decode()


def test_comments_and_docstrings_are_cut_and_strings_kept():
    assert bare(SOURCE) == BARE


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("A word.", "A word.\n\n    Longer, with an ü.\n\n    And longer."),
        ('    """A word."""\n', ""),
        ("# so often", "# so often\n\n        # and why"),
        ("  # why", ""),
        ("\n\n\nclass", "\nclass"),
        ("What it says.", "What it says,\n\n    at length."),
        ("Not yet.", "Not yet. # at all"),
    ],
)
def test_words_change_nothing(old: str, new: str):
    assert old in SOURCE
    assert bare(SOURCE.replace(old, new)) == BARE


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("n: int = 2", "n: int = 3"),
        ("# no comment", "# No comment"),
        ("{self.text}\n\n", "{self.text}\n"),
        ('"no docstring"', '"a docstring"'),
        ("{{kept}}", "{{kept }}"),
        ("'ü'", "'u'"),
    ],
)
def test_what_runs_changes_it(old: str, new: str):
    assert old in SOURCE
    assert bare(SOURCE.replace(old, new)) != BARE


@pytest.mark.parametrize("python", ["python3.11", "python3.12", "python3.13"])
def test_every_python_cuts_alike(python: str, tmp_path: Path):
    """The tokenizer and the syntax tree differ between versions: f-strings are one token, or many, from 3.12 on."""
    program = _interpreter(python)
    if program is None:
        pytest.skip(f"{python} is not installed here; the same source is cut by the others")
    shutil.copytree(REPOSITORY / "src/earmark/training", tmp_path / "earmark/training")
    for name in ("__init__.py", "errors.py"):
        shutil.copy(REPOSITORY / "src/earmark" / name, tmp_path / "earmark" / name)
    source = tmp_path / "source.py"
    source.write_text(SOURCE)
    (tmp_path / "run.py").write_text(
        "import sys, pathlib\n"
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        "from earmark.training import code\n"
        f"sys.stdout.buffer.write(code.without_words(pathlib.Path({str(source)!r}).read_bytes()))\n"
    )
    done = subprocess.run([program, "-I", str(tmp_path / "run.py")], capture_output=True)
    assert done.stdout.decode() == BARE, done.stderr.decode()


def _interpreter(name: str) -> str | None:
    """The program of this name that runs; pyenv's shims exist without one behind them."""
    for found in (shutil.which(name), *sorted(map(str, Path.home().glob(f".pyenv/versions/{name[6:]}.*/bin/{name}")))):
        if found and subprocess.run([found, "-c", ""], capture_output=True).returncode == 0:
            return found
    return None


def test_an_unknown_module_is_an_error():
    """A module that was renamed has no hash, and one of nothing would never change."""
    with pytest.raises(EarmarkError, match=r"no module earmark\.imports to hash"):
        code.code_sha256("earmark.imports")
    with pytest.raises(EarmarkError, match=r"earmark\.tasks\.genre\.nothing"):
        code.closure("earmark.errors", "earmark.tasks.genre.nothing")


def package(root: Path, files: dict[str, str], monkeypatch) -> None:
    """Let `code` read a package of these files in place of earmark."""
    for name, text in files.items():
        path = root / "earmark" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(code, "PACKAGE", root / "earmark")
    code._imported.cache_clear()


@pytest.fixture(autouse=True)
def forget():
    """No test sees what another read."""
    yield
    code._imported.cache_clear()


SMALL = {
    "__init__.py": "",
    "a/__init__.py": "from earmark.d import more\n",
    "a/stage.py": "from earmark.b import used\nfrom earmark import config\n",
    "b.py": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from earmark.c import Kind\n"
        "def used():\n    from earmark.e import late\n    return late\n"
    ),
    "c.py": "Kind = int\n",
    "config.py": "import earmark.c\n",
    "d.py": "more = 1\n",
    "e.py": "late = 1\n",
    "f.py": "unused = 1\n",
}


def test_closure_is_what_is_imported_early_or_late(tmp_path: Path, monkeypatch):
    """Packages' own __init__ too; not what is for type checkers alone, nor the reader of parameters."""
    package(tmp_path, SMALL, monkeypatch)
    assert code.closure("earmark.a.stage") == [
        *("earmark", "earmark.a", "earmark.a.stage", "earmark.b", "earmark.d", "earmark.e"),
    ]


@pytest.mark.parametrize(
    ("file", "text", "changes"),
    [
        ("e.py", "late = 2\n", True),
        ("d.py", "more = 2\n", True),
        ("a/__init__.py", "", True),
        ("a/page.html", "<p>", True),
        ("a/pages/inner.html", "<p>", True),
        ("a/other.py", "x = 1\n", False),
        ("e.py", '"""Words."""\n\nlate = 1  # the same\n', False),
        ("c.py", "Kind = str\n", False),
        ("config.py", "", False),
        ("f.py", "unused = 2\n", False),
        ("bundles/genre/config.json", "{}", False),
    ],
)
def test_hash_changes_with_what_the_module_runs(file: str, text: str, changes: bool, tmp_path: Path, monkeypatch):
    package(tmp_path, SMALL, monkeypatch)
    before = code.code_sha256("earmark.a.stage")
    package(tmp_path, {file: text}, monkeypatch)
    assert (code.code_sha256("earmark.a.stage") != before) is changes


def test_where_a_module_stands_is_part_of_its_hash(tmp_path: Path, monkeypatch):
    package(tmp_path / "one", {"__init__.py": "", "x.py": "n = 1\n"}, monkeypatch)
    one = code.code_sha256("earmark.x")
    package(tmp_path / "two", {"__init__.py": "", "y.py": "n = 1\n"}, monkeypatch)
    assert code.code_sha256("earmark.y") != one


def test_a_released_bundle_is_part_of_no_stage():
    assert json.dumps([str(p) for p in code.files("earmark.errors")]).count("bundles") == 0
    assert sys.modules["earmark"].__file__ == str(code.PACKAGE / "__init__.py")
