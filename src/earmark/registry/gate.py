"""Whether a version may be promoted: yes, no, or it cannot be told, by what both made of the same test recordings.

Each question is answered by a bound on the gain over the champion, paired by recording and drawn over groups
(`evaluation.paired`), never by the two figures themselves. What is asked is the task's `gate` (GateSettings).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from earmark.data.walking import counted
from earmark.evaluation import metrics, outcomes, paired
from earmark.evaluation.paired import Difference
from earmark.evaluation.settings import GateSettings
from earmark.registry.clean_process import AnswerCost
from earmark.tasks.task import Task

Verdict = Literal["yes", "no", "cannot tell"]
EXIT = {"yes": 0, "no": 3, "cannot tell": 4}


class Finding(NamedTuple):
    """What one question gave, and the sentence about it; `yes` where nothing speaks against the version."""

    verdict: Verdict
    sentence: str


@dataclass(frozen=True)
class Side:
    """A version in a comparison: its name in a sentence, headline figure, outcomes, and what it cost when tried.

    tried: None where the version does not load any more, which is no matter for a champion.
    """

    name: str
    figure: float
    outcomes: pd.DataFrame
    tried: AnswerCost | None = None


def worst(findings: list[Finding]) -> Verdict:
    """The verdict of all questions together."""
    said = {f.verdict for f in findings}
    return next((v for v in ("no", "cannot tell") if v in said), "yes")


def share_of_level(level: float, compared: int) -> float:
    """The level of one comparison where `compared` models, this one among them, were compared on its recordings."""
    return level / max(compared, 1)


def findings(
    task: Task, gate: GateSettings, new: Side, old: Side, best: Side | None, level: float
) -> Iterator[Finding]:
    """The answer to every question. best: the best champion so far on these recordings, where it is not `old`."""
    yield _headline(task, gate, new, old, level)
    if best:
        yield _no_worse(task, gate, new, best, level)
    yield from _by_part(task, gate, new, old, level)
    yield from _calibration(gate, new, old, level)
    yield from _cost(gate, new, old)


def gain(task: Task, new: pd.DataFrame, old: pd.DataFrame, level: float) -> Difference:
    """How much better the headline figure of `new` is, with bounds that hold at this level on each side."""
    if outcomes.are_trials(new):
        found = task.room("outcomes").difference(new, old, level)
    else:
        whole = [table[table.figure == task.headline] for table in (new, old)]
        found = _share_gain(whole[0], whole[1], level)
    return Difference(-found.difference, -found.high, -found.low) if task.lower_is_better else found


def _share_gain(new: pd.DataFrame, old: pd.DataFrame, level: float) -> Difference:
    a, b = (t.sort_values(["part", "recording"]) for t in (new, old))
    right = a.right.to_numpy()
    theirs = b.right.to_numpy()
    weight = a.weight.to_numpy()
    group = a.group.to_numpy()
    return paired.share_difference(right, theirs, weight, group, level)


def _headline(task: Task, gate: GateSettings, new: Side, old: Side, level: float) -> Finding:
    if gate.question == "non_inferiority":
        return _no_worse(task, gate, new, old, level)
    found = gain(task, new.outcomes, old.outcomes, level)
    told = _told(task, new, old, found, level)
    if found.low > gate.min_gain:
        return Finding("yes", f"{told}: it is better by more than {gate.min_gain:g}.")
    if found.high <= gate.min_gain:
        return Finding("no", f"{told}: it is not better by more than {gate.min_gain:g}.")
    return Finding("cannot tell", f"{told}: whether it is better by more than {gate.min_gain:g} cannot be told.")


def _no_worse(task: Task, gate: GateSettings, new: Side, old: Side, level: float) -> Finding:
    found = gain(task, new.outcomes, old.outcomes, level)
    told, margin = _told(task, new, old, found, level), f"{gate.margin:g}"
    if found.low > -gate.margin:
        return Finding("yes", f"{told}: a loss of {margin} or more is ruled out.")
    if found.high < -gate.margin:
        return Finding("no", f"{told}: it is worse by more than {margin}.")
    if found.high < 0:
        return Finding("no", f"{told}: it is worse, and a loss of {margin} is not ruled out.")
    return Finding(
        "cannot tell", f"{told}: a loss of {margin} is not ruled out. {_could_show(gate, new, found, level)}"
    )


def _told(task: Task, new: Side, old: Side, found: Difference, level: float) -> str:
    """Figures and their difference in words, with the interval that both bounds make at their level."""
    lower = " (lower is better)" if task.lower_is_better else ""
    of = f"{task.headline}{lower} {new.figure:.3f} of {new.name} against {old.figure:.3f} of {old.name}"
    interval = f"{100 * (1 - 2 * level):.3g} % interval: {_size(found.low)} to {_size(found.high)}"
    return f"{of}, {_size(found.difference)} ({interval})"


def _size(gain: float) -> str:
    return f"{abs(gain):.3f} {'better' if gain >= 0 else 'worse'}"


def _could_show(gate: GateSettings, new: Side, found: Difference, level: float) -> str:
    """What this test could show at all, and what more recordings would, where that is to be hoped."""
    noun, groups, unseen = _weights(new.outcomes)
    able = paired.resolution(found, groups, gate.margin, level, unseen)
    what = counted(groups, noun) + " of recordings" * (noun == "group")
    shown = f"If both were equally good, {what} could only rule out losses of {able.loss:.2f} or more"
    if found.difference <= -gate.margin:
        return f"{shown}."
    return (
        f"{shown}; with about {counted(able.more, f'test {noun}')} more, they could rule out a loss of {gate.margin:g} "
        "four times out of five."
    )


def _weights(table: pd.DataFrame) -> tuple[str, int, float]:
    """What is drawn, how many there are, and how much one more that nobody has seen weighs beside them."""
    if outcomes.are_trials(table):
        n = len(np.unique(table[["speaker_a", "speaker_b"]].to_numpy(str)))
        return "speaker", n, 2 / n  # who is not recognised spoils the trials of two
    whole = table[table.part == ""] if (table.part == "").any() else table
    unseen = paired.unseen_share(whole.weight.to_numpy(), whole.group.to_numpy())
    return "group", int(whole.group.nunique()), unseen


def _by_part(task: Task, gate: GateSettings, new: Side, old: Side, level: float) -> Iterator[Finding]:
    """A class or chord quality that was lost, though the whole is no worse."""
    if gate.class_margin is None or outcomes.are_trials(new.outcomes):
        return
    parts = sorted(set(new.outcomes.part) - {""})
    for part in parts:
        ours, theirs = (side.outcomes[side.outcomes.part == part] for side in (new, old))
        # With its phantom group, the middle of what may be is pulled to a gain: one lost recording of two is no loss.
        middle = _share_gain(ours, theirs, 0.5)
        if middle.high >= -gate.class_margin:
            continue
        groups = counted(ours.group.nunique(), "group")
        lost = (
            f"The share of right answers for '{part}' fell from {_share(theirs):.2f} to {_share(ours):.2f} ({groups})"
        )
        if _share_gain(ours, theirs, level / len(parts)).high < 0:
            yield Finding("no", f"{lost}, by more than the {gate.class_margin:g} that is allowed.")
        else:
            yield Finding("cannot tell", f"{lost}; whether that is chance cannot be told.")


def _share(rows: pd.DataFrame) -> float:
    return float(rows.right.sum() / rows.weight.sum())


def _calibration(gate: GateSettings, new: Side, old: Side, level: float) -> Iterator[Finding]:
    """Probabilities that say less than they did: their error rises, and they are shown to be worse as a whole.

    The calibration error is no mean over recordings, and of few recordings large by chance; what can be shown is that
    the squared distance of the probability from what happened (Brier 1950) is larger.
    """
    if gate.calibration_margin is None or "confidence" not in new.outcomes or new.outcomes.confidence.isna().any():
        return
    a, b = (side.outcomes.sort_values(["part", "recording"]) for side in (new, old))

    found = _ece(a) - _ece(b)
    if found <= gate.calibration_margin:
        return
    told = f"Its probabilities are off by {found:.3f} more than those of {old.name} (expected calibration error)"
    worse = paired.share_difference(_closeness(a), _closeness(b), a.weight.to_numpy(), a.group.to_numpy(), level)
    if worse.high < 0:
        yield Finding("no", f"{told}, but only {gate.calibration_margin:g} is allowed.")
    else:
        yield Finding("cannot tell", f"{told}; whether that is chance cannot be told.")


def _ece(rows: pd.DataFrame) -> float:
    return metrics.ece(rows.confidence.to_numpy(), rows.right.to_numpy() > 0)


def _closeness(rows: pd.DataFrame) -> np.ndarray:
    """1 less the squared distance of the probability from what happened, (n,): 0 to 1."""
    found: np.ndarray = 1 - (rows.confidence.to_numpy() - (rows.right.to_numpy() > 0)) ** 2
    return found


def _cost(gate: GateSettings, new: Side, old: Side) -> Iterator[Finding]:
    """Answers that take too long, and files that are too large."""
    if new.tried and gate.max_megabytes is not None and new.tried.megabytes > gate.max_megabytes:
        megabytes = f"{new.tried.megabytes:.0f} MB, but only {gate.max_megabytes:g} are allowed"
        yield Finding("no", f"Its files take {megabytes}.")
    if new.tried and old.tried and gate.max_slowdown is not None:
        times = new.tried.seconds / old.tried.seconds
        if times > gate.max_slowdown:
            each = f"{new.tried.seconds:.2f} s, {times:.1f} times as long as that of {old.name}"
            yield Finding("no", f"An answer takes {each}, but at most {gate.max_slowdown:g} times is allowed.")
