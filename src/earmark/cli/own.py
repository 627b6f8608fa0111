"""A project of one's own, and a task pointed at a folder of recordings."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from earmark import config, console
from earmark.cli.arguments import PARAMS, TaskName
from earmark.console import say, warn
from earmark.errors import EarmarkError, nearest, writing
from earmark.tasks import catalog
from earmark.training import tagged


def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the new project; it need not exist yet.")],
    tasks: Annotated[
        list[str] | None, typer.Option("--task", help="A task to include; all by default. May be repeated.")
    ] = None,
) -> None:
    """Start a project of your own, without earmark's source: params.yaml, dvc.yaml, a git and a DVC repository."""
    from earmark.pipeline import new_project

    for name in tasks or ():
        catalog.check(name)
    some = list(dict.fromkeys(tasks or catalog.names()))
    for sentence in new_project.make(folder, some):
        say(sentence)
    say(f"Next: `cd {folder}`, then `earmark use {some[0]} FOLDER` with the folder of your recordings.")


def use(
    task: TaskName,
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[FOLDER]", help="The folder of your recordings; leave it out with --source demo."),
    ] = None,
    source: Annotated[
        str, typer.Option(help="'folder', 'demo', or a public corpus that the task can read, such as esc50.")
    ] = "folder",
    test_fold: Annotated[
        str | None, typer.Option(help="The fold to test on, if the recordings come with folds; null for none.")
    ] = None,
    manifest: Annotated[
        str | None, typer.Option(help="Name of the table in FOLDER that lists the recordings; manifest.csv by default.")
    ] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(
            help="A recipe, such as recipes/chord.yaml, whose features, model and training settings are copied."
        ),
    ] = None,
) -> None:
    """Check a folder of recordings, and record it in params.yaml as a task's data."""
    catalog.check(task)
    config.parse_task(config.read(PARAMS), task)
    blocks = _recipe(recipe, task) if recipe else {}
    values: dict[str, Any] = blocks.pop("data", {}) | {"source": source, "root": _root(task, folder, source)}
    if test_fold is not None:
        import yaml

        values["test_fold"] = yaml.safe_load(test_fold)
    if manifest is not None:
        values["manifest"] = manifest
    point(task, values, None if source == "demo" else _look, blocks, recipe or PARAMS)
    if recipe:
        say(f"The settings of {recipe} are now in params.yaml: {', '.join(blocks)} of tasks.{task}.")
    say(f"Next: `dvc repro publish@{task}`, which runs this task alone.")


def _recipe(file: Path, task: str) -> dict[str, Any]:
    """The blocks of a recipe, a file with `task` and some of a task's blocks. Raises EarmarkError for another file."""
    if not file.is_file():
        raise EarmarkError(f"There is no file {console.printable(file)}; name a recipe, such as recipes/chord.yaml.")
    found = config.read(file)
    if not isinstance(found, dict) or found.get("task") != task:
        named = found.get("task") if isinstance(found, dict) else None
        whose = f"its task is {console.printable(named)}" if named else "it has no key 'task'"
        raise EarmarkError(f"{console.printable(file)} is not a recipe for {task}: {whose}; name another file.")
    blocks = {key: block for key, block in found.items() if key != "task"}
    known = tagged.types(catalog.task(task).settings)
    for key, block in blocks.items():
        if key not in known:
            raise EarmarkError(f"{console.printable(file)}: unknown key '{key}'; {nearest(str(key), known)}")
        if not isinstance(block, dict):
            raise EarmarkError(f"{console.printable(file)}: {key} must hold keys and values, not {block!r}.")
    return blocks


