"""Pictures of a study: its figure trial by trial, what decides it, each dimension alone, all together, and in time."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.category import StrCategoryFormatter
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState
from optuna.visualization import matplotlib as drawing

LEAST = 5  # complete trials; fewer say nothing of what decides
NAME = 22  # letters of a dimension's name that fit beside others


def importance(study: Study) -> dict[str, float]:
    """How much each dimension decides the figure, by PED-ANOVA (Watanabe et al. 2023).

    Of the dimensions that every complete trial has: those of a branch are known of the few trials that took it, and
    two of these can look like everything. Empty where the trials cannot tell.
    """
    if len(_complete(study)) < LEAST:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return dict(get_param_importances(study, evaluator=PedAnovaImportanceEvaluator(), params=_of_all(study)))
        except (RuntimeError, ValueError):
            return {}


def _of_all(study: Study) -> list[str]:
    """Names of the dimensions that every complete trial has, in the first one's order."""
    complete = _complete(study)
    return [name for name in complete[0].params if all(name in t.params for t in complete)] if complete else []


def _complete(study: Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def write(out: Path, study: Study, headline: str, end: str = "") -> list[Path]:
    """<kind><end>.png below `out`, as far as trials allow; what was written. headline: the figure's name."""
    written = []
    for name, draw in DRAWN.items() if _complete(study) else ():
        with warnings.catch_warnings(), plt.rc_context():  # optuna sets a style for all that is drawn later
            warnings.simplefilter("ignore")  # of an interface that may change
            try:
                axes = draw(study, headline)
            except (RuntimeError, ValueError):  # too few trials that differ
                plt.close("all")
                continue
        for each in axes.figure.axes:
            each.set_facecolor("white")
            each.set_axisbelow(True)
        for side in ("left", "center"):
            axes.set_title("", loc=side)
        path = out / f"{name}{end}.png"
        axes.figure.savefig(path, dpi=110, bbox_inches="tight", metadata={"Software": None})
        plt.close("all")
        written.append(path)
    return written


def _history(study: Study, headline: str) -> Axes:
    axes = _gridded(drawing.plot_optimization_history(study, target_name=f"inner {headline}"))
    axes.lines[0].set(drawstyle="steps-post", label="best so far")
    axes.legend()
    return axes


def _importance(study: Study, headline: str) -> Axes:
    if len(importance(study)) < 2:
        raise ValueError("nothing to compare")
    evaluator = PedAnovaImportanceEvaluator()
    axes = _gridded(drawing.plot_param_importances(study, evaluator, _of_all(study)), "x")
    axes.set(xlabel=f"importance for inner {headline}, as a share (PED-ANOVA)", ylabel="")
    axes.get_legend().remove()
    axes.figure.set_size_inches(7, 1.2 + 0.35 * len(axes.get_yticklabels()))
    return axes


def _slice(study: Study, headline: str) -> Axes:
    drawn = drawing.plot_slice(study, target_name=f"inner {headline}")
    each = list(drawn.flat) if hasattr(drawn, "flat") else [drawn]
    figure = each[0].figure
    figure.set_size_inches(2.6 * len(each), 3.6)
    figure.suptitle("")
    for axes in map(_gridded, each):
        axes.set_xlabel(_folded(axes.get_xlabel()))
        labels = [label.get_text().strip("'") for label in axes.get_xticklabels()]
        if isinstance(axes.xaxis.get_major_formatter(), StrCategoryFormatter):
            axes.set_xticks(axes.get_xticks(), labels)
        plt.setp(axes.get_xticklabels(), rotation=40, ha="right", rotation_mode="anchor")
    return each[0]


def _parallel(study: Study, headline: str) -> Axes:
    axes = drawing.plot_parallel_coordinate(study, _of_all(study), target_name=f"inner {headline}")
    names = [label.get_text() for label in axes.get_xticklabels()]
    axes.set_xticks(axes.get_xticks(), [_folded(name) for name in names])
    axes.figure.set_size_inches(3 + 1.7 * len(names), 4.5)
    dark_is_better = "viridis_r" if study.direction == StudyDirection.MAXIMIZE else "viridis"
    for lines in axes.collections:
        lines.set(cmap=dark_is_better, linewidth=1.5)
    axes.grid(False)
    return axes


def _timeline(study: Study, _: str) -> Axes:
    return _gridded(drawing.plot_timeline(study), "x")


def _gridded(axes: Axes, axis: str = "both") -> Axes:
    axes.grid(False)
    axes.grid(axis=axis, color="0.9")
    return axes


def _folded(name: str) -> str:
    """A dotted name in lines that are not too long."""
    lines = [""]
    for part in name.replace(".", ".\0").split("\0"):
        if len(lines[-1] + part) > NAME and lines[-1]:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


DRAWN: dict[str, Callable[[Study, str], Any]] = {
    "history": _history,
    "importance": _importance,
    "slice": _slice,
    "parallel": _parallel,
    "timeline": _timeline,
}
