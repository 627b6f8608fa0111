"""The tasks that earmark has: every folder beside this file with a task.py."""

from functools import cache
from importlib import import_module
from pathlib import Path

from earmark.errors import EarmarkError, nearest
from earmark.tasks.task import Task


@cache
def names() -> list[str]:
    """Names of all tasks, sorted; imports none of them."""
    return sorted(path.parent.name for path in Path(__file__).parent.glob("*/task.py"))


def check(name: str) -> None:
    """Raise EarmarkError unless earmark has a task of this name."""
    if name not in names():
        raise EarmarkError(f"There is no task '{name}'; {nearest(name, names())}")


def task(name: str) -> Task:
    """A task by its name. Raises EarmarkError where there is none."""
    check(name)
    found: Task = import_module(f"earmark.tasks.{name}.task").TASK
    return found


def tasks() -> list[Task]:
    """All tasks, by name."""
    return [task(name) for name in names()]
