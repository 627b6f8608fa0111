"""95 % intervals as metrics.json has them, and by which method each was made.

`gaffke` is `evaluation.paired`: for quotients of sums over recordings, drawn over groups, and with one group that
nobody has seen, so that it holds for few recordings; for figures of trials, with such a speaker. A mean over classes is
a quotient of sums, too, whose recordings weigh by how much their class holds. `bootstrap` is the percentile interval
over resampled groups, for the others; of few groups, or of a figure at 0 or 1, it says too little.
"""

from collections.abc import Collection

import numpy as np

from earmark.evaluation import paired
from earmark.evaluation.metrics import METHODS
from earmark.evaluation.settings import EvaluateSettings

BOOTSTRAP = "bootstrap"
LEVEL = 0.025  # beyond each end


def share(
    name: str, right: np.ndarray, weight: np.ndarray | float, group: np.ndarray, settings: EvaluateSettings
) -> dict:
    """A figure sum(right) / sum(weight), (n,) each, 0 <= right <= weight, with its `<name>_ci95`; group: (n,)."""
    right = np.asarray(right, float)
    weight = np.broadcast_to(np.asarray(weight, float), right.shape)
    found = paired.share_interval(right, weight, group, draws=settings.bootstrap, seed=settings.seed)
    return {name: float(right.sum() / weight.sum()), f"{name}_ci95": found}


def difference(
    name: str,
    ours: np.ndarray,
    theirs: np.ndarray,
    weight: np.ndarray | float,
    group: np.ndarray,
    settings: EvaluateSettings,
) -> dict:
    """A figure's paired difference, as `share` has the figure, with its `<name>_ci95`."""
    weight = np.broadcast_to(np.asarray(weight, float), np.shape(ours))
    found = paired.share_difference(ours, theirs, weight, group, LEVEL, settings.bootstrap, settings.seed)
    return {name: found.difference, f"{name}_ci95": [found.low, found.high]}


def methods(found: dict, bootstrapped: Collection[str] = ()) -> dict[str, dict[str, list[str]]]:
    """`ci95_methods`: the figures with an interval, by the method that made it.

    bootstrapped: figures whose interval is of a bootstrap, also with a prefix, as `ari` in `baseline_lda_ari`.
    """
    made: dict[str, list[str]] = {}
    for name in (k.removesuffix("_ci95") for k in found if k.endswith("_ci95")):
        drawn = any(name == b or name.endswith(f"_{b}") for b in bootstrapped)
        made.setdefault(BOOTSTRAP if drawn else paired.METHOD, []).append(name)
    return {METHODS: made} if made else {}
