"""What identifies a training: hashes of its parameters, data and code; and what every training needs."""

import hashlib
import json
from dataclasses import asdict
from typing import Any

import pandas as pd

from earmark.errors import EarmarkError
from earmark.training.code import code_sha256
from earmark.training.settings import LoopSettings


def hashes(module: str, settings: list[Any], store_sha256: str, *rows: pd.DataFrame) -> dict[str, str]:
    """Hashes of parameters, data and code, and the train key over all three.

    module: the one that trains, with everything that it imports. settings: dataclasses. rows: what of the
    manifest, and of tables beside it, decides a training.
    """
    parts = {
        "params_sha256": _sha256(json.dumps([asdict(s) for s in settings], sort_keys=True)),
        "data_sha256": data_sha256(store_sha256, *rows),
        "code_sha256": code_sha256(module),
    }
    return {"train_key": _sha256("".join(parts.values()))} | parts


def data_sha256(store_sha256: str, *rows: pd.DataFrame) -> str:
    """Hash of the data that decide a training: the feature store's, and rows of manifest and tables beside it."""
    return _sha256(store_sha256 + "".join(table.to_csv(index=False, lineterminator="\n") for table in rows))


def recipe(settings: Any) -> dict[str, dict[str, Any]]:
    """What makes a model out of recordings, as plain JSON: features, model and train settings."""
    parts = {"features": settings.features, "model": settings.model, "train": settings.train}
    found: dict[str, dict[str, Any]] = json.loads(json.dumps({name: asdict(part) for name, part in parts.items()}))
    return found


def flatten(settings: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested settings as dotted keys."""
    flat: dict[str, str] = {}
    for key, value in settings.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": str(value)}
    return flat


def require_validation(settings: LoopSettings, n: int) -> None:
    """Raise EarmarkError where something is decided on validation recordings and there are none (n of them)."""
    if settings.needs_validation and not n:
        raise EarmarkError(
            f"train.keep '{settings.keep}' with schedule '{settings.schedule.name}' needs validation recordings, "
            "but there are none; set data.val_share above 0, or train.keep to last and another schedule."
        )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
