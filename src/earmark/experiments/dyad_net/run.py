"""`earmark study studies/dyad_net.yaml`: the notebook's net of 68 parameters, data, training, pictures and all.

The smallest whole example of the project: no audio files, no pipeline, under a minute on one core.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from earmark import config
from earmark.experiments.dyad_net import claims, show, tables
from earmark.experiments.dyad_net.dyads import CQTS
from earmark.experiments.dyad_net.fit import NETS, DyadNetFitSettings, fit
from earmark.experiments.study import kept, plan, single
from earmark.experiments.study import show as study
from earmark.experiments.study.checks import Checks
from earmark.experiments.study.log import StudyLog
from earmark.registry import tracking
from earmark.tasks.overrides import below
from earmark.training.code import code_sha256

KEYS = ("kind", "about", "seeds", "train", "quick")
TRAINING = {f.name: f.type for f in fields(DyadNetFitSettings)}


@dataclass(frozen=True)
class DyadNetSettings:
    """The study of dyad_net. seeds: of each network by its name, dyad (68 parameters) or kernel (30)."""

    name: str
    about: str
    seeds: dict[str, list[int]]
    train: DyadNetFitSettings


def parse(raw: dict[str, Any], file: Path, quick: bool, overrides: list[str]) -> DyadNetSettings:
    """A study file's settings; `overrides` are 'train.key=value' or 'seeds.net=[1]'.

    Raises EarmarkError, one sentence with the file.
    """
    check = Checks(file, "chord")
    check.known(raw, KEYS, "it has the key")
    small = check.mapping(raw.get("quick") or {}, "quick")
    check.known(small, ("seeds", "train"), "quick has the key")
    said = raw | small if quick else raw
    training = dict(check.mapping(raw.get("train") or {}, "train"))
    training |= check.mapping(said.get("train") or {}, "quick: train")
    seeds = dict(check.mapping(said.get("seeds") or {"dyad": [1]}, "seeds"))
    for override in overrides:
        key, value = config.assignment(below("chord", override))
        block, _, last = key.partition(".")
        check.that(
            block in ("train", "seeds") and bool(last),
            f"-S sets '{key}'; this study's keys begin with train or seeds, as in train.epochs=5 or seeds.dyad=[11].",
        )
        (training if block == "train" else seeds)[last] = value
    check.known(seeds, NETS, "seeds names the network")
    for net, some in seeds.items():
        check.seeds(some, f"seeds.{net}")
    _check_training(check, training)
    name = plan.name_of(file, quick)
    return DyadNetSettings(name, str(raw.get("about") or ""), seeds, DyadNetFitSettings(**training))


def _check_training(check: Checks, training: dict[str, Any]) -> None:
    check.known(training, TRAINING, "train has the key")
    for key, value in training.items():
        if key == "cqt":
            check.choice(training, key, tuple(CQTS))
            continue
        whole = TRAINING[key] is int
        right = type(value) is int and value > 0 if whole else type(value) in (int, float) and 0 <= value < math.inf
        check.that(
            right,
            f"train.{key} must be a {'whole number above 0' if whole else 'number of at least 0'}, not {value!r}.",
        )
    check.that(training.get("batch_size", 2) % 2 == 0, "train.batch_size must be even: half major, half minor.")
    wanted = training.get("cqt", DyadNetFitSettings.cqt) == "librosa"
    check.that(
        not wanted or find_spec("librosa") is not None,
        "train.cqt is librosa, as in the notebook that is studied, but librosa is not installed; `pip install "
        "librosa`, or take our own transform with -S train.cqt=earmark.",
    )


def run(
    raw: dict[str, Any],
    file: Path,
    quick: bool,
    overrides: list[str],
    out: Path | None,
    say: Callable[[str], None],
) -> None:
    """Train what is missing, then write, print and log everything."""
    settings = parse(raw, file, quick, overrides)

    def work(log: StudyLog, tracker: tracking.Tracker) -> single.Outcome:
        results = _results(settings, say)
        if not log.whole:
            for row in show.drawn_result(results)["history"]:
                tracker.log(log.run_id, {k: v for k, v in row.items() if k != "epoch"}, row["epoch"])
        return _write(settings, results, file, out or Path("study") / settings.name)

    story = single.Story(settings.name, "chord", settings.about, max(settings.seeds.values(), key=len))
    single.run(story, [settings.seeds, _key_parts(settings)], work, say)


def _key_parts(settings: DyadNetSettings) -> list:
    inputs = version("librosa") if settings.train.cqt == "librosa" else ""
    return [asdict(settings.train), code_sha256("earmark.experiments.dyad_net.fit"), torch.__version__, inputs]


def _results(settings: DyadNetSettings, say: Callable[[str], None]) -> list[dict]:
    """A result for each network and seed; those that are there from before are read."""
    torch.set_num_threads(1)  # so small a network is slower on two
    found = []
    for net, seeds in settings.seeds.items():
        for seed in seeds:
            path = kept.file("dyad_net", net, seed, _key_parts(settings))
            found.append(kept.result(path, lambda n=net, s=seed: fit(n, s, settings.train), lambda r: _tell(r, say)))
    return found


def _tell(result: dict, say: Callable[[str], None]) -> None:
    say(f"{result['net']}, seed {result['seed']}: validation loss {result['history'][-1]['val_loss']:.4f}")


def _write(
    settings: DyadNetSettings, results: list[dict], file: Path, out: Path
) -> tuple[list[Path], dict[str, float]]:
    """All files below `out`, and the figures of metrics.json; prints the tables."""
    table = tables.networks(results)
    figures, judged = tables.figures_of(table), claims.claims_table(results)
    more = {"table": table, "claims": judged, "history": tables.histories(results), "kernels": tables.kernels(results)}
    files = single.write(out, file, more, figures)
    pictures = show.pictures(out, results, settings.train.cqt)
    tables.show(settings.name, settings.about, table, show.drawn_result(results), figures)
    study.verdicts(judged)
    return [*files, *pictures], figures
