"""A trained model's files, as a training writes them; it knows no task's settings. `model_folder` reads them."""

import csv
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # torch takes seconds to import, and most readers of a folder want its facts alone
    from torch import Tensor


@dataclass(frozen=True)
class ModelConfig:
    """What it takes to use a model and to know where it came from.

    features, model: settings of the task's own classes. train: the training settings; hashes: the train key and what
    went into it; release: what a released bundle says about itself (see `bundle`), empty for any other model.
    """

    task: str
    labels: list[str]
    features: Any
    model: Any
    train: dict
    hashes: dict[str, str]
    best_epoch: int
    n_parameters: int
    release: dict = field(default_factory=dict)


def write(path: Path, config: ModelConfig, weights: "dict[str, Tensor]", history: list[dict], text: str) -> None:
    """Write the folder; config.json comes last, so a folder that has one is whole."""
    from safetensors.torch import save

    path.mkdir(parents=True, exist_ok=True)
    (path / "model.safetensors").write_bytes(save({k: v.contiguous() for k, v in weights.items()}))
    with (path / "history.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, history[0].keys())
        writer.writeheader()
        writer.writerows(history)
    (path / "model.txt").write_text(text)
    (path / "config.json").write_text(json.dumps(asdict(config), indent=2) + "\n")
