"""Score a folder of chord estimates, from whatever program, against a folder of annotations."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from earmark.data.manifest import read_csv
from earmark.data.walking import counted
from earmark.errors import EarmarkError
from earmark.tasks.chord import annotations, breakdown, scores
from earmark.tasks.chord.notation import lab, pop
from earmark.tasks.chord.notation.targets import NO_KEY, key_of
from earmark.tasks.chord.scores import ScoredSong


def songs(estimates: Path, truth: Path, warn: Callable[[str], None]) -> list[ScoredSong]:
    """Every annotation TRUTH/<stem>.lab or .jams with its estimate ESTIMATES/<stem>.lab.

    Of an annotation in both formats .lab is read. Annotated songs without an estimate are left out, and so are
    estimates of no annotation and songs whose annotation is X throughout; `warn` says all four by name, and which chord
    names were read as Harte's. Raises EarmarkError where no song has both. Groups and keys are those of
    TRUTH/manifest.csv (columns lab, group, key) where there is one, else every song is a group; an estimated key is
    `key` in ESTIMATES/<stem>.json. Where no song has an estimated key, keys are not scored.
    """
    wanted, there = _files(truth, (".lab", ".jams"), warn), _files(estimates, (".lab",))
    both = sorted(wanted.keys() & there.keys())
    if not both:
        raise EarmarkError(
            f"{estimates} has no estimate of any of the {len(wanted)} songs that {truth} annotates "
            f"({_some(wanted)}); an estimate must have the name of its annotation, as in song.lab."
        )
    if lost := missing(estimates, truth):
        warn(
            f"{estimates} has no estimate of {len(lost)} of the {len(wanted)} annotated songs, which are not "
            f"scored: {', '.join(lost)}. Write the missing .lab files (one row of N for a song without chords), "
            "so that a program gains nothing by failing."
        )
    if extra := sorted(there.keys() - wanted.keys()):
        warn(f"left out {counted(len(extra), 'estimate')} without an annotation in {truth} ({_some(extra)}).")
    known, converted = _manifest(truth), pop.Converted()
    found = [_song(stem, wanted[stem], there[stem], known.get(stem, {}), converted) for stem in both]
    if sentence := pop.conversion_note(converted):
        warn(sentence)
    found = _known(found, truth, warn)
    if all(song.key_estimate == NO_KEY for song in found):
        return [replace(song, key_truth=NO_KEY) for song in found]
    return found


def missing(estimates: Path, truth: Path) -> list[str]:
    """Stems of the annotated songs that have no estimate, sorted."""
    return sorted(_files(truth, (".lab", ".jams")).keys() - _files(estimates, (".lab",)).keys())


def _known(found: list[ScoredSong], truth: Path, warn: Callable[[str], None]) -> list[ScoredSong]:
    """The songs of which something is known."""
    kept = [song for song in found if any(s.label != "X" for s in song.truth)]
    if not kept:
        raise EarmarkError(
            f"Every annotation in {truth} is X throughout, which means unknown chords, so nothing can be scored; "
            "give annotations that name chords."
        )
    if lost := [song.name for song in found if song not in kept]:
        n = "1 song whose annotation is" if len(lost) == 1 else f"{len(lost)} songs whose annotations are"
        warn(f"left out {n} X throughout, which means unknown chords ({_some(lost)}).")
    return kept


def _files(folder: Path, suffixes: tuple[str, ...], warn: Callable[[str], None] = lambda text: None) -> dict[str, Path]:
    """Chord files of a folder by stem, a .lab before others, which `warn` says."""
    if not folder.is_dir():
        raise EarmarkError(f"There is no folder {folder}; give one with a .lab file per song.")
    paths = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in suffixes]
    if not paths:
        raise EarmarkError(f"{folder} holds no .lab files; give a folder with one per song.")
    found: dict[str, Path] = {}
    passed_over = []
    for path in sorted(paths, key=lambda path: suffixes.index(path.suffix.lower())):
        other = found.setdefault(path.stem, path)
        if other.suffix.lower() != path.suffix.lower():
            passed_over.append(path.name)
        elif other != path:
            raise EarmarkError(f"{other} and {path} are both for '{path.stem}'; keep one of them.")
    if passed_over:
        warn(f"{folder} has .lab files beside {_some(passed_over)}: .lab is read.")
    return found


def _some(names: Iterable[str]) -> str:
    stems = list(names)
    return ", ".join(stems[:5]) + (f" and {len(stems) - 5} more" if len(stems) > 5 else "")


def _manifest(truth: Path) -> dict[str, dict[str, str]]:
    """Rows of TRUTH/manifest.csv by the stem of their lab; none where it is missing or has no such column."""
    if not (truth / "manifest.csv").is_file():
        return {}
    rows = read_csv(truth / "manifest.csv", ()).to_dict("records")
    return {Path(row["lab"]).stem: row for row in rows if row.get("lab")}


def _song(stem: str, truth: Path, estimate: Path, row: dict[str, str], converted: pop.Converted) -> ScoredSong:
    keys = key_of(row.get("key", "")), _estimated_key(estimate.with_suffix(".json"))
    true = annotations.chords(truth, converted=converted)
    return ScoredSong(stem, true, lab.read(estimate, fill="N", converted=converted), row.get("group") or stem, *keys)


def _estimated_key(path: Path) -> int:
    if not path.is_file():
        return NO_KEY
    try:
        return key_of(json.loads(path.read_text())["key"] or "N")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise EarmarkError(f'{path} is not a JSON object with \'key\'; write one, as in {{"key": "C:maj"}}.') from None


def report(found: list[ScoredSong], n_draws: int = 1000, lost: Iterable[str] = ()) -> dict:
    """Figures with their intervals, and the tables of `breakdown` as rows, ready for JSON (NaN is null).

    lost: as `missing` gives them; their names stand beside the number of recordings.
    """
    cut = scores.pieces(found)
    tables = {
        "by_quality": breakdown.by_quality(cut),
        "by_length": breakdown.by_length(cut),
        "same_but_in_name": breakdown.same_but_in_name(cut),
    }
    return (
        {"n_recordings": len(found), "missing": list(lost), "seconds": float(np.sum(cut.seconds))}
        | scores.evaluate(found, n_draws)
        | {name: _rows(table) for name, table in tables.items()}
    )


def _rows(table: pd.DataFrame) -> list[dict]:
    return [{k: None if v != v else v for k, v in row.items()} for row in table.to_dict("records")]
