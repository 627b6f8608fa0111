"""The listening report of a chord evaluation: truth and estimate of every song as lanes under its spectrogram."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from earmark.audio import Root
from earmark.evaluation.listening import page
from earmark.evaluation.listening.clips import Clips
from earmark.tasks.chord import breakdown, scores
from earmark.tasks.chord.notation import harte, lab
from earmark.tasks.chord.notation.lab import LabSegment
from earmark.tasks.chord.notation.targets import key_label
from earmark.tasks.chord.notation.vocabulary import IGNORED, Vocabulary

LISTED = 500  # songs
HEARD_S = 60.0  # of each: where most of it is wrong
STEP_S = 5.0  # between the places where that may begin
DIFFERENT, ALIKE = 3000, 300  # stretches listed: where the estimate differs, and where it is right
SHOWN = ("tetrads", "majmin", "root", "bass", "seg")
FIGURES = ("majmin", "baseline_majmin", "tetrads", "class_balanced_tetrads", "key_accuracy")


class Stretch(NamedTuple):
    """Part of a song over which truth and estimate stay the same. right: by tetrads. doubt: of the true label."""

    song: int
    start_s: float
    end_s: float
    truth: str
    answer: str
    right: bool
    sure: float
    doubt: float


def listening(
    path: Path, songs: list[scores.ScoredSong], root: Root, found: Mapping[str, Any], words: Vocabulary
) -> None:
    """Write the page, the worst songs (by tetrads) first. found: the evaluation's figures.

    root: the audio's folder, below which the songs' names are files.
    """
    listed = [songs[i] for i in worst_first(songs)[:LISTED]]
    cut = stretches(listed)
    clips = Clips("cqt")
    sums = scores.summed(listed)
    differs: list[list[tuple[float, float]]] = [[] for _ in listed]
    for s in cut:
        if not s.right:
            differs[s.song].append((s.start_s, s.end_s))
    recordings = [_recording(song, differs[i], root, clips, _facts(song, sums, i)) for i, song in enumerate(listed)]
    names = [*(q.harte for q in words.qualities), "N"]
    rows = [*_songs(listed, sums), *_rows(sample_stretches(cut, _played(recordings, clips)), words)]
    page.write(
        path,
        page.ListeningReport(
            task="chord",
            title="What the model heard: chords",
            intro=_intro(len(songs), recordings, clips),
            figures=page.figures(found, FIGURES),
            kinds={"song": "test recordings", "chord": "stretches, most of which differ"},
            recordings=recordings,
            rows=rows,
            clips=clips.made,
            matrix=_matrix(breakdown.confusion_of_qualities(scores.pieces(songs), words), names, rows),
            labels=sorted({s.label for song in songs for s in song.truth}),
            corrects="segment",
            spectrogram="cqt",
            score="share or probability",
        ),
    )


def worst_first(songs: list[scores.ScoredSong]) -> list[int]:
    """Places of songs in order of their tetrads; songs of X alone come last."""
    sums = scores.summed(songs)
    right = np.array([sums.figure("tetrads", [i]) for i in range(len(songs))])
    return sorted(range(len(songs)), key=lambda i: (np.isnan(right[i]), right[i], songs[i].name))


def stretches(songs: list[scores.ScoredSong]) -> list[Stretch]:
    """All songs' time, cut where truth or estimate changes, without that of which nobody knows the truth."""
    cut = [(i, *piece) for i, song in enumerate(songs) for piece in _cut(song)]
    pairs = sorted({(truth.label, answer.label) for _, _, _, truth, answer in cut})
    tetrads = dict(zip(pairs, scores.comparisons(pairs)["tetrads"], strict=True))
    found = []
    for i, start, end, truth, answer in cut:
        score = tetrads[truth.label, answer.label]
        if score == scores.OUTSIDE:
            continue
        sure = round(float(answer.probability or 0.0), 4)
        doubt = round((1 - score) * sure * (end - start) / (truth.end_s - truth.start_s), 4)
        found.append(Stretch(i, start, end, truth.label, answer.label, bool(score == 1), sure, float(doubt)))
    return found


def _cut(song: scores.ScoredSong) -> Iterator[tuple[float, float, LabSegment, LabSegment]]:
    """Start, end, truth and estimate of each stretch between two changes."""
    start, end = song.truth[0].start_s, song.truth[-1].end_s
    estimate = lab.cut_to_span(song.estimate, start, end, "N")
    bounds = sorted({s.start_s for s in (*song.truth, *estimate)} | {end})
    starts = [np.array([s.start_s for s in segments]) for segments in (song.truth, estimate)]
    for first, last in pairwise(bounds):
        places = [int(np.searchsorted(of, first, side="right")) - 1 for of in starts]
        yield first, last, song.truth[places[0]], estimate[places[1]]


