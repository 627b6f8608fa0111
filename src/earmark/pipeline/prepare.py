"""The first stage: read a source, try every file, quarantine what cannot be used, split by group (or speaker)."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from earmark.data import manifest
from earmark.data.corpus import Corpora, Warn
from earmark.data.reading import Progress, read
from earmark.data.settings import DataSettings


@dataclass(frozen=True)
class Prepared:
    """The recordings with their `split` (and `fold`), those that cannot be used (path, reason), tables beside them."""

    table: pd.DataFrame
    quarantined: pd.DataFrame
    beside: dict[str, pd.DataFrame]


def run(corpora: Corpora, data: DataSettings, root: Path, warn: Warn, progress: Progress) -> Prepared:
    """Read, check and split one task's recordings. Raises EarmarkError when the source is not usable as a whole."""
    table, quarantined = read(corpora, data, root, warn, progress)
    corpora.check(table, quarantined, warn)
    table = manifest.assign_splits(table, data, corpora.key)
    corpora.check_splits(table, data, warn)
    return Prepared(table, quarantined, corpora.tables(data, root, table, quarantined, warn))


def write(corpora: Corpora, out: Path, prepared: Prepared) -> None:
    """manifest.csv, quarantine.csv, summary.csv, clip_lengths.csv, data.json and the tables beside, below `out`.

    Annotations become files there, too: the manifest's paths to them are below `out`.
    """
    out.mkdir(parents=True, exist_ok=True)
    table = corpora.write(out, prepared.table)
    table.to_csv(out / "manifest.csv", index=False)
    prepared.quarantined.to_csv(out / "quarantine.csv", index=False)
    manifest.summary(table).to_csv(out / "summary.csv", index=False)
    manifest.clip_lengths(table).to_csv(out / "clip_lengths.csv", index=False)
    facts = {
        "n_recordings": len(table),
        "n_quarantined": len(prepared.quarantined),
        "data_sha256": manifest.digest(table),
    }
    for name, beside in prepared.beside.items():
        text = beside.to_csv(index=False, lineterminator="\n")
        (out / f"{name}.csv").write_text(text)
        facts |= {f"n_{name}": len(beside), f"{name}_sha256": hashlib.sha256(text.encode()).hexdigest()}
    (out / "data.json").write_text(json.dumps(facts, indent=2) + "\n")
