"""A study file, parsed strictly into the cells of its grid."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from earmark.errors import EarmarkError
from earmark.experiments.study import claims
from earmark.experiments.study.checks import RESERVED, Checks
from earmark.experiments.study.claims import Claim
from earmark.tasks import catalog
from earmark.tasks.overrides import over

SPLITS = ("group", "random", "frame", "last_rows")
DESIGNS = ("grid", "one_at_a_time")
KINDS = ("grid", "dyad_net", "siamese_blstm")  # the last two have keys of their own: earmark.experiments.KIND.run
FORMER_KINDS = {"seed001": "dyad_net", "seed004": "siamese_blstm"}
CHOICES = ("none", "nested", "nested_ring")
# What a study may say, and what it says when it leaves a key out.
DEFAULTS: dict[str, Any] = {
    "kind": "grid",
    "task": None,
    "about": "",
    "base": {},
    "factors": None,
    "design": "grid",
    "also": [],
    "seeds": [1],
    "folds": "all",
    "k": 5,
    "choose": "none",
    "split": "group",
    "reference": [],
    "claims": [],
    "quick": {},
}
QUICK = ("about", "base", "factors", "levels", "design", "also", "seeds", "folds")
REFERENCE = ("levels", "test", "val", "epochs_to_60", "note")
Factors = dict[str, dict[str, dict[str, Any]]]


@dataclass(frozen=True)
class GridCell:
    """One combination of levels.

    levels: factor -> name of its level; overrides: dotted key below tasks.TASK -> value.
    """

    levels: dict[str, str]
    overrides: dict[str, Any]
    split: str

    @property
    def name(self) -> str:
        """The levels, for people."""
        return " ".join(f"{factor}={level}" for factor, level in self.levels.items())


@dataclass(frozen=True)
class StudyPlan:
    """A study: its cells, and what is done with each.

    factors: factor -> names of its levels, the first one being what the others are measured against.
    folds: names, or None for all; k: number of dealt folds where the manifest names none.
    reference: figures of a source, each with the levels it belongs to.
    """

    name: str
    task: str
    about: str
    cells: list[GridCell]
    factors: dict[str, list[str]]
    seeds: list[int]
    folds: list[str] | None
    k: int
    choose: str
    reference: list[dict[str, Any]]
    claims: list[Claim] = field(default_factory=list)

    @property
    def headline(self) -> str:
        """The figure that the study is about."""
        return catalog.task(self.task).study_figures[0]

    @property
    def nested(self) -> bool:
        """Whether a cell is chosen inside the training folds."""
        return self.choose != "none"

    def reference_of(self, cell: GridCell) -> dict[str, Any]:
        """The source's figures for a cell; empty where there are none."""
        return next((r for r in self.reference if r["levels"].items() <= cell.levels.items()), {})


def read(file: Path) -> dict[str, Any]:
    """A study file as nested dicts. Raises EarmarkError for what is no YAML mapping or gives a key twice."""
    found, check = mapping(file, DEFAULTS), Checks(file, "")
    check.today("kind", found.get("kind"), FORMER_KINDS)
    check.choice(DEFAULTS | found, "kind", KINDS)
    return found


def name_of(file: Path, quick: bool) -> str:
    """What a study is called, in MLflow and below study/: its file's name, and for a link that of what it leads to."""
    return file.resolve().stem + ("-quick" if quick else "")


def mapping(file: Path, known: Iterable[str], kind: str = "study", place: str = "studies") -> dict[str, Any]:
    """A YAML file as nested dicts; known: keys it may have, for people. Raises EarmarkError as `read`."""
    try:
        found = yaml.load(file.read_text(encoding="utf-8"), _NoDuplicates)  # noqa: S506 (a SafeLoader)
    except FileNotFoundError:
        raise EarmarkError(f"There is no {kind} file {file}; name a YAML file, as in {place}/mine.yaml.") from None
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as e:
        raise EarmarkError(f"{file} cannot be read as YAML in UTF-8: {' '.join(str(e).split())}.") from None
    if not isinstance(found, dict):
        raise EarmarkError(f"{file} must hold keys and values; known: {', '.join(sorted(known))}.")
    return found