def sample_stretches(cut: list[Stretch], played: list[tuple[float, float]]) -> list[Stretch]:
    """Those that the page lists: what differs, and a few that are right; first those that can be played.

    played: seconds of each song that the page can play.
    """

    def order(s: Stretch) -> tuple:
        start, end = played[s.song]
        return not (start <= s.start_s and s.end_s <= end), -s.sure * (s.end_s - s.start_s), s.song, s.start_s

    wrong = sorted((s for s in cut if not s.right), key=order)[:DIFFERENT]
    right = sorted((s for s in cut if s.right), key=order)
    return wrong + right[:: max(1, len(right) // ALIKE)][:ALIKE]


def _played(recordings: list[page.ReportRecording], clips: Clips) -> list[tuple[float, float]]:
    made = [clips.made[r.clip] if r.clip is not None else {} for r in recordings]
    return [(c.get("start_s", 0.0), c.get("start_s", 0.0) + c.get("seconds", 0.0)) for c in made]


def _rows(cut: list[Stretch], words: Vocabulary) -> list[page.ReportRow]:
    rows = []
    for s in cut:
        at = round(s.start_s, 3), round(s.end_s, 3)
        cell = _quality(s.truth, words), _quality(s.answer, words)
        known = None if IGNORED in cell else cell
        rows.append(page.ReportRow([s.song], "chord", s.truth, s.answer, s.right, s.sure, s.sure, s.doubt, known, at))
    return rows


def _quality(label: str, words: Vocabulary) -> int:
    """The row or column of the confusion matrix; IGNORED for what is in none."""
    found = harte.class_of(harte.parse(label), words)
    return found if found == IGNORED else found // 12


def _matrix(seconds: np.ndarray, names: list[str], rows: list[page.ReportRow]) -> dict[str, Any]:
    """The confusion of qualities without those that never occur; the rows' cells become places in it."""
    there = np.flatnonzero(seconds.sum(0) + seconds.sum(1) > 0)
    place = {int(old): new for new, old in enumerate(there)}
    for row in rows:
        if row.cell is not None:
            row.cell = place[row.cell[0]], place[row.cell[1]]
    kept = [names[i] for i in there]
    values = seconds[there][:, there].round(2).tolist()
    return {"title": "Confusion of qualities", "rows": kept, "columns": kept, "values": values, "unit": "s"}


def _songs(songs: list[scores.ScoredSong], sums: scores.Sums) -> list[page.ReportRow]:
    rows = []
    for i, song in enumerate(songs):
        right = sums.figure("tetrads", [i])
        score = round(right, 4) if np.isfinite(right) else None
        keys = f"key {key_label(song.key_truth)}", f"key {key_label(song.key_estimate)}"
        rows.append(page.ReportRow([i], "song", *keys, None, score, score or 0.0, 1 - (score or 0.0)))
    return rows


def _facts(song: scores.ScoredSong, sums: scores.Sums, i: int) -> list[str]:
    """Figures of the song that has place i in the sums, and its key."""
    figures = {name: sums.figure(name, [i]) for name in SHOWN}
    said = [f"{name} {value:.2f}" for name, value in figures.items() if np.isfinite(value)]
    return [*said, f"key {key_label(song.key_truth)}, heard {key_label(song.key_estimate)}"]


def _recording(
    song: scores.ScoredSong, differs: list[tuple[float, float]], root: Root, clips: Clips, facts: list[str]
) -> page.ReportRecording:
    end = song.truth[-1].end_s
    return page.ReportRecording(
        song.name,
        [song.name],
        "",
        round(end, 3),
        clip=clips.place(song.name, [root / song.name], worst_minute(differs, end), HEARD_S),
        facts=facts,
        lanes=[
            {"name": "true", "segments": _lane(song.truth)},
            {"name": "heard", "segments": _lane(song.estimate)},
            {"name": "differs", "segments": [[round(a, 3), round(b, 3), ""] for a, b in differs]},
        ],
    )


def _lane(segments: list[LabSegment]) -> list[list]:
    return [[round(s.start_s, 3), round(s.end_s, 3), s.label] for s in segments]


def worst_minute(differs: list[tuple[float, float]], end_s: float) -> float:
    """Where the HEARD_S seconds of a song begin in which the estimate differs longest."""

    def wrong(start: float) -> float:
        return sum(max(0.0, min(b, start + HEARD_S) - max(a, start)) for a, b in differs)

    return float(max(np.arange(0, max(end_s - HEARD_S, 0) + STEP_S / 2, STEP_S), key=wrong))


def _intro(n: int, recordings: list[page.ReportRecording], clips: Clips) -> list[str]:
    listed = f"{len(recordings)} of {n} test recordings" if len(recordings) < n else f"{n} test recordings"
    return [
        f"{listed}, the worst first (share of time with the right tetrad).",
        f"{len(clips.made)} of them can be played here, the worst ones: up to {HEARD_S:g} s of each, where the most is "
        "wrong; levels are evened out.",
        f"Stretches: where the estimate differs, the longest and most certain first, at most {DIFFERENT}, and up to "
        f"{ALIKE} that are right. Chords are coloured by their root, in similar colours for roots a fifth apart; a "
        "striped bar says where they differ.",
    ]
