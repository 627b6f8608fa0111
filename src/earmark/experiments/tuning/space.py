"""A space of settings: what a trial may change, as distributions of Optuna, and what it makes of params.yaml.

A block of one of several kinds (`train.schedule`) is a branch: its name is drawn as a category, and the keys of that
kind under names of their own (`train.schedule.step.gamma`), since two kinds may give one key other bounds.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from earmark.errors import EarmarkError
from earmark.experiments.study.checks import Checks
from earmark.training import tagged

RANGES = ("float", "log", "int")
WORDS = (*RANGES, "step", "choice", "levels", "branches")
Params = Mapping[str, Any]  # values by name, as Optuna keeps them
Overrides = dict[str, Any]  # values by dotted key below tasks.TASK


@dataclass(frozen=True)
class Parameter:
    """One dimension.

    name: in Optuna; key: dotted, below tasks.TASK. levels: of a choice that sets several keys, what each sets.
    where: the branch and its kind without which the dimension does not exist.
    """

    name: str
    key: str
    distribution: BaseDistribution
    levels: Mapping[str, Overrides] | None = None
    where: tuple[str, str] | None = None

    def active(self, params: Params) -> bool:
        """Whether a trial of these values has this dimension."""
        return self.where is None or params.get(self.where[0]) == self.where[1]

    def probes(self) -> list[Any]:
        """Some values: all of a choice; of a range its ends and one between them."""
        if isinstance(self.distribution, CategoricalDistribution):
            return list(self.distribution.choices)
        low, high = self.distribution.low, self.distribution.high
        return [low, low + (high - low) // 2 if isinstance(low, int) else (low + high) / 2, high]

    @property
    def listed(self) -> bool:
        """Whether it is one setting, whose values a person wrote down: one that is never possible is a mistake."""
        return self.levels is None and isinstance(self.distribution, CategoricalDistribution)

    def sets(self, value: Any) -> Overrides:
        """What a value of it sets."""
        return dict(self.levels[value]) if self.levels is not None else {self.key: value}

    def sets_keys(self) -> set[str]:
        """The keys that it sets, whatever its value."""
        return {key for level in self.levels.values() for key in level} if self.levels is not None else {self.key}

    def today(self, settings: Any) -> Any:
        """Its value in settings; None for levels of which none is set."""
        if self.levels is None:
            return at(settings, self.key)
        fits = (n for n, level in self.levels.items() if all(same(at(settings, k), v) for k, v in level.items()))
        return next(fits, None)


@dataclass(frozen=True)
class Space:
    """Dimensions in order: a branch before what it has below it."""

    parameters: list[Parameter]

    def drawn(self, suggest: "Any") -> dict[str, Any]:
        """Values of all dimensions that there are. suggest: (name, distribution) -> value, as of a trial of Optuna."""
        found: dict[str, Any] = {}
        for parameter in self.parameters:
            if parameter.active(found):
                found[parameter.name] = suggest(parameter.name, parameter.distribution)
        return found

    def overrides(self, params: Params) -> Overrides:
        """What values set, by dotted key below tasks.TASK."""
        found: Overrides = {}
        for parameter in self.parameters:
            if parameter.name in params and parameter.active(params):
                found |= parameter.sets(params[parameter.name])
        return found

    def distributions(self, params: Params) -> dict[str, BaseDistribution]:
        """The dimensions that values have."""
        return {p.name: p.distribution for p in self.parameters if p.name in params}

    def today(self, settings: Any) -> dict[str, Any]:
        """The values of settings, which are those of params.yaml. Raises EarmarkError where they are not in the space.

        settings: of the task.
        """
        found: dict[str, Any] = {}
        for parameter in self.parameters:
            if not parameter.active(found):
                continue
            value = parameter.today(settings)
            if not _contains(parameter.distribution, value):
                raise EarmarkError(_outside(parameter, settings))
            found[parameter.name] = value
        return found

    def plain(self) -> list[dict[str, Any]]:
        """Everything that decides what is drawn, for a hash and for people."""
        return [
            {
                **{"name": p.name, "key": p.key, "kind": type(p.distribution).__name__, "where": p.where},
                **{k: _listed(v) for k, v in vars(p.distribution).items()},
                "levels": p.levels,
            }
            for p in self.parameters
        ]


def _contains(distribution: BaseDistribution, value: Any) -> bool:
    try:
        return bool(distribution._contains(distribution.to_internal_repr(value)))
    except (TypeError, ValueError):
        return False


def _outside(parameter: Parameter, settings: Any) -> str:
    """That a setting of today is none of those that are tried."""
    if parameter.levels is not None:
        keys = sorted(parameter.sets_keys())
        now = ", ".join(f"{key} {at(settings, key)!r}" for key in keys)
        return (
            f"params.yaml with the base of this file has {now}, which is not one of the levels of '{parameter.name}'; "
            "add it as one, or set another in base."
        )
    now = at(settings, parameter.key)
    return (
        f"params.yaml with the base of this file has {parameter.key} {now!r}, which is not in the range of "
        f"'{parameter.name}'; widen it, or set {parameter.key} in base: the first trial is the setting in params.yaml."
    )


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def at(settings: Any, key: str) -> Any:
    """The value of a dotted key below a task's settings; None where their branch has none."""
    for part in key.split("."):
        settings = getattr(settings, part, None)
    return settings


