"""The feature store: one ragged array on disk, memory-mapped; numpy and the standard library alone.

`values.npy` is (frames of all recordings, bands), float16 or float32; `store.json` holds the offset and
number of frames of each recording, the recordings' ids and the settings they were computed with.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from earmark.errors import EarmarkError


@dataclass(frozen=True)
class Store:
    """values: (total_frames, bands); offsets, lengths: (recordings,) in frames; ids: (recordings,)."""

    values: np.ndarray
    offsets: np.ndarray
    lengths: np.ndarray
    ids: list[str]
    settings: dict
    sha256: str

    def frames(self, id_: str) -> np.ndarray:
        """Frames (length, bands) of one recording, as a view. Raises KeyError for an unknown id."""
        i = self.index()[id_]
        return self.values[self.offsets[i] : self.offsets[i] + self.lengths[i]]

    def index(self) -> dict[str, int]:
        """Position of each recording id."""
        return {id_: i for i, id_ in enumerate(self.ids)}


class Writer:
    """Append recordings to a store; it becomes readable at `close` and not before.

    The values' header is written last, because only then the number of frames is known.
    """

    HEADER = 128  # bytes; a version 1.0 header of a 2-D array fits

    def __init__(self, path: Path, n_bands: int, dtype: str, settings: dict):
        path.mkdir(parents=True, exist_ok=True)
        (path / "store.json").unlink(missing_ok=True)
        self.path = path
        self.n_bands = n_bands
        self.dtype = np.dtype(dtype)
        self.settings = settings
        self.ids: list[str] = []
        self.lengths: list[int] = []
        self.digest = hashlib.sha256()
        self.file = (path / "values.npy").open("wb")
        self.file.write(bytes(self.HEADER))

    def append(self, id_: str, blocks) -> None:
        """Add one recording from blocks of frames (n, bands)."""
        n = 0
        for block in blocks:
            data = np.ascontiguousarray(block, dtype=self.dtype).tobytes()
            self.file.write(data)
            self.digest.update(data)
            n += len(block)
        self.ids.append(id_)
        self.lengths.append(n)

    def close(self) -> None:
        """Write the header, now that the number of frames is known, and the store's description."""
        shape = (sum(self.lengths), self.n_bands)
        head = repr({"descr": self.dtype.str, "fortran_order": False, "shape": shape})
        fill = self.HEADER - 10 - len(head) - 1
        header = b"\x93NUMPY\x01\x00" + (self.HEADER - 10).to_bytes(2, "little") + (head + " " * fill + "\n").encode()
        self.file.seek(0)
        self.file.write(header)
        self.file.close()
        meta = {"ids": self.ids, "lengths": self.lengths, "settings": self.settings}
        self.digest.update(json.dumps(meta, sort_keys=True).encode())
        meta["sha256"] = self.digest.hexdigest()
        (self.path / "store.json").write_text(json.dumps(meta))


def load(path: Path) -> Store:
    """Open a store; the values stay on disk until they are used."""
    if not (path / "store.json").exists():
        raise EarmarkError(f"There is no feature store in {path}; run `dvc repro` first.")
    meta = json.loads((path / "store.json").read_text())
    lengths = np.array(meta["lengths"], dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
    values = np.load(path / "values.npy", mmap_mode="c", allow_pickle=False)
    return Store(values, offsets, lengths, meta["ids"], meta["settings"], meta["sha256"])
