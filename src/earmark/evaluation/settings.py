"""How a trained model is judged."""

from dataclasses import dataclass

from earmark.errors import require


@dataclass(frozen=True)
class EvaluateSettings:
    """How figures get their intervals."""

    bootstrap: int
    """Resamples over groups."""
    seed: int
    """Decides the resamples."""

    def __post_init__(self) -> None:
        require(self.bootstrap >= 100, "bootstrap", "must be at least 100 resamples")
        require(self.seed >= 0, "seed", "must be at least 0")
