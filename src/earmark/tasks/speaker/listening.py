"""The listening report of a speaker evaluation: the worst trials of both kinds, to hear for oneself."""

import html
from functools import partial
from pathlib import Path

import numpy as np

from earmark.audio import Root
from earmark.evaluation import listening as page
from earmark.evaluation import sounds
from earmark.tasks.speaker.trials.trial_set import Answers

TRIALS = 12  # of each kind
A_PAIR = 2  # trials of the same two speakers, or of one
HEARD_S = 6.0  # of each utterance


def listening(path: Path, test: Answers, threshold: float, root: Root) -> None:
    """Write the page: different speakers taken for one, then one taken for two, the worst first.

    root: the folder below which the utterances' paths are files.
    """
    taken_for_one = ~test.trials.same & (test.score >= threshold)
    taken_for_two = test.trials.same & (test.score < threshold)
    sections = []
    for wrong, sign, heading in (
        (taken_for_one, -1, "Different speakers, taken for one"),
        (taken_for_two, 1, "One speaker, taken for two"),
    ):
        shown = worst(test, wrong, sign * test.score)
        of = int((~test.trials.same if sign < 0 else test.trials.same).sum())
        said = f"{int(wrong.sum())} of {of} trials; the {len(shown)} worst, of the same speakers at most two."
        rows = [_row(test, trial, root) for trial in shown]
        sections.append(f"<h2>{heading}</h2>\n<p>{said}</p>\n{page.table(('score', 'one', 'other'), rows)}")
    intro = (
        f"{len(test.score)} trials of test speakers. At a score (cosine) of {threshold:.3f} and above two utterances "
        "are taken for one speaker's; this threshold was chosen on the validation speakers. Levels are evened out."
    )
    page.write(path, "Whom the model mistook", intro, "\n".join(sections))


def worst(test: Answers, wrong: np.ndarray, order: np.ndarray) -> list[int]:
    """The wrong trials with the lowest `order` (both (trials,)), no two speakers more than `A_PAIR` times."""
    pairs = np.sort(test.trials.speakers[test.trials.at], axis=1)
    seen: dict[tuple, int] = {}
    chosen: list[int] = []
    for trial in np.lexsort((np.arange(len(order)), order)):
        pair = tuple(pairs[trial])
        if wrong[trial] and seen.get(pair, 0) < A_PAIR and len(chosen) < TRIALS:
            seen[pair] = seen.get(pair, 0) + 1
            chosen.append(int(trial))
    return chosen


def _row(test: Answers, trial: int, root: Root) -> list[str]:
    cells = [f"{test.score[trial]:.3f}"]
    for place in test.trials.at[trial]:
        of = test.trials.utterances.iloc[place]
        named = f"{html.escape(of.label)}: {html.escape(of.id)}<br>{of.duration_s:.1f} s"
        cells.append(f"{named}<br>{page.player(partial(sounds.joined, [root / name for name in of.paths], HEARD_S))}")
    return cells
