"""`earmark study studies/siamese_blstm.yaml`: from the asker's network to one that learns, change by change."""

import copy
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from earmark import config, console
from earmark.experiments.siamese_blstm import claims, pictures, show
from earmark.experiments.siamese_blstm import data as voices
from earmark.experiments.siamese_blstm.data import VoiceRecordings, VoiceSettings
from earmark.experiments.siamese_blstm.fit import fit
from earmark.experiments.siamese_blstm.step import SiameseBlstmFitSettings, WalkStep
from earmark.experiments.study import kept, plan, single
from earmark.experiments.study.checks import Checks
from earmark.tasks.overrides import below, put_in
from earmark.tasks.speaker.settings import PairSettings, SpeakerFeatureSettings, SpeakerModelSettings
from earmark.training.code import code_sha256

KEYS = ("kind", "about", "seeds", "data", "features", "model", "pair", "train", "steps", "quick")
STEP_KEYS = ("name", "from", "why", "set")


@dataclass(frozen=True)
class Base:
    """What the first step starts from."""

    data: VoiceSettings
    features: SpeakerFeatureSettings
    model: SpeakerModelSettings
    pair: PairSettings
    train: SiameseBlstmFitSettings


@dataclass(frozen=True)
class SiameseBlstmSettings:
    """The walk. why: step -> what it changes, for people."""

    name: str
    about: str
    seeds: list[int]
    base: Base
    steps: list[WalkStep]
    why: dict[str, str]


def parse(raw: dict[str, Any], file: Path, quick: bool, overrides: list[str]) -> SiameseBlstmSettings:
    """A study file's settings; `overrides` are 'data.root=FOLDER' and the like, and hold for the first step.

    Raises EarmarkError, one sentence with the file.
    """
    check = Checks(file, "speaker")
    check.known(raw, KEYS, "it has the key")
    small = check.mapping(raw.get("quick") or {}, "quick") if quick else {}
    seeds = check.seeds(small.get("seeds", raw.get("seeds", [1])), "seeds")
    start = {f.name: copy.deepcopy(raw.get(f.name)) for f in fields(Base)}
    said = [config.assignment(below("speaker", override)) for override in overrides]
    changes = [(k, v) for k, v in small.items() if k != "seeds"] + said
    for key, value in changes:
        put_in(start, Base, key, value, f"key '{key}'")
    base = config.typed(Base, start, str(file))
    steps, why = _steps(check, raw.get("steps"), start)
    return SiameseBlstmSettings(plan.name_of(file, quick), str(raw.get("about") or ""), seeds, base, steps, why)


def _steps(check: Checks, raw: Any, state: dict[str, Any]) -> tuple[list[WalkStep], dict[str, str]]:
    """Each step is the one before it, or the one that its `from` names, with some keys changed."""
    check.that(isinstance(raw, list) and bool(raw), "steps must list at least one step.")
    found = []
    why = {}
    states = {}
    for one in raw:
        check.known(check.mapping(one, "a step"), STEP_KEYS, "a step has the key")
        name = str(one.get("name") or "")
        check.that(bool(name) and name not in why, f"each step needs a name of its own, not '{name}'.")
        if "from" in one:
            check.known([one["from"]], states, f"step {name} goes on from the step")
            state = copy.deepcopy(states[one["from"]])
        for key, value in check.mapping(one.get("set") or {}, f"steps: {name}: set").items():
            check.that(
                key.split(".")[0] in ("model", "pair", "train"),
                f"step {name} sets '{key}', which holds for all steps; set it outside of steps.",
            )
            put_in(state, Base, key, value, f"key '{key}'")
        found.append(_step(check, name, config.typed(Base, state, f"{check.file}, step {name}")))
        states[name], why[name] = copy.deepcopy(state), str(one.get("why") or "")
    return found, why


def _step(check: Checks, name: str, now: Base) -> WalkStep:
    """What a step's settings come to. Raises EarmarkError for what the walk has no form for."""
    check.that(now.model.name == "blstm", f"step {name}: model.name must be blstm, the network of this study.")
    views = now.features.normalize
    check.that(views != "both", "features.normalize must be level or bands: this study's network takes one input.")
    if now.train.loss == "pairs":
        clear_of_zero = now.pair.positive == "clip" or now.model.head != "prelu"
        check.that(clear_of_zero, f"step {name}: pair.positive add needs model.head softplus or softmax, not prelu.")
    return WalkStep(name, views, now.model, now.pair, now.train)


def run(
    raw: dict[str, Any],
    file: Path,
    quick: bool,
    overrides: list[str],
    out: Path | None,
    say: Callable[[str], None],
    progress: Callable[[Iterable, int, str], Iterable] = console.progress,
) -> None:
    """Train what is missing, then write, print and log everything."""
    settings = parse(raw, file, quick, overrides)
    found = voices.recordings(settings.base.data, console.warn, progress)
    parts = [
        asdict(settings.base.features),
        found.sha256,
        code_sha256("earmark.experiments.siamese_blstm.fit"),
        torch.__version__,
    ]
    steps = [asdict(s) for s in settings.steps]
    factors = {"step": [step.name for step in settings.steps]}
    story = single.Story(settings.name, "speaker", settings.about, settings.seeds, factors)

    def work(*_) -> single.Outcome:
        results = _results(settings, found, parts, say, progress)
        return _write(settings, results, found, file, out or Path("study") / settings.name)

    single.run(story, [settings.seeds, steps, parts], work, say)


def _results(
    settings: SiameseBlstmSettings, found: VoiceRecordings, parts: list, say: Callable[[str], None], progress: Callable
) -> list[dict]:
    """A result for each step and seed; those that are there from before are read."""
    torch.set_num_threads(1)  # LSTMs of this size are slower on two
    heard = cache(lambda: voices.sounds(found, settings.base.features, progress))  # when a training asks for it
    results = []
    for seed in settings.seeds:
        for step in settings.steps:
            path = kept.file("siamese_blstm", asdict(step), seed, parts)
            results.append(
                kept.result(path, lambda t=step, s=seed: fit(t, heard(), s), lambda r: say(show.sentence(r)))
            )
    return results


def _write(
    settings: SiameseBlstmSettings, results: list[dict], found: VoiceRecordings, file: Path, out: Path
) -> tuple[list[Path], dict[str, float]]:
    """All files below `out`, and the figures of metrics.json; prints the table and what the claims come to."""
    seeds = pd.DataFrame([show.row(r) for r in results])
    table = show.medians(seeds, settings.why)
    judged = claims.claims_table(claims.WalkResults(results, found))
    numbers = table.drop(columns="why").set_index("step").select_dtypes("number").stack()
    figures = {f"{step}_{name}": float(v) for (step, name), v in numbers.items() if v == v}
    tables = {"table": table, "claims": judged, "seeds": seeds, "curves": show.curves(results)}
    files = single.write(out, file, tables, figures)
    drawn = pictures.draw(out, results, table)
    show.print_all(settings.name, settings.about, table, judged)
    return [*files, *drawn], figures
