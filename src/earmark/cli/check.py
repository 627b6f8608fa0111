"""`earmark check`: what would stop `dvc repro`, said before DVC says it in its own words."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from earmark import config, console, paths
from earmark.cli.arguments import PARAMS
from earmark.errors import EarmarkError
from earmark.tasks import catalog


def check(
    tasks: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TASK]...", help="The tasks to check; by default all those in params.yaml."),
    ] = None,
) -> None:
    """Check params.yaml, the folders of recordings that it names, and the DVC repository, before `dvc repro` runs."""
    for name in tasks or ():
        catalog.check(name)
    found = config.load(PARAMS).tasks if not tasks else {name: config.load_task(PARAMS, name) for name in tasks}
    said = [*repository(), *recordings({name: asked.data.root for name, asked in found.items()})]
    for sentence in said[:-1]:
        console.warn(sentence)
    if said:
        raise EarmarkError(said[-1])
    missing = [name for name, asked in found.items() if not Path(asked.data.root).is_dir()]
    there = ", ".join(name for name in found if name not in missing)
    seen = [f"the recordings of {there} were found"] * bool(there)
    seen += [f"`dvc repro` will generate the demo recordings of {', '.join(missing)}"] * bool(missing)
    console.say(f"params.yaml is valid, and {'; '.join(seen)}.")


def recordings(roots: dict[str, str]) -> Iterator[str]:
    """A sentence for each task whose folder of recordings DVC will not find, whose own message is a bare errno."""
    from earmark.pipeline import stages

    for task, root in roots.items():
        if not Path(root).is_dir() and not stages.used_folders([root]):
            yield f"{PARAMS}: tasks.{task}.data.root is '{console.printable(root)}', {_problem(task, root)}."


def _problem(task: str, root: str) -> str:
    expanded = paths.audio_root(root)
    if root.startswith("~") and expanded.is_dir():
        return f"but DVC does not expand ~; write {console.printable(expanded)}"
    if Path(root).exists():
        return "which is not a folder; name the folder that holds the recordings"
    place = "" if os.path.isabs(root) or root.startswith("~") else f" in {Path.cwd()}"
    return f"but there is no such folder{place}; correct it, or run `earmark use {task} FOLDER`"


def repository() -> Iterator[str]:
    """A sentence where DVC will refuse to work, as in an unpacked archive."""
    from dvc.exceptions import DvcException, NotDvcRepoError
    from dvc.repo import Repo

    try:
        Repo().close()
    except NotDvcRepoError:
        yield "This project lacks the folder .dvc, which DVC needs; copy it from where you got the project."
    except DvcException as e:
        yield (
            f"DVC cannot work here: {e}. Put the project into git (`git init && git add . && git commit -m start`), or "
            "do without it (`dvc config --local core.no_scm true`)."
        )
