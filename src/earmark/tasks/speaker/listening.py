"""The listening report of a speaker evaluation: the worst trials of both kinds, to hear for oneself."""

import base64
import html
from pathlib import Path

import numpy as np

from earmark.audio import AudioError
from earmark.evaluation import sounds
from earmark.tasks.speaker.trials.exams import Answers

TRIALS = 12  # of each kind
A_PAIR = 2  # trials of the same two speakers, or of one
HEARD_S = 6.0  # of each utterance


def listening(path: Path, test: Answers, threshold: float, root: Path) -> None:
    """Write the page: different speakers taken for one, then one taken for two, the worst first.

    root: the folder below which the utterances' paths are files.
    """
    taken_for_one = ~test.exam.same & (test.score >= threshold)
    taken_for_two = test.exam.same & (test.score < threshold)
    sections = []
    for wrong, sign, heading in (
        (taken_for_one, -1, "Different speakers, taken for one"),
        (taken_for_two, 1, "One speaker, taken for two"),
    ):
        shown = worst(test, wrong, sign * test.score)
        rows = "\n".join(_row(test, trial, root) for trial in shown)
        of = int((~test.exam.same if sign < 0 else test.exam.same).sum())
        sections.append(_SECTION.format(heading=heading, n=int(wrong.sum()), of=of, shown=len(shown), rows=rows))
    path.write_text(_PAGE.format(n=len(test.score), threshold=threshold, body="\n".join(sections)), encoding="utf-8")


def worst(test: Answers, wrong: np.ndarray, order: np.ndarray) -> list[int]:
    """The wrong trials with the lowest `order` (both (trials,)), no two speakers more than `A_PAIR` times."""
    pairs = np.sort(test.exam.speakers[test.exam.at], axis=1)
    seen: dict[tuple, int] = {}
    chosen: list[int] = []
    for trial in np.lexsort((np.arange(len(order)), order)):
        pair = tuple(pairs[trial])
        if wrong[trial] and seen.get(pair, 0) < A_PAIR and len(chosen) < TRIALS:
            seen[pair] = seen.get(pair, 0) + 1
            chosen.append(int(trial))
    return chosen


def _row(test: Answers, trial: int, root: Path) -> str:
    cells = [f"{test.score[trial]:.3f}"]
    for place in test.exam.at[trial]:
        of = test.exam.utterances.iloc[place]
        named = f"{html.escape(of.label)}: {html.escape(of.id)}<br>{of.duration_s:.1f} s"
        cells.append(f"{named}<br>{_player([root / name for name in of.paths])}")
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _player(paths: list[Path]) -> str:
    try:
        sound = base64.b64encode(sounds.joined(paths, HEARD_S)).decode()
    except (AudioError, OSError) as e:
        return f"(not playable: {html.escape(str(e))})"
    return f'<audio controls preload="none" src="data:audio/mpeg;base64,{sound}"></audio>'


_SECTION = """<h2>{heading}</h2>
<p>{n} of {of} trials; the {shown} worst, of the same speakers at most two.</p>
<table><tr><th>score</th><th>one</th><th>other</th></tr>
{rows}
</table>"""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Listening report</title>
<style>body{{font:15px sans-serif;margin:2em}}td,th{{padding:.4em .8em;text-align:left;vertical-align:top}}
tr:nth-child(even){{background:#f3f3f3}}</style></head><body>
<h1>Whom the model mistook</h1>
<p>{n} trials of test speakers. At a score (cosine) of {threshold:.3f} and above two utterances are taken for one
speaker's; this threshold was chosen on the validation speakers. Levels are evened out.</p>
{body}
</body></html>
"""
