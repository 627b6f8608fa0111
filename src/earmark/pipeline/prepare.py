"""The first stage's files: the manifest of what was read, tried and split, what stands beside it, and the record."""

import hashlib
import json
from pathlib import Path

from earmark.data import dealt, manifest, record
from earmark.data.corpus import Corpora
from earmark.data.reading import PreparedRecordings
from earmark.data.record import Record
from earmark.data.settings import DataSettings


def write(corpora: Corpora, out: Path, prepared: PreparedRecordings) -> None:
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


def remember(
    corpora: Corpora, data: DataSettings, before: Record, prepared: PreparedRecordings, lock: Path
) -> list[str]:
    """Add what was dealt to the file of the record; sentences on what is new, and on shares that have drifted.

    lock: a file for the lock against other processes.
    """
    grew = record.keep(before, data, prepared.dealt, lock)
    sentences = (
        dealt.deal_sentences(prepared.table, data, corpora.key, before, prepared.dealt) if prepared.dealt else []
    )
    return [*sentences, f"{before.path} records in which split each group is."] if grew else sentences
