"""The first stage: read a source, try every file, quarantine what cannot be used, split by group.

A task says by `truth` what it needs to know of a recording: "label", a class, "lab", a file of chords, or "speaker",
whose name stands in the manifest's `label`. Speakers are split by speaker, all others by group.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from earmark import audio, chord_files, manifest, speaker_check
from earmark.datasets import chord_corpora, corpora, folder, speaker_corpora, speaker_lists
from earmark.errors import EarmarkError
from earmark.settings.data import DataSettings

Progress = Callable[[Iterable, int, str], Iterable]
READERS = {
    "label": {"demo": folder.read, "folder": folder.read} | corpora.READERS,
    "lab": {"demo": folder.read_songs, "folder": folder.read_songs} | chord_corpora.READERS,
    "speaker": {"demo": folder.read_speakers, "folder": folder.read_speakers} | speaker_corpora.READERS,
}
TRIALS = {"folder": speaker_lists.of_folder, "voxceleb1": speaker_lists.of_voxceleb1}


def run(
    data: DataSettings,
    root: Path,
    warn: Callable[[str], None],
    progress: Progress,
    truth: str = "label",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read, check and split one task's recordings: `read`, with `split` (and `fold`) assigned.

    Raises EarmarkError when the source is not usable as a whole.
    """
    table, quarantined = read(data, root, warn, progress, truth)
    if truth == "speaker":
        speaker_check.recordings(table, quarantined, warn)
        table = manifest.assign_splits(table, data, "label")
        speaker_check.splits(table)
        return table, quarantined
    table = manifest.assign_splits(table, data)
    held_out = ("fold", [str(data.test_fold)]) if "fold" in table else ("split", ["test"])
    for sentence in manifest.lacking(table, *held_out):
        warn(sentence)
    for one, other in manifest.same_audio(table):
        warn(f"'{one}' and '{other}' hold the same bytes but are in different splits; give them one group.")
    return table, quarantined


def read(
    data: DataSettings, root: Path, warn: Callable[[str], None], progress: Progress, truth: str = "label"
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read a source and try every file.

    Returns (recordings, quarantined): two tables; the first is the source's manifest with duration_s,
    sample_rate, channels, peak and sha256; the second has path and reason. Where chords are the truth, the first has
    no label, but chords and keys (the text of .lab files, '' without keys), key (the main one, or '') and truth_sha256.
    Where speakers are, both have `utterance`, by default the path: recordings of one are to be joined in their order.
    """
    if data.source not in READERS[truth]:
        known = ", ".join(READERS[truth])
        raise EarmarkError(
            f"The source '{data.source}' has no {truth} of its recordings; set tasks.*.data.source to one of {known}."
        )
    if not root.is_dir():
        raise EarmarkError(f"The audio folder {root} does not exist; set tasks.*.data.root to yours.")
    table = READERS[truth][data.source](root, warn)
    if truth == "speaker":
        named = table.get("utterance", table.path).str.strip()
        table = table.assign(utterance=named.where(named != "", table.path))
    files = [manifest.inside(root, path, where) for where, path in table.path.items()]
    with ThreadPoolExecutor() as pool:
        facts = pd.DataFrame(progress(pool.map(_inspect, files), len(files), "checking audio"), index=table.index)
    if truth == "lab":
        table = table.drop(columns="label", errors="ignore")  # a song has no class
        facts = chord_files.with_chords(table, facts, root)
    bad = facts.reason != ""
    quarantined = pd.DataFrame({"path": table.path[bad], "reason": facts.reason[bad]})
    if truth == "speaker":
        quarantined["utterance"] = table.utterance[bad]
    _refuse_many(quarantined, len(table), data.max_quarantined)
    table = table.drop(columns=[c for c in facts.columns if c in table]).join(facts.drop(columns="reason"))
    return table[~bad].reset_index(drop=True), quarantined


def trials(
    data: DataSettings, root: Path, table: pd.DataFrame, quarantined: pd.DataFrame, warn: Callable[[str], None]
) -> pd.DataFrame | None:
    """The trials that a source of speakers brings, for the tables of `run`, or None: split, a, b (utterances), same."""
    given = TRIALS[data.source](root, warn) if data.source in TRIALS else None
    lost = set(quarantined.utterance) - set(table.utterance)
    kept = None if given is None else speaker_lists.trials(given, table, lost, warn)
    if kept is not None and not len(kept):
        warn("None of the given trials is left: the evaluation makes its own.")
        return None
    return kept


def write(out: Path, table: pd.DataFrame, quarantined: pd.DataFrame, given_trials: pd.DataFrame | None = None) -> None:
    """manifest.csv, quarantine.csv, summary.csv, clip_lengths.csv and data.json below `out`.

    Chords become files there, too: the manifest's lab and key_lab ('' without keys) are paths below `out`. Speakers
    have trials.csv where their source brings trials.
    """
    out.mkdir(parents=True, exist_ok=True)
    if "chords" in table:
        table = chord_files.write(out, table)
    table.to_csv(out / "manifest.csv", index=False)
    quarantined.to_csv(out / "quarantine.csv", index=False)
    manifest.summary(table).to_csv(out / "summary.csv", index=False)
    manifest.clip_lengths(table).to_csv(out / "clip_lengths.csv", index=False)
    facts = {
        "n_recordings": len(table),
        "n_quarantined": len(quarantined),
        "data_sha256": manifest.digest(table),
    }
    (out / "trials.csv").unlink(missing_ok=True)
    if given_trials is not None:
        text = given_trials.to_csv(index=False, lineterminator="\n")
        (out / "trials.csv").write_text(text)
        facts |= {"n_trials": len(given_trials), "trials_sha256": hashlib.sha256(text.encode()).hexdigest()}
    (out / "data.json").write_text(json.dumps(facts, indent=2) + "\n")


def _inspect(path: Path) -> dict:
    """Facts of one file; `reason` says why it is unusable, and is empty when it is fine."""
    nothing = {"duration_s": 0.0, "sample_rate": 0, "channels": 0, "peak": 0.0, "sha256": ""}
    try:
        info = audio.check(path)
        if info.peak == 0:
            return nothing | {"reason": "it is digital silence: every sample is zero"}
        with path.open("rb") as f:
            sha256 = hashlib.file_digest(f, "sha256").hexdigest()
        return asdict(info) | {"sha256": sha256, "reason": ""}
    except audio.AudioError as e:
        return nothing | {"reason": str(e)}
    except FileNotFoundError:
        return nothing | {"reason": "the file does not exist"}
    except OSError as e:
        return nothing | {"reason": f"the file cannot be read ({e.strerror})"}


def _refuse_many(quarantined: pd.DataFrame, n: int, limit: float) -> None:
    if len(quarantined) > limit * n or len(quarantined) == n:
        first = quarantined.iloc[0]
        raise EarmarkError(
            f"{len(quarantined)} of {n} recordings cannot be used, more than data.max_quarantined ({limit:g}) "
            f"allows; the first is '{first.path}': {first.reason}."
        )
