"""`earmark study studies/seed001.yaml`: the 68-parameter net of seed 001, data, training, pictures and all.

The smallest whole example of the project: no audio files, no pipeline, under a minute on one core.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from rich.console import Console
from rich.table import Table

from earmark import config
from earmark.experiments.seed001 import show
from earmark.experiments.seed001.dyads import CQTS
from earmark.experiments.seed001.fit import NETS, FitSettings, fit
from earmark.experiments.study import kept, single
from earmark.experiments.study.checks import Checks
from earmark.experiments.study.log import StudyLog
from earmark.registry import tracking
from earmark.tasks.overrides import below
from earmark.training.code import code_sha256

HIS_LOSS = 0.0022  # his validation loss after 15 epochs
KEYS = ("kind", "about", "seeds", "train", "quick")
TRAINING = {f.name: f.type for f in fields(FitSettings)}


@dataclass(frozen=True)
class Settings:
    """A study of seed 001. seeds: of each network by its name, dyad (68 parameters) or kernel (30)."""

    name: str
    about: str
    seeds: dict[str, list[int]]
    train: FitSettings


def parse(raw: dict[str, Any], file: Path, quick: bool, overrides: list[str]) -> Settings:
    """A study file's settings; `overrides` are 'train.key=value'. Raises EarmarkError, one sentence with the file."""
    check = Checks(file, "chord")
    check.known(raw, KEYS, "the key")
    small = check.mapping(raw.get("quick") or {}, "quick")
    check.known(small, ("seeds", "train"), "quick has the key")
    said = raw | small if quick else raw
    training = dict(check.mapping(raw.get("train") or {}, "train"))
    training |= check.mapping(said.get("train") or {}, "quick: train")
    for override in overrides:
        key, value = config.assignment(below("chord", override))
        check.that(
            key.startswith("train."), f"-S sets '{key}'; this study's keys begin with train, as in train.epochs=5."
        )
        training[key.removeprefix("train.")] = value
    seeds = check.mapping(said.get("seeds") or {"dyad": [1]}, "seeds")
    check.known(seeds, NETS, "seeds names the network")
    for net, some in seeds.items():
        check.seeds(some, f"seeds.{net}")
    _check_training(check, training)
    name = file.stem + ("-quick" if quick else "")
    return Settings(name, str(raw.get("about") or ""), seeds, FitSettings(**training))


def _check_training(check: Checks, training: dict[str, Any]) -> None:
    check.known(training, TRAINING, "train has the key")
    for key, value in training.items():
        if key == "cqt":
            check.choice(training, key, tuple(CQTS))
            continue
        whole = TRAINING[key] is int
        right = type(value) is int and value > 0 if whole else type(value) in (int, float) and 0 <= value < math.inf
        check.that(
            right, f"train.{key} must be a {'whole number above 0' if whole else 'number from 0'}, not {value!r}."
        )
    check.that(training.get("batch_size", 2) % 2 == 0, "train.batch_size must be even: half major, half minor.")


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
            for row in show.shown(results)["history"]:
                tracker.log(log.run_id, {k: v for k, v in row.items() if k != "epoch"}, row["epoch"])
        return _write(settings, results, file, out or Path("study") / settings.name)

    story = single.Story(settings.name, "chord", settings.about, max(settings.seeds.values(), key=len))
    single.run(story, [settings.seeds, _key_parts(settings)], work, say)


def _key_parts(settings: Settings) -> list:
    return [asdict(settings.train), code_sha256("earmark.experiments.seed001.fit"), torch.__version__]


def _results(settings: Settings, say: Callable[[str], None]) -> list[dict]:
    """A result for each network and seed; those that are there from before are read."""
    torch.set_num_threads(1)  # so small a network is slower on two
    found = []
    for net, seeds in settings.seeds.items():
        for seed in seeds:
            path = kept.file("seed001", net, seed, _key_parts(settings))
            found.append(kept.result(path, lambda n=net, s=seed: fit(n, s, settings.train), lambda r: _tell(r, say)))
    return found


def _tell(result: dict, say: Callable[[str], None]) -> None:
    say(f"{result['net']}, seed {result['seed']}: validation loss {result['history'][-1]['val_loss']:.4f}")


def row(result: dict) -> dict[str, Any]:
    """One line of the table."""
    history = pd.DataFrame(result["history"])
    right = history.epoch[history.val_accuracy == 1]
    line = {k: result[k] for k in ("net", "seed", "parameters", "alive_at_start")}
    line |= {"epoch_of_accuracy_1": int(right.iloc[0]) if len(right) else None}
    line |= {"val_loss": history.val_loss.iloc[-1], "best_val_loss": history.val_loss.min()}
    line |= {"val_accuracy": history.val_accuracy.iloc[-1]}
    line |= {k: result[k] for k in result if k.startswith(("unseen", "quarter"))}
    return line | {f"accuracy_without_{k}": a for k, a in enumerate(result["accuracy_without"], 1)}


def figures_of(table: pd.DataFrame) -> dict[str, float]:
    """Shares of seeds that reach what seed 001 reached, and medians, `<net>_<figure>`."""
    found = {}
    for net, rows in table.groupby("net", sort=False):
        mine = {
            "seeds": len(rows),
            "parameters": int(rows.parameters.iloc[0]),
            "share_accuracy_1_after_epoch_1": float((rows.epoch_of_accuracy_1 == 1).mean()),
            "share_accuracy_1": float(rows.epoch_of_accuracy_1.notna().mean()),
            "share_loss_as_low_as_his": float((rows.best_val_loss <= HIS_LOSS).mean()),
        }
        mine |= {f"median_{k}": float(rows[k].median()) for k in ("val_loss", "unseen_loss", "quarter_tones_loss")}
        found |= {f"{net}_{k}": v for k, v in mine.items()}
    return found


def _write(settings: Settings, results: list[dict], file: Path, out: Path) -> tuple[list[Path], dict[str, float]]:
    """All files below `out`, and the figures of metrics.json; prints the table."""
    table = pd.DataFrame([row(r) for r in results])
    figures = figures_of(table)
    files = single.write(out, file, {"table": table}, figures)
    pictures = show.pictures(out, results, settings.train.cqt)
    _print(settings, table, figures)
    return [*files, *pictures], figures


def _print(settings: Settings, table: pd.DataFrame, figures: dict[str, float]) -> None:
    names = ["net", "seed", "alive_at_start", "epoch_of_accuracy_1", "val_loss", "best_val_loss", "unseen_loss"]
    shown = Table(*(n.replace("_", " ") for n in names), title=settings.name, caption=settings.about or None)
    for line in table[names].astype(object).where(table[names].notna(), None).to_dict("records"):
        cells = [
            f"{v:.4f}" if n.endswith("loss") else "–" if v is None else f"{v:g}" if n != "net" else v
            for n, v in line.items()
        ]
        shown.add_row(*cells)
    console = Console()
    console.print(shown)
    for key, value in figures.items():
        console.print(f"{key} {value:.4g}", markup=False, highlight=False)
