"""A folder of songs with .lab files judged by a chord model."""

from collections.abc import Callable
from pathlib import Path

from earmark.data import manifest
from earmark.data.learnt import Learnt
from earmark.data.reading import read_folder
from earmark.evaluation.scored import BOOTSTRAP, SEED, ScoredFolder
from earmark.tasks.chord import annotations, metrics, report, scores
from earmark.tasks.chord.corpora import CORPORA
from earmark.tasks.chord.predictions import Recogniser


def judge_folder(
    model: Path, root: Path, warn: Callable[[str], None], progress: Callable, learnt: Learnt | None = None
) -> ScoredFolder:
    """What the model of a folder hears in the songs below `root`. learnt: what it met, and what becomes of that."""
    table, unusable = read_folder(CORPORA, root, "song.lab beside song.flac", warn, progress)
    table = learnt.leave(table, CORPORA.key, root, warn) if learnt else table
    recognise = Recogniser(model)
    songs = [_song(row, root, recognise) for row in progress(table.itertuples(), len(table), "recognising chords")]
    found = scores.evaluate(songs, BOOTSTRAP, SEED)
    found |= {"n_recordings": len(songs), "n_groups": int(table.group.nunique())}

    def draw(out: Path) -> list[Path]:
        return report.breakdowns(out, songs, recognise.vocabulary)

    return ScoredFolder(metrics.predictions(songs), unusable, found, manifest.digest(table), draw)


def _song(row, root: Path, recognise: Recogniser) -> scores.ScoredSong:
    truth = annotations.chords(root / row.lab, row.duration_s)
    return metrics.scored_song(row, truth, recognise(root / row.path))
