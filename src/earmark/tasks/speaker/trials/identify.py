"""Who is it, and who is with whom: answers from embeddings (d,), L2-normalised, whose cosine is the score."""

import filecmp
import unicodedata
from collections.abc import Callable, Iterable
from itertools import combinations
from pathlib import Path

import numpy as np

from earmark import audio, console
from earmark.data.folder import label_of, tell_loose
from earmark.data.walking import walk
from earmark.errors import EarmarkError
from earmark.tasks.speaker.trials import clustering

UNKNOWN = "unknown"


def enrolled_files(folder: Path, warn: Callable[[str], None] = console.warn) -> dict[str, list[Path]]:
    """The recordings of each speaker: those in the sub-folder named after them, at any depth, sorted.

    Links are followed. `warn` says what is left out. Raises EarmarkError where there are none, and for one recording of
    two speakers.
    """
    if not folder.is_dir():
        raise EarmarkError(f"There is no folder {folder}; name one with a sub-folder of recordings for each speaker.")
    found = walk(folder)
    found.tell(warn)
    inside = [path for path in found.audio if len(path.parts) > 1]
    tell_loose(found, inside, "speaker", warn)
    if not inside:
        raise EarmarkError(
            f"{folder} has no sub-folder with recordings; give each speaker one, with the speaker's name."
        )
    files: dict[str, list[Path]] = {label_of(path): [] for path in found.folders}
    for path in found.once(inside, label_of, warn):
        files[label_of(path)].append(folder / path)
    empty = [name for name, recordings in files.items() if not recordings]
    if empty:
        raise EarmarkError(f"{folder / empty[0]} holds no recordings; put some in, or remove the folder.")
    _refuse_shared(files)
    return files


def _refuse_shared(files: dict[str, list[Path]]) -> None:
    """Refuse the very same bytes under two speakers, where somebody is heard in them."""
    alike: dict[int, list[tuple[str, Path]]] = {}
    for name, recordings in files.items():
        for path in filter(Path.is_file, recordings):
            alike.setdefault(path.stat().st_size, []).append((name, path))
    for pair in (pair for them in alike.values() for pair in combinations(them, 2)):
        (one, path), (other, its) = pair
        if one != other and filecmp.cmp(path, its, shallow=False) and _is_usable(path):
            raise EarmarkError(
                f"{path} and {its} hold the same bytes, but are labelled as the speakers '{one}' and '{other}'; "
                "remove one."
            )


def _is_usable(path: Path) -> bool:
    try:
        return not audio.check(path).flat
    except (audio.AudioError, OSError):
        return False


def refuse_nobody(names: Iterable[str], folder: Path) -> None:
    """Raise EarmarkError for a speaker who is called what an answer calls a voice of nobody."""
    for name in names:
        if unicodedata.normalize("NFKC", name).strip().casefold() == UNKNOWN:
            raise EarmarkError(
                f"{folder / name} enrolls somebody as '{name}', but '{UNKNOWN}' is the answer for an unknown "
                "voice; give the folder another name, as in 'guest'."
            )


def ranking(embedding: np.ndarray, voiceprints: dict[str, np.ndarray]) -> list[tuple[str, float]]:
    """The speakers and their scores for a recording, the likeliest first."""
    scores = {name: float(embedding @ known) for name, known in voiceprints.items()}
    return sorted(scores.items(), key=lambda item: -item[1])


def groups(embeddings: np.ndarray, threshold: float | None = None, speakers: int | None = None) -> np.ndarray:
    """Numbers (n,) of the groups of recordings (n, d), from 1 in order of appearance.

    As many groups as `speakers`, or, without it, what is joined up to the cosine distance `threshold`.
    """
    if len(embeddings) == 1:
        return np.ones(1, np.int64)
    tree = clustering.tree(embeddings)
    found = clustering.cut_at(tree, threshold) if speakers is None else clustering.cut_into(tree, speakers)
    _, first, place = np.unique(found, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[place] + 1
