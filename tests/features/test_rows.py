"""Rows that wait on disk come back as they were."""

import errno
import tempfile

import numpy as np
import pytest

from earmark.errors import EarmarkError
from earmark.features import rows
from earmark.features.rows import Rows


@pytest.mark.parametrize("memory", [100, 2**20])
@pytest.mark.parametrize("dtype", [np.float32, np.uint16, np.uint8])
def test_rows_come_back_as_often_as_wanted(monkeypatch, memory, dtype):
    monkeypatch.setattr(rows, "MEMORY", memory)
    monkeypatch.setattr(rows, "BLOCK", 7 * 3 * np.dtype(dtype).itemsize)
    whole = np.random.default_rng(0).integers(0, 200, (50, 3)).astype(dtype)
    with Rows() as kept:
        for i, part in enumerate(np.split(whole, [11, 12, 40])):
            kept.append(part)
            np.testing.assert_array_equal(kept.read(0, 5), whole[:5])  # between two appended blocks, too
            assert len(kept) == [11, 12, 40, 50][i]
        for _ in range(2):
            blocks = list(kept)
            assert [len(b) for b in blocks] == [7] * 7 + [1]
            np.testing.assert_array_equal(np.concatenate(blocks), whole)
        assert blocks[0].dtype == dtype
        back = list(kept.backwards())
        assert [start for start, _ in back] == [49, 42, 35, 28, 21, 14, 7, 0]
        np.testing.assert_array_equal(np.concatenate([block for _, block in back[::-1]]), whole)
        np.testing.assert_array_equal(np.concatenate(list(kept.blocks(range(9, 31)))), whole[9:31])
        assert kept.read(45, 99).shape == (5, 3)


def test_no_rows():
    with Rows() as kept:
        assert (len(kept), list(kept), list(kept.backwards()), kept.read(0, 9).size) == (0, [], [], 0)


def test_a_full_disk_is_one_sentence(monkeypatch):
    def full(data):
        raise OSError(errno.ENOSPC, "No space left on device")

    with Rows() as kept:
        monkeypatch.setattr(kept._file, "write", full)
        with pytest.raises(EarmarkError) as error:
            kept.append(np.zeros((1, 3), np.float32))
    assert str(error.value) == (
        f"Temporary data of a long recording is kept in {tempfile.gettempdir()}, which is full; make room there, "
        "or set the environment variable TMPDIR to another folder."
    )
