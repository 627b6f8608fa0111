"""A folder of songs with .lab files judged by a chord model; `score_genre` judges recordings with a label."""

from collections.abc import Callable
from pathlib import Path

from earmark import manifest, prepare
from earmark.chords import evaluate, report, scores, targets
from earmark.chords.recognise import Recogniser
from earmark.datasets import annotations
from earmark.errors import EarmarkError
from earmark.score import BOOTSTRAP, SEED, Judged
from earmark.settings.data import DataSettings

# Anything but nothing at all may be unusable: it is left out by name.
READ = {"source": "folder", "test_fold": None, "val_share": 0.0, "test_share": 0.5, "seed": 1, "max_quarantined": 1.0}


def judged(model: Path, root: Path, warn: Callable[[str], None], progress: Callable) -> Judged:
    """What the model of a folder hears in the songs below `root`."""
    if not root.is_dir():
        raise EarmarkError(f"There is no folder {root}; name one with song.lab beside song.flac, or with manifest.csv.")
    table, unusable = prepare.read(DataSettings(root=str(root), **READ), root, warn, progress, "lab")
    recognise = Recogniser(model)
    songs = [_song(row, root, recognise) for row in progress(table.itertuples(), len(table), "recognising chords")]
    found = scores.evaluate(songs, BOOTSTRAP, SEED)
    found |= {"n_recordings": len(songs), "n_groups": int(table.group.nunique())}

    def draw(out: Path) -> list[Path]:
        return report.breakdowns(out, songs, recognise.vocabulary)

    return Judged(evaluate.predictions(songs), unusable, found, manifest.digest(table), draw)


def _song(row, root: Path, recognise: Recogniser) -> scores.Song:
    heard, keys = recognise(root / row.path), targets.key_of(row.key)
    truth = annotations.chords(root / row.lab, row.duration_s)
    return scores.Song(row.path, truth, heard.segments, row.group, keys, targets.key_of(heard.key))
