"""Feature stores of manifests, kept by what they depend on."""

import hashlib
import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from earmark.data import manifest


def features_of(extract: Callable[[Path], None], table: pd.DataFrame, settings: Any, cache: Path) -> Path:
    """A folder below `cache` with the feature store of a manifest, made once for each manifest and feature settings.

    extract: writes the store of the table with these settings into a folder.
    """
    parts = [manifest.digest(table), list(table.path), asdict(settings)]
    key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
    if not (cache / key / "store.json").exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as beside:
            extract(Path(beside) / key)
            (Path(beside) / key).rename(cache / key)
    return cache / key
