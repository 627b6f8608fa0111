"""A trained model's files: model.safetensors, config.json, history.csv, model.txt, recordings.csv.

Knows no task's settings.
"""

import csv
import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from earmark.errors import EarmarkError
from earmark.training.settings import judged_weights
from earmark.training.tagged import from_stored

if TYPE_CHECKING:  # torch takes seconds to import, and most readers of a folder want its facts alone
    from pandas import DataFrame
    from torch import Tensor

RECORDINGS = "recordings.csv"


@dataclass(frozen=True)
class ModelConfig:
    """What it takes to use a model and to know where it came from.

    features, model: settings of the task's own classes. train: the training settings; hashes: the train key and what
    went into it; the key is None in a bundle that no training of the pipeline made. release: what a released bundle
    says of itself (see `bundle`), and the thresholds of a speaker model.
    """

    task: str
    labels: list[str]
    features: Any
    model: Any
    train: dict[str, Any]
    hashes: dict[str, str]
    best_epoch: int
    n_parameters: int
    release: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ResolvedModel:
    """A model folder, its name for people, and a sentence that says which model answers and how to change it.

    source: 'champion' of the registry, the released 'bundle', or what was 'named'. version: in the registry.
    """

    folder: Path
    name: str
    sentence: str
    source: str = "named"
    version: str | None = None

    def plain(self) -> dict[str, str | None]:
        """What JSON says of the model that answered; sha256: of its weights."""
        whole = (self.folder / "model.safetensors").exists()
        sha256 = weights_sha256(self.folder) if whole else None
        return {"name": self.name, "source": self.source, "version": self.version, "sha256": sha256}


def write(
    path: Path,
    config: ModelConfig,
    weights: "dict[str, Tensor]",
    history: list[dict[str, float]],
    text: str,
    learnt: Iterable[tuple[str, str]] = (),
) -> None:
    """Write the folder; config.json comes last, so a folder that has one is whole. learnt: `met_recordings`."""
    from safetensors.torch import save

    path.mkdir(parents=True, exist_ok=True)
    (path / "model.safetensors").write_bytes(save({k: v.contiguous() for k, v in weights.items()}))
    with (path / "history.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, history[0].keys())
        writer.writeheader()
        writer.writerows(history)
    (path / "model.txt").write_text(text)
    write_learnt(path, learnt)
    (path / "config.json").write_text(json.dumps(asdict(config), indent=2) + "\n")


def met_recordings(table: "DataFrame") -> list[tuple[str, str]]:
    """(sha256, split) of the recordings of a manifest that a training meets: all but those of the test split, sorted.

    Empty where the manifest has no hashes.
    """
    if "sha256" not in table:
        return []
    return sorted({(sha, split) for sha, split in zip(table.sha256, table["split"], strict=True) if split != "test"})


def write_learnt(path: Path, learnt: Iterable[tuple[str, str]]) -> None:
    """recordings.csv of a model folder: what it learnt from, by hash alone, so that no name goes with the model.

    learnt: (sha256, split), of recordings trained on and validated on; without any, no file is written.
    """
    if not (rows := list(learnt)):
        return
    with (path / RECORDINGS).open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([("sha256", "split"), *rows])


def read_learnt(path: Path) -> list[tuple[str, str]] | None:
    """What `write_learnt` wrote into a model folder; None where there is no such file, as of earlier releases."""
    if not (path / RECORDINGS).exists():
        return None
    with (path / RECORDINGS).open(newline="") as file:
        return [(row["sha256"], row["split"]) for row in csv.DictReader(file)]


def read_config(path: Path, features: Any, model: Any) -> ModelConfig:
    """Settings of a model folder; features, model: the task's classes or unions of them.

    Raises EarmarkError when there is none, or when this earmark does not know its settings.
    """
    raw = read_plain(path)
    kinds = {"features": features, "model": model}
    try:
        return ModelConfig(**raw | {name: from_stored(kind, raw[name]) for name, kind in kinds.items()})
    except (EarmarkError, KeyError, TypeError, ValueError) as e:
        raise EarmarkError(
            f"{path}/config.json has settings that this earmark does not know ({str(e).rstrip('.')}); use the earmark "
            "that wrote it, or train the model again."
        ) from None


def read_plain(path: Path) -> dict[str, Any]:
    """config.json of a model folder, of whichever task. Raises EarmarkError when there is none."""
    if not (path / "config.json").exists():
        raise EarmarkError(f"There is no trained model in {path}; run `dvc repro` first.")
    found: dict[str, Any] = json.loads((path / "config.json").read_text())
    return found


def read_history(path: Path) -> list[dict[str, float]]:
    """One row an epoch."""
    with (path / "history.csv").open() as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


def read_weights(path: Path) -> "dict[str, Tensor]":
    """Weights of a model folder; half-precision ones are widened to single. Raises EarmarkError where they are none."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    file = path / "model.safetensors"
    try:
        weights = load(file.read_bytes())
    except (SafetensorError, OSError) as e:
        raise EarmarkError(
            f"The weights {file} cannot be read ({' '.join(str(e).split())[:120]}); put the file back (with `dvc "
            "repro` if it is the pipeline's), or name another model with --model."
        ) from None
    return {k: v.float() if v.is_floating_point() else v for k, v in weights.items()}


def weights_sha256(path: Path) -> str:
    """sha256 of model.safetensors: the identity of a model."""
    return hashlib.sha256((path / "model.safetensors").read_bytes()).hexdigest()


def identity(path: Path) -> dict[str, str]:
    """What a finished run is tagged with: the weights' hash, the epoch kept, the size, and which weights are judged."""
    config = read_plain(path)
    facts = {"model_sha256": weights_sha256(path)} | {k: config[k] for k in ("best_epoch", "n_parameters")}
    facts["judged"] = f"val/ and test/: {judged_weights(config['train']['average'])}; train/loss: plain weights"
    return {k: str(v) for k, v in facts.items()}
