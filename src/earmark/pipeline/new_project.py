"""A project without earmark's source: params.yaml and dvc.yaml as they are shipped, in a git repository with DVC."""

import io
import re
import shutil
import subprocess
from contextlib import redirect_stdout
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from earmark.errors import EarmarkError, writable_folder

SHARE = "share/earmark"
CODE = re.compile(r"    deps:\n      - params.yaml.*\n      - src/earmark\n")  # of `code`, in earmark's own repository
# The package's folder has another place on every machine, and a stage that always runs sees that it has changed.
ALWAYS = "    always_changed: true\n"
IGNORED = """\
/code.json
/.earmark/
/mlflow.db
/mlartifacts/
/crossval/
/score/
/study/
/release/
/dvc_plots/
/data/
/features/
/models/
/reports/*/*
!/reports/*/metrics.json
"""
PLOTS = "plots.html"  # what `dvc plots` fills; in DVC's folder
CONFIG = {
    "core": {"analytics": False, "check_update": False},
    "cache": {"type": ["reflink", "hardlink", "copy"]},
    "plots": {"html_template": PLOTS},
}


def shipped_params() -> dict[str, Any]:
    """params.yaml as it is shipped, as nested dicts."""
    found: dict[str, Any] = yaml.safe_load(_file("params.yaml").read_text(encoding="utf-8"))
    return found


def make(folder: Path, tasks: list[str]) -> list[str]:
    """Write a project with the blocks of some tasks into a folder. Returns sentences about what was done.

    Raises EarmarkError where there is a project already, or the folder cannot be written.
    """
    folder = folder.expanduser()
    for name in ("params.yaml", "dvc.yaml"):
        if (folder / name).exists():
            raise EarmarkError(f"{folder / name} exists: there is a project already; name another folder.")
    params, pipeline = _params(tasks), _pipeline(tasks)
    writable_folder(folder, "`earmark init FOLDER`")
    folder.mkdir(parents=True, exist_ok=True)
    said = _version_control(folder)
    ignore = folder / ".gitignore"
    before = ignore.read_text(encoding="utf-8") if ignore.exists() else ""
    ignore.write_text(before + IGNORED, encoding="utf-8")
    (folder / ".dvc" / PLOTS).write_text(_file(PLOTS, ".dvc").read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "dvc.yaml").write_text(pipeline, encoding="utf-8")
    (folder / "params.yaml").write_text(params, encoding="utf-8")
    return [f"Created the project {folder} (params.yaml, dvc.yaml) for {', '.join(tasks)}.", *said, *_changed(tasks)]


def _changed(tasks: list[str]) -> list[str]:
    """A sentence where the settings are those of a clone of earmark whose recordings are no longer the demo's."""
    found = shipped_params()["tasks"]
    own = [task for task in tasks if found[task]["data"]["source"] != "demo"]
    if not own:
        return []
    now = f"those that {_file('params.yaml')} has now"
    return [f"The settings of {' and '.join(own)} are {now}, not the ones that were shipped."]


def _file(name: str, folder: str = "") -> Path:
    """A file that is shipped beside the package, or lies in a folder of the checkout that is installed in place."""
    files = metadata.files("earmark") or []
    for one in files:
        if one.as_posix().endswith(f"{SHARE}/{name}"):
            return Path(str(one.locate()))
    here = Path(__file__).parents[3] / folder / name
    if not here.exists():
        raise EarmarkError(f"This installation of earmark lacks {SHARE}/{name}; reinstall it.")
    return here


def _params(tasks: list[str]) -> str:
    """The text of params.yaml with the blocks of some tasks alone."""
    text = _file("params.yaml").read_text(encoding="utf-8")
    blocks = next(value for key, value in yaml.compose(text, yaml.SafeLoader).value if key.value == "tasks").value
    lines = text.splitlines(keepends=True)
    starts = [key.start_mark.line for key, _ in blocks]
    ends = [*starts[1:], len(lines)]
    kept = [lines[a:b] for (key, _), a, b in zip(blocks, starts, ends, strict=True) if key.value in tasks]
    return "".join([*lines[: starts[0]], *(line for block in kept for line in block)])


def _pipeline(tasks: list[str]) -> str:
    """The text of dvc.yaml with the plots and artifacts of some tasks alone."""
    text = _file("dvc.yaml").read_text(encoding="utf-8")
    if not CODE.search(text):
        raise EarmarkError("The stage `code` in the shipped dvc.yaml is not the expected one; reinstall earmark.")
    text = CODE.sub(ALWAYS, text)
    blocks = {key.value: value for key, value in yaml.compose(text, yaml.SafeLoader).value}
    parts = [*blocks["plots"].value, *(key for key, _ in blocks["artifacts"].value)]
    lines, starts = text.splitlines(keepends=True), [part.start_mark.line for part in parts]
    for start in starts[::-1]:
        end = next((i for i in range(start + 1, len(lines)) if not lines[i].startswith("      ")), len(lines))
        if not any(re.match(rf"\W*{task}\b", lines[start]) for task in tasks):
            del lines[start:end]
    return "".join(lines)


def _version_control(folder: Path) -> list[str]:
    """git and DVC in the folder, unless it lies in a repository already; without git DVC alone."""
    with redirect_stdout(io.StringIO()):  # DVC greets
        return _initialised(folder)


def _initialised(folder: Path) -> list[str]:
    from dvc.repo import Repo

    if shutil.which("git") is None:
        repo = Repo.init(str(folder), no_scm=True)
        said = ["There is no git here: runs cannot be traced to commits, and `dvc exp` does not work."]
    else:
        top = subprocess.run(["git", "rev-parse", "--show-toplevel"], cwd=folder, capture_output=True, text=True)
        if top.returncode:
            subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
        inner = not top.returncode and Path(top.stdout.strip()).resolve() != folder.resolve()
        repo, said = Repo.init(str(folder), subdir=inner), []
    with repo.config.edit() as written:
        for section, values in CONFIG.items():
            written.setdefault(section, {}).update(values)
    repo.close()
    return said