def parse(
    study: dict[str, Any], file: Path, known: Iterable[str], quick: bool = False, more: dict | None = None
) -> StudyPlan:
    """The plan of a study.

    known: dotted keys that exist below the study's task; more: overrides of the base from the command line.
    Raises EarmarkError, one sentence naming the file, the key and the remedy.
    """
    check = Checks(file, str(study.get("task")))
    check.known(study, DEFAULTS, "it has the key")
    said = {k: v for k, v in study.items() if v is not None}
    check.that("factors" in said, "'factors' is missing; name at least one factor with its levels.")
    said = DEFAULTS | said
    factors = _factors(check, said["factors"], set(known))
    base = check.overrides(said["base"], "base", set(known))
    if quick:
        said, factors, base = _quick(check, said, factors, base, set(known))
    _check_rest(check, said)
    base = over(base, check.overrides(more or {}, "--set", set(known)))
    combined = _combinations(check, factors, said)
    cells = [_cell(levels, factors, base, said["split"]) for levels in combined]
    names = {factor: list(levels) for factor, levels in factors.items()}
    whole = _factors(check, study["factors"], set(known))
    reference = _references(check, said["reference"], whole, cells)
    return StudyPlan(
        name=name_of(file, quick),
        task=said["task"],
        about=str(said["about"]),
        cells=cells,
        factors=names,
        seeds=said["seeds"],
        folds=None if said["folds"] == "all" else [str(f) for f in said["folds"]],
        k=said["k"],
        choose=said["choose"],
        reference=reference,
        claims=claims.parse(check, said["claims"], whole),
    )


def _factors(check: Checks, raw: Any, known: set[str]) -> Factors:
    check.mapping(raw, "factors")
    check.that(bool(raw), "the grid is empty; name at least one factor with its levels.")
    factors = {str(name): _levels(check, str(name), levels, known) for name, levels in raw.items()}
    owner: dict[str, str] = {}
    for factor, levels in factors.items():
        check.that(
            re.fullmatch(r"[A-Za-z][\w-]*", factor) is not None and factor not in RESERVED,
            f"factor '{factor}' needs another name: only letters, digits, - and _, and not the name of a column of "
            "the table.",
        )
        for key in {key for level in levels.values() for key in level}:
            other = owner.setdefault(key, factor)
            check.that(other == factor, f"factors '{other}' and '{factor}' both set '{key}'; leave it to one of them.")
    return factors


def _levels(check: Checks, factor: str, raw: Any, known: set[str]) -> dict[str, dict[str, Any]]:
    check.mapping(raw, f"factor '{factor}'")
    if set(raw) == {"key", "values"}:
        listed = isinstance(raw["values"], list) and bool(raw["values"])
        check.that(listed, f"factor '{factor}': values must be a list with at least one value.")
        levels = {str(value): {raw["key"]: value} for value in raw["values"]}
        n = len(raw["values"])
    else:
        levels, n = {str(name): level for name, level in raw.items()}, len(raw)
    check.that(len(levels) == n, f"factor '{factor}' has a level twice; give each once.")
    check.that(bool(levels), f"factor '{factor}' has no levels; give it at least one, or remove it.")
    return {n: check.overrides(level, f"factor '{factor}'", known | {"split"}, SPLITS) for n, level in levels.items()}


def _quick(check: Checks, said: dict, factors: Factors, base: dict, known: set[str]) -> tuple[dict, Factors, dict]:
    """What `quick` replaces: more overrides of the base, fewer or changed levels, and keys of the study's own."""
    quick = check.mapping(said["quick"], "quick")
    check.that(bool(quick), "it has no block 'quick'; add one, or leave --quick out.")
    check.known(quick, QUICK, "quick has the key")
    kept = check.mapping(quick.get("factors", {}), "quick.factors")
    check.known(kept, factors, "quick.factors names the factor")
    for factor, levels in kept.items():
        listed = isinstance(levels, list) and bool(levels)
        check.that(listed, f"quick.factors.{factor} must be a list of at least one level to keep.")
        check.known(map(str, levels), factors[factor], f"quick.factors.{factor} names the level")
        factors = factors | {factor: {str(name): factors[factor][str(name)] for name in levels}}
    factors = _changed(check, factors, quick.get("levels", {}), said["factors"], known)
    base = over(base, check.overrides(quick.get("base", {}), "quick.base", known))
    return said | {k: quick[k] for k in ("about", "design", "also", "seeds", "folds") if k in quick}, factors, base


