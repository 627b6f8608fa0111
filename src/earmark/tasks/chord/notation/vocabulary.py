"""The chord qualities that a model can name, and the numbers of its classes.

A chord class is `quality * 12 + root`, pitch classes counted from C = 0; after all of them comes N, no chord. The
first 44 qualities are those of ChordNet's text, in its order: 44 x 12 + 1 = 529 classes.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

IGNORED = -100  # the target of X, an unknown chord: no class, and no loss


@dataclass(frozen=True)
class Quality:
    """A kind of chord: its name on lead sheets, Harte's shorthand, and semitones above the root in ascending order.

    lead_sheet: as ChordNet's text writes it.
    """

    lead_sheet: str
    harte: str
    intervals: tuple[int, ...]


QUALITIES = (
    Quality("5", "5", (0, 7)),
    Quality("", "maj", (0, 4, 7)),
    Quality("m", "min", (0, 3, 7)),
    Quality("dim", "dim", (0, 3, 6)),
    Quality("aug", "aug", (0, 4, 8)),
    Quality("sus4", "sus4", (0, 5, 7)),
    Quality("7", "7", (0, 4, 7, 10)),
    Quality("7-5", "7(*5,b5)", (0, 4, 6, 10)),
    Quality("M7", "maj7", (0, 4, 7, 11)),
    Quality("M7-5", "maj7(*5,b5)", (0, 4, 6, 11)),
    Quality("m7", "min7", (0, 3, 7, 10)),
    Quality("m7-5", "hdim7", (0, 3, 6, 10)),
    Quality("mM7", "minmaj7", (0, 3, 7, 11)),
    Quality("6", "maj6", (0, 4, 7, 9)),
    Quality("m6", "min6", (0, 3, 7, 9)),
    Quality("add9", "maj(9)", (0, 2, 4, 7)),
    Quality("madd9", "min(9)", (0, 2, 3, 7)),
    Quality("dim7", "dim7", (0, 3, 6, 9)),
    Quality("aug7", "aug(b7)", (0, 4, 8, 10)),
    Quality("augM7", "aug(7)", (0, 4, 8, 11)),
    Quality("7sus4", "sus4(b7)", (0, 5, 7, 10)),
    Quality("7(b9)", "7(b9)", (0, 1, 4, 7, 10)),
    Quality("7(#9)", "7(#9)", (0, 3, 4, 7, 10)),
    Quality("7(b13)", "7(b13)", (0, 4, 7, 8, 10)),
    Quality("7(9)", "9", (0, 2, 4, 7, 10)),
    Quality("7(13)", "7(13)", (0, 4, 7, 9, 10)),
    Quality("M7(9)", "maj9", (0, 2, 4, 7, 11)),
    Quality("M7(13)", "maj7(13)", (0, 4, 7, 9, 11)),
    Quality("m7(9)", "min9", (0, 2, 3, 7, 10)),
    Quality("m7(11)", "min7(11)", (0, 3, 5, 7, 10)),
    Quality("m7(13)", "min7(13)", (0, 3, 7, 9, 10)),
    Quality("mM7(9)", "minmaj7(9)", (0, 2, 3, 7, 11)),
    Quality("mM7(13)", "minmaj7(13)", (0, 3, 7, 9, 11)),
    Quality("69", "maj6(9)", (0, 2, 4, 7, 9)),
    Quality("m69", "min6(9)", (0, 2, 3, 7, 9)),
    Quality("7(b9,b13)", "7(b9,b13)", (0, 1, 4, 7, 8, 10)),
    Quality("7(b9,13)", "7(b9,13)", (0, 1, 4, 7, 9, 10)),
    Quality("7(#9,b13)", "7(#9,b13)", (0, 3, 4, 7, 8, 10)),
    Quality("7(9,13)", "9(13)", (0, 2, 4, 7, 9, 10)),
    Quality("7(#9,13)", "7(#9,13)", (0, 3, 4, 7, 9, 10)),
    Quality("m7(9,11)", "min9(11)", (0, 2, 3, 5, 7, 10)),
    Quality("m7(9,13)", "min9(13)", (0, 2, 3, 7, 9, 10)),
    Quality("M7(9,13)", "maj9(13)", (0, 2, 4, 7, 9, 11)),
    Quality("7(9,#11,13)", "9(#11,13)", (0, 2, 4, 6, 7, 9, 10)),
    # beyond ChordNet's table
    Quality("aug7(9)", "aug(b7,9)", (0, 2, 4, 8, 10)),
    Quality("7(9,#11)", "9(#11)", (0, 2, 4, 6, 7, 10)),
    Quality("7(b9,#11)", "7(b9,#11)", (0, 1, 4, 6, 7, 10)),
    Quality("7(#11,13)", "7(#11,13)", (0, 4, 6, 7, 9, 10)),
)
NARROW_QUALITIES = QUALITIES[:44]

# Harte's further shorthands, and what people write that neither table has; min11 is min9(11).
EXTRA = (
    Quality("sus2", "sus2", (0, 2, 7)),
    Quality("9sus4", "sus4(b7,9)", (0, 2, 5, 7, 10)),
    Quality("7(#11)", "7(#11)", (0, 4, 6, 7, 10)),
    Quality("M7(#11)", "maj7(#11)", (0, 4, 6, 7, 11)),
    Quality("11", "11", (0, 2, 4, 5, 7, 10)),
    Quality("13", "13", (0, 2, 4, 5, 7, 9, 10)),
    Quality("m13", "min13", (0, 2, 3, 5, 7, 9, 10)),
    Quality("M13", "maj13", (0, 2, 4, 5, 7, 9, 11)),
)


@dataclass(frozen=True)
class Vocabulary:
    """Qualities in order, and the classes they make: `quality * 12 + root`, and `none` after the last."""

    qualities: tuple[Quality, ...]

    @property
    def none(self) -> int:
        """The class of N, no chord."""
        return 12 * len(self.qualities)

    @property
    def n_classes(self) -> int:
        """Qualities on twelve roots, and N."""
        return self.none + 1

    def index(self, quality: int, root: int) -> int:
        """Class of a quality's place in the table on a root 0..11."""
        return quality * 12 + root

    def parts(self, index: int) -> tuple[int, int] | None:
        """(quality, root) of a class; None for N."""
        if not 0 <= index < self.n_classes:
            raise ValueError(f"chord class {index} is outside of 0..{self.none}")
        return None if index == self.none else divmod(index, 12)

    def transposed(self, index: np.ndarray | int, semitones: int) -> np.ndarray:
        """Classes of any shape, as many semitones higher; N and IGNORED stay what they are."""
        index = np.asarray(index)
        moved = index - index % 12 + (index + semitones) % 12
        return np.where((index == self.none) | (index == IGNORED), index, moved)

    @cached_property
    def by_intervals(self) -> dict[frozenset[int], int]:
        """Place in the table by the semitones above the root."""
        return {frozenset(q.intervals): i for i, q in enumerate(self.qualities)}


NARROW = Vocabulary(NARROW_QUALITIES)
WIDE = Vocabulary(QUALITIES + EXTRA)
N = NARROW.none  # 528
