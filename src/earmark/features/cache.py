"""Feature stores of manifests, kept by what they depend on."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock

from earmark.data import manifest


def features_of(extract: Callable[[Path], None], table: pd.DataFrame, settings: Any, cache: Path) -> Path:
    """A folder below `cache` with the feature store of a manifest, made once for each manifest and feature settings.

    extract: writes the store of the table with these settings into a folder.
    """
    parts = [manifest.digest(table), list(table.path), asdict(settings)]
    key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
    if not (cache / key / "store.json").exists():
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / f"{key}.lock"):  # two processes that want it extract it once
            if not (cache / key / "store.json").exists():
                with tempfile.TemporaryDirectory(dir=cache) as beside:
                    extract(Path(beside) / key)
                    (Path(beside) / key).rename(cache / key)
    return cache / key


def seen_with(folder: Path, settings: Any) -> Path:
    """A folder beside a store's, with its files and other settings, whose frames are the same; made once."""
    key = hashlib.sha256(json.dumps([folder.name, asdict(settings)], sort_keys=True).encode()).hexdigest()[:16]
    place = folder.parent / key
    if not (place / "store.json").exists():
        with tempfile.TemporaryDirectory(dir=folder.parent) as beside:
            shutil.copytree(folder, Path(beside) / key, copy_function=_linked)
            meta = json.loads((folder / "store.json").read_text())
            meta["settings"] = asdict(settings)
            meta["sha256"] = hashlib.sha256(json.dumps([meta["sha256"], meta["settings"]]).encode()).hexdigest()
            (Path(beside) / key / "store.json").unlink()  # a link: the other store's is not written into
            (Path(beside) / key / "store.json").write_text(json.dumps(meta))
            with suppress(OSError):  # another process was faster
                (Path(beside) / key).rename(place)
    for file in folder.iterdir():  # what baselines read may have come later
        if not (place / file.name).exists():
            _linked(str(file), str(place / file.name))
    return place


def _linked(source: str, target: str) -> None:
    """One file under two names, where the file system can; else a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
