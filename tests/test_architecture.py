"""The shape of the source: few rooms at the top, arrows that point down, modules that fit in one sitting."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from project import REPOSITORY

SOURCE = REPOSITORY / "src/earmark"
MODULES = {
    ".".join(("earmark", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in SOURCE.rglob("*.py")
}
TASKS = sorted(path.parent.name for path in SOURCE.glob("tasks/*/task.py"))
# From the top down; what stands on one line may import each other's line, and all lines below.
FLOORS = (
    ("__main__",),
    ("cli",),
    ("pipeline",),
    ("experiments", "generated"),
    ("registry", "config"),
    ("tasks",),
    ("release",),
    ("data", "features", "nn", "training", "evaluation"),
    ("audio", "console", "errors", "paths"),
)


def imported(path: Path) -> set[str]:
    """Modules of earmark that a file imports, wherever it does, but for type checkers alone."""
    found = set()
    waiting: list[ast.AST] = [ast.parse(path.read_text())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{a.name}" for a in node.names}
            found |= {m for m in inner if m in MODULES} or {node.module}
    return found & MODULES.keys()


IMPORTS = {name: imported(path) - {name} for name, path in MODULES.items()}


def test_the_top_level_has_at_most_twenty_entries():
    assert len([p for p in SOURCE.iterdir() if p.name != "__pycache__"]) <= 20


@pytest.mark.parametrize("name", MODULES)
def test_a_module_has_at_most_300_lines(name):
    assert len(MODULES[name].read_text().splitlines()) <= 300


def test_no_task_imports_another():
    for task in TASKS:
        others = tuple(f"earmark.tasks.{other}." for other in TASKS if other != task)
        own = f"earmark.tasks.{task}."
        crossing = {m: [i for i in found if i.startswith(others)] for m, found in IMPORTS.items() if m.startswith(own)}
        assert not {m: found for m, found in crossing.items() if found}


def test_mlflow_is_imported_by_the_registry_alone():
    """The registry's package sets what MLflow reads as it is imported: no telemetry, no pickle."""
    others = [path for name, path in MODULES.items() if not name.startswith("earmark.registry")]
    assert not [path for path in others if "mlflow" in _top_imports(path)]


def _top_imports(path: Path) -> set[str]:
    found = set()
    for node in ast.parse(path.read_text()).body:  # not those for type checkers alone
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        found |= {name.partition(".")[0] for name in names}
    return found


def test_imports_have_no_circle():
    try:
        TopologicalSorter(IMPORTS).prepare()
    except CycleError as e:
        pytest.fail(" imports ".join(reversed(e.args[1])))


def floor(module: str) -> int:
    """The place of a module's room in FLOORS, 0 on top."""
    room = module.split(".")[1] if "." in module else "errors"  # earmark/__init__ stands below all
    return next(i for i, rooms in enumerate(FLOORS) if room in rooms)


@pytest.mark.parametrize("name", MODULES)
def test_arrows_point_down(name):
    assert not [i for i in IMPORTS[name] if floor(i) < floor(name)]


def test_the_spine_knows_tasks_by_their_catalog_alone():
    """But what is about one task and says so: two texts' studies, genre's own splits and choices, chord songs."""
    about_one = (
        *("earmark.experiments.dyad_net.", "earmark.experiments.siamese_blstm.", "earmark.experiments.study.chosen"),
        *("earmark.experiments.study.windowed", "earmark.generated.songs.", "earmark.cli.bench"),
    )
    for name, found in IMPORTS.items():
        if not name.startswith(("earmark.tasks.", *about_one)):
            assert not [m for m in found if m.startswith(tuple(f"earmark.tasks.{task}." for task in TASKS))], name


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_the_same_rooms(task):
    rooms = {p.stem for p in (SOURCE / "tasks" / task).iterdir() if not p.name.startswith("_")}
    assert rooms >= {
        *("task", "settings", "corpora", "features", "dataset", "batches", "networks", "loss", "train"),
        *("predictions", "metrics", "evaluate", "report", "folds", "score", "release", "commands"),
    }
