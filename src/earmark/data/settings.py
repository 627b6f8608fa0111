"""Where recordings come from and how they are split."""

from dataclasses import dataclass
from typing import Literal

from earmark.errors import require


@dataclass(frozen=True)
class DemoSettings:
    """The generated demo data: songs of each genre, speakers, and the seed that decides them."""

    songs_per_genre: int
    voices: int
    seed: int

    def __post_init__(self) -> None:
        require(
            self.songs_per_genre >= 5,
            "songs_per_genre",
            "must be at least 5, for three splits of every genre",
        )
        require(
            10 <= self.voices <= 70,
            "voices",
            "must lie from 10, for two in every split, to 70, as eSpeak NG has no more",
        )


@dataclass(frozen=True)
class DataSettings:
    """One task's recordings.

    `test_fold` names the fold held out when the manifest brings official folds; `test_share` is a share of
    each label's groups, `val_share` of those that remain (0: none, for a training that decides nothing on
    validation); at most the share `max_quarantined` of recordings may be unusable.
    """

    source: Literal[
        "demo",
        "folder",
        # with classes
        "gtzan",
        "esc10",
        "esc50",
        "urbansound8k",
        "fsdkaggle2018",
        "fma",
        "ballroom",
        # with chords
        "isophonics",
        "billboard",
        "guitarset",
        "rwc",
        # with speakers
        "librispeech",
        "voxceleb1",
        "vctk",
        "timit",
        "speech_commands",
    ]
    root: str
    test_fold: str | int | None
    val_share: float
    test_share: float
    seed: int
    max_quarantined: float

    def __post_init__(self) -> None:
        require(0 <= self.val_share <= 0.5, "val_share", "must be a share from 0 to 0.5")
        require(0 < self.test_share <= 0.5, "test_share", "must lie above 0 and be at most 0.5")
        require(self.seed >= 0, "seed", "must be at least 0")
        require(0 <= self.max_quarantined <= 1, "max_quarantined", "must be a share from 0 to 1")
