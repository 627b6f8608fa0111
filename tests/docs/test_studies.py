"""The published texts' pages, and what README and guides say of studies: every name that they give exists.

Two ways of writing are checked:

- a link [`file: name`](path) leads to a file of that name which holds the name: a function, class, constant, field or
  method (`Class.method`) of Python, or a key of YAML, dotted or not;
- level `x` of the factor `y`, or levels `x` and `z` of the factor `y`, are a study's: on a study's page that study's.
"""

import ast
import functools
import importlib
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from earmark import config
from earmark.cli.app import app
from earmark.experiments.study import plan, run
from project import REPOSITORY

FILES = sorted((REPOSITORY / "studies").glob("*.yaml"))
ALIASES = {path.stem: path.readlink() for path in FILES if path.is_symlink()}  # former names
STUDIES = {path.stem: yaml.safe_load(path.read_text()) for path in FILES if not path.is_symlink()}
PAGES = sorted((REPOSITORY / "docs/studies").glob("*.md"))
TEXTS = re.compile(r"^\| \[`(\w+)`\]\((\w+)\.md\) \|.*\| seed (\d{3}) \|$", re.M)  # rows of TABLE
TABLE = (REPOSITORY / "docs/studies/README.md").read_text()
OF_TEXTS = {name: f"seed{number}" for name, _, number in TEXTS.findall(TABLE)}
PROSE = [
    REPOSITORY / "README.md",
    *sorted((REPOSITORY / "docs").rglob("*.md")),
    *(path for path in FILES if not path.is_symlink()),
]
LINK = re.compile(r"\[`([\w.]+): ([^`]+)`\]\(([^)\s]+)\)")
ANY_LINK = re.compile(r"\]\(([^)\s]+)\)")
LEVELS = re.compile(r"levels? ((?:`[^`]+`(?:, | and | or )?)+) of (?:the )?factor `?([A-Za-z][\w-]*)`?")
COMMAND = re.compile(r"earmark study [^`\n]+")


@functools.cache
def names(path: Path) -> set[str]:
    """What a file holds that a link may name."""
    if path.suffix == ".py":
        return _of_python(ast.parse(path.read_text()), "")
    if path.suffix in (".yaml", ".yml"):
        return _of_yaml(yaml.safe_load(path.read_text()), "")
    return set(re.findall(r"[\w.]+", path.read_text()))


def _of_python(node: ast.AST, within: str) -> set[str]:
    """Names of functions, classes, fields and constants below a node, alone and with the class that they are of."""
    found: set[str] = set()
    for child in ast.iter_child_nodes(node):
        below = within
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found |= {child.name, f"{within}{child.name}"}
            below = f"{within}{child.name}."
        elif isinstance(child, ast.Name | ast.Attribute) and isinstance(child.ctx, ast.Store):
            name = child.id if isinstance(child, ast.Name) else child.attr
            found |= {name, f"{within}{name}"}
        found |= _of_python(child, below)
    return found


def _of_yaml(node: Any, within: str) -> set[str]:
    """Keys of a YAML file, alone and dotted from every key above them; what a list's entries are called, too."""
    if isinstance(node, list):
        entries = {str(entry["name"]) for entry in node if isinstance(entry, dict) and "name" in entry}
        return entries.union(*(_of_yaml(entry, within) for entry in node))
    found: set[str] = set()
    for key, value in node.items() if isinstance(node, dict) else ():
        found |= {str(key), f"{within}{key}"} | _of_yaml(value, f"{within}{key}.") | _of_yaml(value, f"{key}.")
    return found


def broken(page: Path, text: str) -> list[str]:
    """A sentence for each link of a page that does not hold."""
    found = []
    for file, name, path in LINK.findall(text):
        target = (page.parent / path.partition("#")[0]).resolve()
        said = f"{page.name}: [`{file}: {name}`]({path})"
        if not target.is_file():
            found.append(f"{said}: there is no such file")
        elif target.name != file:
            found.append(f"{said}: the file is called {target.name}")
        elif name not in names(target):
            found.append(f"{said}: {target.relative_to(REPOSITORY)} holds no such name")
    for path in ANY_LINK.findall(text):
        if not re.match(r"[a-z]+:|#", path) and not (page.parent / path.partition("#")[0]).exists():
            found.append(f"{page.name}: ({path}) leads nowhere")
    return found


def factors(study: dict[str, Any]) -> dict[str, set[str]]:
    """Names of a study's factors and their levels."""
    found = {}
    for name, levels in study.get("factors", {}).items():
        listed = levels["values"] if set(levels) == {"key", "values"} else levels
        found[name] = {str(level).lower() if isinstance(level, bool) else str(level) for level in listed}
    return found


def unknown_levels(text: str, studies: dict[str, dict]) -> list[str]:
    """A sentence for each level that no one of the studies has."""
    found = []
    for levels, factor in LEVELS.findall(re.sub(r"\s+(?:# )?", " ", text)):
        for level in re.findall(r"`([^`]+)`", levels):
            if not any(level in factors(study).get(factor, ()) for study in studies.values()):
                found.append(f"level `{level}` of the factor `{factor}`: {', '.join(studies)} has none")
    return found


