"""How a trained model is judged, and when it may be promoted."""

from dataclasses import dataclass
from typing import Literal

from earmark.errors import require


@dataclass(frozen=True)
class EvaluateSettings:
    """How figures get their intervals."""

    bootstrap: int
    """Draws of every interval, over groups."""
    seed: int
    """Decides the draws."""

    def __post_init__(self) -> None:
        require(self.bootstrap >= 100, "bootstrap", "must be at least 100 resamples")
        require(self.seed >= 0, "seed", "must be at least 0")


@dataclass(frozen=True)
class GateSettings:
    """What a version must show against the champion, on the same test recordings, to be promoted."""

    question: Literal["non_inferiority", "superiority"] = "non_inferiority"
    """Whether it is no worse than the champion by `margin`, or (`superiority`) better by `min_gain`."""
    margin: float = 0.05
    """Of the headline figure: the largest loss that is taken for none. Also against the best champion so far."""
    min_gain: float = 0.0
    """Of the headline figure, with `superiority`."""
    level: float = 0.05
    """How often a version that is worse by just the margin may be promoted; divided by the number of models that
    were compared on these test recordings, since each is another chance."""
    class_margin: float | None = 0.2
    """The largest loss in a class or chord quality; null: none is looked at alone."""
    calibration_margin: float | None = 0.1
    """The largest rise of the expected calibration error, where probabilities are known; null: any."""
    max_slowdown: float | None = 5.0
    """Time of an answer over the champion's; null: any."""
    max_megabytes: float | None = 500.0
    """Size of the model's files; null: any."""

    def __post_init__(self) -> None:
        require(0 < self.margin < 1, "margin", "must lie between 0 and 1, as 0.05")
        require(0 <= self.min_gain < 1, "min_gain", "must be at least 0 and below 1")
        require(0 < self.level <= 0.2, "level", "must be above 0 and at most 0.2, as 0.05")
        for name in ("class_margin", "calibration_margin"):
            value = getattr(self, name)
            require(value is None or 0 < value <= 1, name, "must be above 0 and at most 1, or null")
        require(self.max_slowdown is None or self.max_slowdown >= 1, "max_slowdown", "must be at least 1, or null")
        require(self.max_megabytes is None or self.max_megabytes > 0, "max_megabytes", "must be above 0, or null")
