"""docs/reference/: the commands and the keys of params.yaml, from the code that reads them.

    python recipes/reference.py

tests/recipes/test_reference.py fails where they are stale.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from earmark.cli import params
from earmark.cli.app import app

FIRST = re.compile(r".*?(?=\.\s|\.?$)", re.DOTALL)  # sentence of a text, without its period
FOLDER = Path(__file__).parents[1] / "docs/reference"
COMMANDS = """\
# Commands

Made by `python recipes/reference.py` from the commands themselves; `--help` after a command says the same. On a user's
mistake a command ends with one sentence and exit status 1, on an invalid command line with exit status 2.

"""
SETTINGS = """\
# params.yaml

Made by `python recipes/reference.py` from the settings themselves; `earmark params [KEY]` says the same, with the
values of the project that it runs in. `here` is the value in the params.yaml that is shipped. Keys, other than those
of `demo`, stand below `tasks`, as in `tasks.genre.train.lr`; on the command line `-S tasks.genre.train.lr=0.001`, where
a command names the task `-S train.lr=0.001`. A key with a name in brackets exists only if its block has that name.

"""


def commands() -> str:
    """The page of all commands, in the order of `earmark --help`."""
    found = list(_commands(typer.main.get_command(app), "earmark"))
    listed = "\n".join(f"- [`{name}`](#{_anchor(name)}): {_cell(FIRST.match(one.help)[0])}" for name, one in found)
    return "\n\n".join([COMMANDS + listed, *(_command(name, one) for name, one in found)]) + "\n"


def settings() -> str:
    """The page of all keys, in the order of params.yaml: a table a block."""
    found: list[str] = []
    rows = False
    for entry in params.entries():
        if not entry.facts and not entry.kind:
            found += [f"\n## `{entry.key}`\n", *([entry.meaning, ""] if entry.meaning else [])]
            rows = False
            continue
        kind = f" ({entry.kind})" if entry.kind else ""
        found += [] if rows else [_row("key", "values", ""), "|---|---|---|"]
        found.append(_row(f"`{entry.key}`{kind}", "; ".join(entry.facts), entry.meaning))
        rows = True
    return SETTINGS + "\n".join(found).strip() + "\n"


def _commands(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    context = typer.Context(group)
    for name in group.list_commands(context):
        one = group.get_command(context, name)
        if hasattr(one, "list_commands"):
            yield from _commands(one, f"{path} {name}")
        else:
            yield f"{path} {name}", one


def _command(name: str, command: Any) -> str:
    asked = [p for p in command.params if p.name != "help"]
    words = [name, *(_word(p) for p in asked if p.param_type_name == "argument")]
    words += ["[OPTIONS]"] if any(p.param_type_name == "option" for p in asked) else []
    head = f"## {name}\n\n{' '.join(command.help.split())}\n\n```text\n{' '.join(words)}\n```"
    if not asked:
        return head
    rows = [_row(_named(p), p.help or "", _default(p)) for p in asked]
    return "\n".join([head, "", _row("", "", "default"), "|---|---|---|", *rows])


def _word(argument: Any) -> str:
    word = str(argument.name).upper() + ("..." if argument.nargs == -1 else "")
    return word if argument.required else f"[{word}]"


def _named(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{_word(parameter)}`"
    return ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    nothing = parameter.default is None or parameter.default is False or callable(parameter.default)
    return "" if nothing else f"`{parameter.default}`"


def _row(*cells: str) -> str:
    return f"| {' | '.join(map(_cell, cells))} |".replace("|  |", "| |")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _anchor(heading: str) -> str:
    return heading.lower().replace(" ", "-")


PAGES = {"commands.md": commands, "params.md": settings}

if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for page, text in PAGES.items():
        (FOLDER / page).write_text(text())