def test_former_names_of_studies_lead_to_them():
    """Those of the table of texts, and of ChordNet's text as written."""
    assert OF_TEXTS == {
        "song_mil": "seed000",
        "dyad_net": "seed001",
        "chordnet": "seed002",
        "sound_cnns": "seed003",
        "siamese_blstm": "seed004",
    }
    written = {"seed002_as_written": Path("chordnet_as_written.yaml")}
    assert {old: Path(f"{name}.yaml") for name, old in OF_TEXTS.items()} | written == ALIASES
    for old, target in ALIASES.items():
        file = REPOSITORY / f"studies/{old}.yaml"
        assert plan.name_of(file, quick=False) == target.stem
        assert plan.read(file) == STUDIES[target.stem]


@pytest.mark.parametrize("name", OF_TEXTS)
def test_every_published_text_has_its_page(name):
    page = REPOSITORY / f"docs/studies/{name}.md"
    assert page.is_file(), f"studies/{name}.yaml has no page docs/studies/{name}.md"
    text = page.read_text()
    assert re.search(r"^\| *point *\| *the text *\| *here *\| *where *\|$", text, re.M), (
        f"{page.name} has no table of points"
    )
    assert f"earmark study studies/{name}.yaml" in text, f"{page.name} does not say how its study is run"
    assert LINK.search(text), f"{page.name} has no link [`file: name`](path) to the code"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_that_holds_the_name(page):
    assert not (wrong := broken(page, page.read_text())), "\n".join(wrong)


@pytest.mark.parametrize("page", PROSE, ids=lambda page: page.name)
def test_studies_and_levels_that_are_named_exist(page):
    text = page.read_text()
    missing = sorted(set(re.findall(r"studies/(\w+)\.yaml", text)) - set(STUDIES) - {"NAME", "mine"})
    assert not missing, f"{page.name} names studies that do not exist: {', '.join(missing)}"
    own = {page.stem: STUDIES[page.stem]} if page.stem in STUDIES else STUDIES
    assert not (wrong := unknown_levels(text, own)), f"{page.name}: " + "\n".join(wrong)


def commands(page: Path) -> set[str]:
    """Each `earmark study` of a page, in a block or a sentence, without what is said behind it."""
    text = re.sub(r"\\\n\s*", "", page.read_text())
    return {code.split(" #")[0].rstrip(" .") for code in COMMAND.findall(text)}


COMMANDS = [(page.name, code) for page in PAGES for code in sorted(commands(page))]


@pytest.mark.parametrize(("page", "code"), COMMANDS, ids=[f"{page}: {code}" for page, code in COMMANDS])
def test_a_study_s_command_is_one(page, code, monkeypatch):
    """Its file, its options and the keys that it sets exist; nothing is run."""
    monkeypatch.chdir(REPOSITORY)
    words = subprocess.run(["bash", "-c", f"printf '%s\\0' {code}"], capture_output=True, text=True, check=True).stdout
    said = typer.main.get_command(app).commands["study"].make_context("study", words.split("\0")[2:-1]).params
    file, overrides = Path(said["file"]), said["overrides"] or []
    study = plan.read(file)
    if study.get("kind", "grid") == "grid":
        run.read_plan(file, config.read(REPOSITORY / "params.yaml"), said["quick"], overrides)
    else:
        own = importlib.import_module(f"earmark.experiments.{study['kind']}.run")
        own.parse(study, file, said["quick"], overrides)


def test_the_checks_see_what_is_wrong():
    page = REPOSITORY / "docs/studies/page.md"
    source = "../../src/earmark/experiments/study/plan.py"
    study = "../../studies/sound_cnns.yaml"
    right = f"[`plan.py: KINDS`]({source}) [`plan.py: GridCell`]({source}) [`plan.py: GridCell.levels`]({source}) "
    right += f"[`plan.py: StudyPlan.nested`]({source}) [`sound_cnns.yaml: base`]({study}) "
    right += f"[`sound_cnns.yaml: factors.schedule.step 10`]({study}) [`sound_cnns.yaml: schedule.step 10`]({study})"
    assert broken(page, right) == []
    for wrong, why in {
        f"[`plan.py: KINDZ`]({source})": "holds no such name",
        f"[`plan.py: GridCell.nested`]({source})": "holds no such name",
        f"[`plans.py: KINDS`]({source})": "the file is called plan.py",
        "[`gone.py: KINDS`](../../src/gone.py)": "there is no such file",
        f"[`sound_cnns.yaml: bass`]({study})": "holds no such name",
        "[own audio](../own_audi.md)": "leads nowhere",
    }.items():
        assert why in broken(page, wrong)[0]
    text = "level `step 10` of the factor `schedule`, and levels `4 s` and\n# `5 s` of the factor clip"
    assert unknown_levels(text, {"sound_cnns": STUDIES["sound_cnns"]}) == []
    assert len(unknown_levels(text, {"chordnet": STUDIES["chordnet"]})) == 3
    assert unknown_levels("level `never` of the factor `schedule`", STUDIES) != []
