"""Settings of the linear task."""

from dataclasses import dataclass

from earmark.data.settings import DataSettings
from earmark.evaluation.settings import EvaluateSettings
from earmark.training.settings import LoopSettings


@dataclass(frozen=True)
class StatisticsSettings:
    """MFCC statistics of a recording."""

    max_seconds: float = 60.0
    """Seconds of a recording that are read."""


@dataclass(frozen=True)
class LayerSettings:
    """One linear layer."""

    bias: bool = True
    """Whether every class has a bias."""


@dataclass(frozen=True)
class LinearSettings:
    """All settings of the task."""

    data: DataSettings
    features: StatisticsSettings
    model: LayerSettings
    train: LoopSettings
    evaluate: EvaluateSettings
