"""Who is it, and who is with whom: answers from embeddings (d,), L2-normalised, whose cosine is the score."""

from pathlib import Path

import numpy as np

from earmark.audio import EXTENSIONS
from earmark.errors import EarmarkError
from earmark.tasks.speaker.trials import clustering

UNKNOWN = "unknown"


def enrolled_files(folder: Path) -> dict[str, list[Path]]:
    """The recordings of each speaker: those in the sub-folder named after them, at any depth, sorted."""
    if not folder.is_dir():
        raise EarmarkError(f"There is no folder {folder}; name one with a sub-folder of recordings for each speaker.")
    speakers = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    files = {speaker.name: _recordings(speaker) for speaker in speakers}
    if not any(files.values()):
        raise EarmarkError(
            f"{folder} has no sub-folder with recordings; give each speaker one, with the speaker's name."
        )
    empty = [name for name, found in files.items() if not found]
    if empty:
        raise EarmarkError(f"{folder / empty[0]} holds no recordings; put some in, or remove the folder.")
    return files


def _recordings(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in EXTENSIONS and path.is_file())


def voiceprint(embeddings: np.ndarray) -> np.ndarray:
    """A speaker (d,) from embeddings (n, d) of recordings: the mean, L2-normalised."""
    mean = embeddings.mean(0)
    return mean / max(float(np.linalg.norm(mean)), 1e-12)


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
    found = clustering.at(tree, threshold) if speakers is None else clustering.into(tree, speakers)
    _, first, place = np.unique(found, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[place] + 1
