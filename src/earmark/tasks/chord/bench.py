"""Score a folder of chord estimates, from whatever program, against a folder of annotations."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from earmark.data.manifest import read_csv
from earmark.errors import EarmarkError
from earmark.tasks.chord import breakdown, scores
from earmark.tasks.chord.notation import lab
from earmark.tasks.chord.notation.targets import NO_KEY, key_of
from earmark.tasks.chord.scores import Song


def songs(estimates: Path, truth: Path, warn: Callable[[str], None]) -> list[Song]:
    """Every annotation TRUTH/<stem>.lab with its estimate ESTIMATES/<stem>.lab.

    Raises EarmarkError where an estimate is missing: a program that failed on a song must not gain by it. Estimates of
    no annotation are left out, which `warn` says. Groups and keys are those of TRUTH/manifest.csv (columns lab, group,
    key) where there is one, else every song is a group; an estimated key is `key` in ESTIMATES/<stem>.json. Where no
    song has an estimated key, keys are not scored.
    """
    wanted, there = _labs(truth), _labs(estimates)
    if missing := sorted(wanted.keys() - there.keys()):
        raise EarmarkError(
            f"{estimates} has no estimate of {len(missing)} of the {len(wanted)} annotated songs ({_some(missing)}); "
            "write the missing .lab files (one row of N for a song without chords) or take their annotations out."
        )
    if extra := sorted(there.keys() - wanted.keys()):
        warn(f"left out {len(extra)} estimates that {truth} has no annotation of ({_some(extra)}).")
    known = _manifest(truth)
    found = [_song(stem, wanted[stem], there[stem], known.get(stem, {})) for stem in wanted]
    if all(song.key_estimate == NO_KEY for song in found):
        return [replace(song, key_truth=NO_KEY) for song in found]
    return found


def _labs(folder: Path) -> dict[str, Path]:
    """.lab files of a folder by stem."""
    if not folder.is_dir():
        raise EarmarkError(f"There is no folder {folder}; give one with a .lab file a song.")
    found = {path.stem: path for path in sorted(folder.glob("*.lab"))}
    if not found:
        raise EarmarkError(f"{folder} holds no .lab files; give a folder with one a song.")
    return found


def _some(stems: list[str]) -> str:
    return ", ".join(stems[:5]) + (f" and {len(stems) - 5} more" if len(stems) > 5 else "")


def _manifest(truth: Path) -> dict[str, dict[str, str]]:
    """Rows of TRUTH/manifest.csv by the stem of their lab; none where it is missing or has no such column."""
    if not (truth / "manifest.csv").is_file():
        return {}
    rows = read_csv(truth / "manifest.csv", ()).to_dict("records")
    return {Path(row["lab"]).stem: row for row in rows if row.get("lab")}


def _song(stem: str, truth: Path, estimate: Path, row: dict[str, str]) -> Song:
    keys = key_of(row.get("key", "")), _estimated_key(estimate.with_suffix(".json"))
    return Song(stem, lab.read(truth), lab.read(estimate, fill="N"), row.get("group") or stem, *keys)


def _estimated_key(path: Path) -> int:
    if not path.is_file():
        return NO_KEY
    try:
        return key_of(json.loads(path.read_text())["key"] or "N")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise EarmarkError(f'{path} is no JSON object with \'key\'; write one, as in {{"key": "C:maj"}}.') from None


def report(found: list[Song], n_draws: int = 1000) -> dict:
    """Figures with their intervals, and the tables of `breakdown` as rows, ready for JSON (NaN is null)."""
    cut = scores.pieces(found)
    tables = {
        "by_quality": breakdown.by_quality(cut),
        "by_length": breakdown.by_length(cut),
        "same_but_in_name": breakdown.same_but_in_name(cut),
    }
    return (
        {"n_recordings": len(found), "seconds": float(np.sum(cut.seconds))}
        | scores.evaluate(found, n_draws)
        | {name: _rows(table) for name, table in tables.items()}
    )


def _rows(table: pd.DataFrame) -> list[dict]:
    return [{k: None if v != v else v for k, v in row.items()} for row in table.to_dict("records")]