def _changed(check: Checks, factors: Factors, raw: Any, of_file: dict, known: set[str]) -> Factors:
    """The factors with other values of keys that their levels set; a level that quick leaves out may be named."""
    check.known(check.mapping(raw, "quick.levels"), factors, "quick.levels names the factor")
    for factor, levels in raw.items():
        who = f"quick.levels.{factor}"
        check.known(map(str, check.mapping(levels, who)), map(str, of_file[factor]), f"{who} names the level")
        more = {str(name): check.overrides(level, who, known) for name, level in levels.items()}
        own = {key for level in factors[factor].values() for key in level}
        sets = [key for level in more.values() for key in level]
        check.known(sets, own, f"{who} sets", "which no level of this factor sets")
        changed = {name: over(level, more.get(name, {})) for name, level in factors[factor].items()}
        factors = factors | {factor: changed}
    return factors


def _check_rest(check: Checks, said: dict[str, Any]) -> None:
    check.choice(said, "design", DESIGNS)
    check.choice(said, "choose", CHOICES)
    check.choice(said, "split", SPLITS)
    check.seeds(said["seeds"], "seeds")
    folds = said["folds"]
    listed = isinstance(folds, list) and 0 < len(folds) == len({str(f) for f in folds})
    check.that(folds == "all" or listed, "folds must be 'all' or list different folds, as in [fold1, fold2].")
    least = 2 if said["choose"] == "none" else 3
    check.that(type(said["k"]) is int and said["k"] >= least, f"k must be a whole number of at least {least} folds.")
    by_group = {said["split"], *check.splits_named} == {"group"}
    check.that(
        said["choose"] == "none" or by_group,
        "choose: nested needs split: group everywhere; otherwise a leak would decide the choice.",
    )


def _combinations(check: Checks, factors: Factors, said: dict[str, Any]) -> list[dict[str, str]]:
    """The levels of every cell; `also` adds single cells to one_at_a_time, whose other levels are the first ones."""
    also = _also(check, factors, said["also"])
    if said["design"] == "grid":
        check.that(not also, "'also' adds cells to design one_at_a_time; a grid already has them all: leave it out.")
        return [dict(zip(factors, levels, strict=True)) for levels in product(*factors.values())]
    first = {factor: next(iter(levels)) for factor, levels in factors.items()}
    single = [{factor: level} for factor, levels in factors.items() for level in list(levels)[1:]]
    found = [first | levels for levels in ({}, *single, *also)]
    check.that(
        len(found) == len({tuple(f.values()) for f in found}), "'also' names a cell that is there already; remove it."
    )
    return found


def _also(check: Checks, factors: Factors, raw: Any) -> list[dict[str, str]]:
    cells = "also must be a list of cells, each given by those of its levels that are not the first of their factor."
    check.that(isinstance(raw, list), cells)
    return [claims.named_levels(check, factors, entry, f"also {i}") for i, entry in enumerate(raw, 1)]


def _cell(levels: dict[str, str], factors: Factors, base: dict[str, Any], split: str) -> GridCell:
    overrides = dict(base)
    for factor, level in levels.items():
        overrides = over(overrides, factors[factor][level])
    split = overrides.pop("split", split)
    return GridCell(levels, overrides, split)


def _references(check: Checks, raw: Any, factors: Factors, cells: list[GridCell]) -> list[dict[str, Any]]:
    check.that(isinstance(raw, list), "reference must be a list of entries with levels, test, val, note.")
    for i, entry in enumerate(raw, 1):
        check.known(check.mapping(entry, f"reference {i}"), REFERENCE, f"reference {i} has the key")
        claims.named_levels(check, factors, entry.get("levels", {}), f"reference {i}")
        reached = entry.get("epochs_to_60", 1)
        check.that(type(reached) is int and reached > 0, f"reference {i}: epochs_to_60 must be a whole number above 0.")
        for key in ("test", "val"):
            figure = entry.get(key, 0.0)
            share = isinstance(figure, int | float) and 0 <= figure <= 1
            check.that(share, f"reference {i}: {key} must be a share from 0 to 1 (it is {figure!r}).")
    found = [e | {"levels": {f: str(level) for f, level in e.get("levels", {}).items()}} for e in raw]
    for cell in cells:
        mine = [i for i, e in enumerate(found, 1) if e["levels"].items() <= cell.levels.items()]
        check.that(len(mine) < 2, f"references {mine} all belong to the cell {cell.name}; name more of its levels.")
    return found


class _NoDuplicates(yaml.SafeLoader):
    """YAML's safe loader, but a key given twice is an error: the later one would silently replace a level."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for i, key in enumerate(keys):
            if key in keys[:i] and key != "<<":
                raise yaml.constructor.ConstructorError(None, None, f"the key '{key}' is given twice", node.start_mark)
        return super().construct_mapping(node, deep)