def same(one: Any, other: Any) -> bool:
    """Whether a setting has a value, lists and tuples alike; of a block what the value names, the rest is as it is."""
    if is_dataclass(one) and isinstance(other, Mapping):
        return all(same(getattr(one, key, None), value) for key, value in other.items())
    return _listed(one) == _listed(other) and isinstance(one, bool) == isinstance(other, bool)


def parse(check: Checks, raw: Any, known: Mapping[str, Any]) -> Space:
    """The space of a file. known: every dotted key below the task, with its type.

    Raises EarmarkError, one sentence with the file, the key and the remedy.
    """
    check.that(bool(check.mapping(raw, "space")), "the space is empty; name at least one key with its range.")
    parameters = [p for name, entry in raw.items() for p in _entry(check, str(name), entry, known)]
    owner: dict[tuple[str, tuple[str, str] | None], str] = {}
    for parameter in parameters:
        for key in sorted(parameter.sets_keys()):
            mine = owner.setdefault((key, parameter.where), parameter.name)
            check.that(mine == parameter.name, f"'{mine}' and '{parameter.name}' both set '{key}'; leave it to one.")
    return Space(parameters)


def _entry(check: Checks, name: str, raw: Any, known: Mapping[str, Any]) -> Iterator[Parameter]:
    """The dimensions of one entry of the file."""
    who = f"space '{name}'"
    example = "as in {float: [0.1, 0.5]} or {choice: [16, 32]}"
    check.that(isinstance(raw, Mapping), f"{who} must list the values to try, {example}.")
    words = check.mapping(raw, who)
    check.known(words, WORDS, f"{who} has the word")
    what = [word for word in words if word != "step"]
    said = ", ".join(w for w in WORDS if w != "step")
    check.that(len(what) == 1, f"{who} needs exactly one of {said}.")
    if what == ["levels"]:
        yield _levels(check, name, words, known)
        return
    check.overrides({name: None}, "space", set(known))  # that there is such a key
    if what == ["branches"]:
        yield from _branches(check, name, words, known)
    else:
        block = bool(tagged.branches(known[name]))
        check.that(
            not block, f"{who} is a block that comes in several kinds; name these under branches, or use levels."
        )
        yield Parameter(name, name, _distribution(check, who, words, known[name]))


def _levels(check: Checks, name: str, words: dict, known: Mapping[str, Any]) -> Parameter:
    """A choice of names, each of which sets keys."""
    who = f"space '{name}'"
    check.that("step" not in words, f"{who}: step belongs to a range of numbers; leave it out.")
    levels = check.mapping(words["levels"], f"{who}: levels")
    check.that(len(levels) > 1, f"{who} has fewer than two levels; add one, or set its keys in base.")
    sets = {str(n): check.overrides(level, f"{who}, level '{n}',", set(known)) for n, level in levels.items()}
    return Parameter(name, name, CategoricalDistribution(list(sets)), sets)