def point(
    task: str,
    values: dict[str, Any],
    look: Callable[[str, config.Settings], None] | None = None,
    blocks: dict[str, Any] | None = None,
    origin: Path = PARAMS,
) -> None:
    """Write values of a task's data into params.yaml, and say so; a manifest of before that they do not name goes.

    look: at what the settings are to be, before anything is written. blocks: others of the task's, written whole.
    origin: the file that a refusal of a setting names.
    """
    import yaml

    from earmark.tasks import edited, overrides

    before = PARAMS.read_bytes().decode()  # its line ends as they are
    former = config.read(PARAMS)["tasks"][task]["data"]
    asked_for: dict[str, Any] = {f"tasks.{task}.data.{key}": value for key, value in values.items()}
    if "manifest" in former and "manifest" not in values:
        kept = {key: value for key, value in former.items() if key != "manifest"}
        asked_for = {f"tasks.{task}.data": kept | values}
    asked_for |= {f"tasks.{task}.{name}": block for name, block in (blocks or {}).items()}
    raw = yaml.safe_load(before)
    overrides.put_all(raw, asked_for)
    asked = config.parse_task(raw, task, str(origin))
    after = edited.put(before, asked_for)
    if look:
        look(task, asked)
    if after != before:
        with writing(PARAMS, "make it writable"):
            PARAMS.write_bytes(after.encode())
    said = ", ".join(f"data.{key}: {value}" for key, value in values.items())
    say(f"params.yaml {'now' if after != before else 'already'} has {said} in tasks.{task}.")


def _root(task: str, folder: Path | None, source: str) -> str:
    """What data.root is to be: an absolute path, which DVC's temporary copies of a project read, too."""
    if source == "demo":
        if folder is not None:
            raise EarmarkError("The demo has its own folder; leave out either yours or --source demo.")
        from earmark.pipeline import new_project

        root: str = new_project.shipped_params()["tasks"][task]["data"]["root"]
        return root
    if folder is None:
        raise EarmarkError(f"Name the folder of your recordings, as in `earmark use {task} ~/recordings`.")
    root = os.path.abspath(folder.expanduser())
    if not os.path.isdir(root):
        raise EarmarkError(f"There is no folder {console.printable(root)}; name the one that holds your recordings.")
    try:
        root.encode()
    except UnicodeEncodeError:
        raise EarmarkError(
            f"The name of {console.printable(root)} is not UTF-8, so params.yaml cannot hold it; rename the folder."
        ) from None
    if Path.cwd().resolve().is_relative_to(Path(root).resolve()):
        raise EarmarkError(
            f"{root} holds this project itself, whose results would count as recordings; move the recordings into a "
            "folder beside it, or start the project elsewhere with `earmark init`."
        )
    return root


def _look(task: str, asked: config.Settings) -> None:
    """Read the folder as `prepare` will, and say what it holds. Raises EarmarkError where it cannot be used."""
    from earmark.data import overview, splits

    corpora = catalog.task(task).room("corpora").CORPORA
    table, quarantined = _read(task, corpora, asked.data)
    corpora.check(table, quarantined, warn)
    try:
        splits.assign_splits(table, asked.data, corpora.key)
    except EarmarkError as e:
        folds = f" (`earmark use {task} ... --test-fold NAME` writes it.)" if "test_fold" in str(e) else ""
        raise EarmarkError(f"{e}{folds}") from None
    what = "speaker" if corpora.key == "label" else "label"
    console.table((what, "recordings", "groups", "minutes"), overview.labels(table))
    facts = overview.durations(table), f"Files: {overview.formats(table)}.", overview.groups(table)
    for sentence in (*facts, *corpora.notes(table, asked)):
        say(sentence)
    for row in quarantined.itertuples():
        warn(f"{row.path} cannot be used: {row.reason}.")


def _read(task: str, corpora: Any, data: Any) -> tuple[Any, Any]:
    """The recordings, and those that cannot be used; a folder that is none of the user's own may be a public corpus."""
    from earmark.data import reading

    root = Path(data.root)
    try:
        return reading.read(corpora, data, root, warn, console.progress)
    except EarmarkError as e:
        others = _corpora(corpora, root) if data.source == "folder" else []
        if not others:
            raise
        commands = " or ".join(f"`earmark use {task} {root} --source {name}`" for name in others)
        raise EarmarkError(f"{e} (It looks like a public corpus: {commands}.)") from None


def _corpora(corpora: Any, root: Path) -> list[str]:
    """The public corpora whose layout a folder has."""
    found = []
    for name, reader in corpora.readers.items():
        if name not in ("folder", "demo"):
            try:
                reader(root, lambda sentence: None)
            except EarmarkError:
                continue
            found.append(name)
    return found
