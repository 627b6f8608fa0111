"""How a trained model is judged, and when it may be promoted."""

from dataclasses import dataclass
from typing import Literal

from earmark.errors import require


@dataclass(frozen=True)
class EvaluateSettings:
    """How the confidence intervals of figures are computed."""

    bootstrap: int
    """Number of bootstrap draws per interval; each resamples whole groups."""
    seed: int
    """Random seed of the draws."""

    def __post_init__(self) -> None:
        require(self.bootstrap >= 100, "bootstrap", "must be at least 100 resamples")
        require(self.seed >= 0, "seed", "must be at least 0")


@dataclass(frozen=True)
class GateSettings:
    """What a version must show, against the champion and on the same test recordings, to be promoted."""

    question: Literal["non_inferiority", "superiority"] = "non_inferiority"
    """`non_inferiority` asks whether the version is worse than the champion by less than `margin`; `superiority`
    asks whether it is better by more than `min_gain`."""
    margin: float = 0.05
    """A loss in the headline figure below this margin counts as no loss; the margin also applies against the best
    champion so far."""
    min_gain: float = 0.0
    """With `superiority`: the gain in the headline figure that must be exceeded."""
    level: float = 0.05
    """Significance level: the largest probability of promoting a version that is worse by just the margin. It is
    divided by the number of models compared on these test recordings so far, since each is another chance."""
    class_margin: float | None = 0.2
    """The largest loss allowed in a single class or chord quality; null does not check single classes."""
    calibration_margin: float | None = 0.1
    """The largest rise allowed in the expected calibration error, where a model gives probabilities; null allows
    any."""
    max_slowdown: float | None = 5.0
    """The largest ratio allowed of the time per answer to the champion's; null allows any."""
    max_megabytes: float | None = 500.0
    """The largest size allowed for the model's files, in megabytes; null allows any."""

    def __post_init__(self) -> None:
        require(0 < self.margin < 1, "margin", "must lie between 0 and 1, such as 0.05")
        require(0 <= self.min_gain < 1, "min_gain", "must be at least 0 and below 1")
        require(0 < self.level <= 0.2, "level", "must be above 0 and at most 0.2, such as 0.05")
        for name in ("class_margin", "calibration_margin"):
            value = getattr(self, name)
            require(value is None or 0 < value <= 1, name, "must be above 0 and at most 1, or null")
        require(self.max_slowdown is None or self.max_slowdown >= 1, "max_slowdown", "must be at least 1, or null")
        require(self.max_megabytes is None or self.max_megabytes > 0, "max_megabytes", "must be above 0, or null")