def _branches(check: Checks, name: str, words: dict, known: Mapping[str, Any]) -> Iterator[Parameter]:
    """The kinds of a block, and what is drawn below each."""
    who, of = f"space '{name}'", tagged.branches(known[name])
    check.that("step" not in words, f"{who}: step belongs to a range of numbers; leave it out.")
    check.that(bool(of), f"{who} has branches, but does not come in several kinds; give it a range or a choice.")
    kinds = check.mapping(words["branches"], f"{who}: branches")
    check.known(kinds, of, f"{who} names the kind")
    check.that(len(kinds) > 1, f"{who} has fewer than two branches; add one, or set {name}.name in base.")
    yield Parameter(name, f"{name}.name", CategoricalDistribution([str(kind) for kind in kinds]))
    for kind, keys in kinds.items():
        types = {k: t for k, t in tagged.types(of[str(kind)]).items() if k != "name" and not is_dataclass(t)}
        below = f"{who}, branch '{kind}',"
        for key, entry in check.mapping(keys if keys is not None else {}, below).items():
            check.known([key], types, f"{below} has the key")
            its = check.mapping(entry, f"{below} key '{key}'")
            check.known(its, (*RANGES, "step", "choice"), f"{below} key '{key}' has the word")
            drawn = _distribution(check, f"{who}, branch '{kind}', key '{key}'", its, types[key])
            yield Parameter(f"{name}.{kind}.{key}", f"{name}.{key}", drawn, where=(name, str(kind)))


def _distribution(check: Checks, who: str, words: dict, kind: Any) -> BaseDistribution:
    """The distribution of a range or a choice, which fits a setting of this type."""
    what = [word for word in words if word != "step"]
    check.that(len(what) == 1, f"{who} needs exactly one of {', '.join((*RANGES, 'choice'))}.")
    if what == ["choice"]:
        return _choice(check, who, words)
    (word,) = what
    low, high = _ends(check, who, word, words[word])
    check.that(_takes(kind, word), f"{who} is a range of '{word}', which this setting does not take; list a choice.")
    step = _step(check, who, word, words, high - low)
    if word == "int":
        return IntDistribution(low, high, step=step or 1)
    return FloatDistribution(float(low), float(high), log=word == "log", step=step)


def _choice(check: Checks, who: str, words: dict) -> CategoricalDistribution:
    values = words["choice"]
    check.that("step" not in words, f"{who}: step belongs to a range of numbers; leave it out.")
    plain = isinstance(values, list) and all(v is None or isinstance(v, str | int | float | bool) for v in values)
    check.that(
        plain and len(values) > 1,
        f"{who}: choice must list two or more plain values; use levels for values that are lists or set several keys.",
    )
    different = len({(type(v) is bool, v) for v in values}) == len(values)
    check.that(different, f"{who}: choice gives a value twice; give each once.")
    return CategoricalDistribution(values)


def _ends(check: Checks, who: str, word: str, raw: Any) -> tuple[Any, Any]:
    numbers = isinstance(raw, list) and len(raw) == 2 and all(_number(v, word) for v in raw)
    example = "[1, 8]" if word == "int" else "[0.001, 0.1]"
    a = "whole numbers" if word == "int" else "numbers"
    text = any(isinstance(v, str) for v in raw) if isinstance(raw, list) else False
    hint = " (YAML reads 1e-3 as text, 1.0e-3 as a number)" if text else ""
    check.that(numbers, f"{who}: {word} must hold two {a}, the lowest and the highest, as in {example}{hint}.")
    low, high = raw
    check.that(low < high, f"{who}: the bounds {low:g} and {high:g} are not in order; the lower one comes first.")
    check.that(word != "log" or low > 0, f"{who}: log needs a lowest value above 0 (it is {low:g}).")
    return low, high


def _number(value: Any, word: str) -> bool:
    kind = int if word == "int" else int | float
    return isinstance(value, kind) and not isinstance(value, bool) and math.isfinite(value)


def _step(check: Checks, who: str, word: str, words: dict, width: float) -> Any:
    """The grid of a range; None without one."""
    step = words.get("step")
    if step is None:
        return None
    check.that(word != "log", f"{who}: a log range has no step; leave it out.")
    fits = _number(step, word) and 0 < step <= width
    check.that(fits, f"{who}: step must be a number above 0 and at most the range's width ({width:g}).")
    whole = abs(width / step - round(width / step)) < 1e-9
    check.that(whole, f"{who}: the range is not a whole number of steps of {step:g}; change the step or a bound.")
    return step


def _takes(kind: Any, word: str) -> bool:
    """Whether a setting of this type may be any number of a range."""
    kinds = getattr(kind, "__args__", (kind,))
    return int in kinds or float in kinds if word == "int" else float in kinds
