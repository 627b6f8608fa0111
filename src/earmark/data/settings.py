"""Where recordings come from and how they are split."""

from dataclasses import dataclass, field

from earmark.errors import require

MANIFEST = "manifest.csv"


@dataclass(frozen=True)
class DemoSettings:
    """The generated demo data."""

    songs_per_genre: int
    """Number of songs per genre."""
    voices: int
    """Number of speakers."""
    seed: int
    """Random seed of the generated data."""

    def __post_init__(self) -> None:
        require(
            self.songs_per_genre >= 5,
            "songs_per_genre",
            "must be at least 5, for three splits of every genre",
        )
        require(
            10 <= self.voices <= 70,
            "voices",
            "must be from 10 (two in every split) to 70 (all that eSpeak NG has)",
        )


@dataclass(frozen=True)
class DataSettings:
    """One task's recordings."""

    source: str
    """`demo`, `folder` (your audio, with a manifest.csv or one sub-folder per label), or one of the task's corpora."""
    root: str
    """The folder of audio, relative to the project or absolute."""
    test_fold: str | int | None
    """The fold to test on, where the manifest has folds."""
    val_share: float
    """Share of the groups (of each label's, for genre; of the speakers, for speaker) outside the test split that
    becomes the validation split. 0 makes no validation split, for a training that decides nothing on it."""
    test_share: float
    """Share of the groups (of each label's, for genre; of the speakers, for speaker) that becomes the test split, where
    the recordings come without a split or folds."""
    seed: int
    """Random seed of the split. Groups that have a split keep it (splits/TASK.csv); another seed splits all groups
    anew."""
    max_quarantined: float
    """Largest share of recordings that may be unusable before `prepare` fails."""
    channels: int | str = field(default="mix", kw_only=True)
    """`mix` reads the mean of all channels; a number, counted from 1, reads that channel alone."""
    manifest: str = field(default=MANIFEST, kw_only=True)
    """With source `folder`: name of the table in data.root that lists the recordings. If there is no manifest.csv,
    labels come from the folder's layout; a table of any other name must exist."""

    def __post_init__(self) -> None:
        require(0 <= self.val_share <= 0.5, "val_share", "must be a share from 0 to 0.5")
        require(0 < self.test_share <= 0.5, "test_share", "must be above 0 and at most 0.5")
        require(self.seed >= 0, "seed", "must be at least 0")
        require(0 <= self.max_quarantined <= 1, "max_quarantined", "must be a share from 0 to 1")
        numbered = isinstance(self.channels, int) and self.channels >= 1
        require(
            self.channels == "mix" or numbered, "channels", "must be mix, or the number of a channel, counted from 1"
        )
        plain = self.manifest not in ("", ".", "..") and not set("/\\\0") & set(self.manifest)
        require(plain, "manifest", "must be the plain name of a file in data.root, without folders")
        read = self.source == "folder" or self.manifest == MANIFEST
        require(read, "manifest", "applies to source folder alone; remove the key")
