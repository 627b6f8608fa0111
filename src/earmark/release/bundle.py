"""Released models: model.safetensors, config.json, CARD.md and recordings.csv.

Those in `bundles/<task>/` are part of the package.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from earmark.errors import EarmarkError
from earmark.training import model_files
from earmark.training.model_files import ModelConfig

if TYPE_CHECKING:
    from torch import Tensor

ROOT = Path(__file__).parents[1] / "bundles"
LARGEST_BYTES = 8_000_000


def folder(task: str) -> Path | None:
    """The released bundle of a task, or None."""
    path = ROOT / task
    return path if (path / "config.json").exists() else None


def replaced(path: Path) -> str | None:
    """The sentence about the bundle that a new one in this folder replaces; None where there is none.

    Raises EarmarkError where the folder holds a model that is no bundle: a trained one, or a colleague's.
    """
    there = [name for name in ("config.json", "model.safetensors") if (path / name).exists()]
    if not there:
        return None
    if not (path / "CARD.md").exists():
        raise EarmarkError(f"{path} holds a model that is not a bundle ({there[0]}); name another folder with --out.")
    return f"{path} holds a bundle already, which the new one replaces."


def half(weights: "dict[str, Tensor]") -> "dict[str, Tensor]":
    """Weights in half precision; integers stay as they are. Raises EarmarkError for a weight beyond its range."""
    out = {k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in weights.items()}
    beyond = [k for k, v in out.items() if v.is_floating_point() and not v.isfinite().all()]
    if beyond:
        raise EarmarkError(
            f"The weights '{beyond[0]}' exceed the range of half precision (65504); normalise the features "
            "(features.normalize=recording) and train again."
        )
    return out


def size(weights: "dict[str, Tensor]") -> int:
    """Bytes of the weights in half precision, the file's header left out."""
    return sum(v.numel() * (2 if v.is_floating_point() else v.element_size()) for v in weights.values())


def refuse_large(n_bytes: int) -> None:
    """Raise EarmarkError for weights that a bundle does not take."""
    if n_bytes > LARGEST_BYTES:
        raise EarmarkError(
            f"The weights take {n_bytes / 1e6:.1f} MB, but a bundle may have at most {LARGEST_BYTES / 1e6:.0f} MB; "
            "release a smaller network."
        )


def pack(weights: "dict[str, Tensor]") -> bytes:
    """The bytes of model.safetensors. Raises EarmarkError when they are more than a bundle takes."""
    from safetensors.torch import save

    data = save(weights)
    refuse_large(len(data))
    return data


def write(path: Path, config: ModelConfig, data: bytes, card: str, learnt: Iterable[tuple[str, str]] = ()) -> None:
    """Write a bundle; config.json comes last, so a folder that has one is whole.

    data: as `pack` gives it. learnt: hashes of the recordings that it learnt from (`model_files.met_recordings`).
    """
    path.mkdir(parents=True, exist_ok=True)
    for former in ("config.json", model_files.RECORDINGS):
        (path / former).unlink(missing_ok=True)
    model_files.write_learnt(path, learnt)
    (path / "model.safetensors").write_bytes(data)
    (path / "CARD.md").write_text(card, encoding="utf-8")
    (path / "config.json").write_text(json.dumps(asdict(config), indent=2) + "\n", encoding="utf-8")
