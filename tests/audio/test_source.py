"""The bytes of a file, held a window at a time, are those of the file."""

import numpy as np
import pytest

from earmark.audio import AudioError, source


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Bytes of few values, and the file of them, of which 16 are held at once."""
    monkeypatch.setattr(source, "HELD", 16)
    whole = np.random.default_rng(0).integers(0, 4, 500, np.uint8).tobytes()
    (tmp_path / "a").write_bytes(whole)
    with source.opened(tmp_path / "a") as found:
        yield whole, found


def test_slices_and_single_bytes(data):
    whole, found = data
    places = np.random.default_rng(1).integers(-520, 520, (300, 2)).tolist()
    assert len(found) == 500
    assert [found[a:b] for a, b in places] == [whole[a:b] for a, b in places]
    assert [found[a] for a, _ in places if -500 <= a < 500] == [whole[a] for a, _ in places if -500 <= a < 500]
    assert (found[:], found[490:], found[-3:]) == (whole, whole[490:], whole[-3:])
    with pytest.raises(IndexError):
        found[500]


@pytest.mark.parametrize("n", [1, 2, 4, 7])
def test_searches_from_either_side(data, n):
    whole, found = data
    for start, stop in np.random.default_rng(n).integers(0, 520, (300, 2)).tolist():
        what = whole[stop % 490 : stop % 490 + n]
        assert found.find(what, start, stop) == whole.find(what, start, stop)
        assert found.find(what, start) == whole.find(what, start)
        assert found.rfind(what, start, stop) == whole.rfind(what, start, stop)


def test_a_file_that_is_cut_while_it_is_read(data, tmp_path):
    _, found = data
    (tmp_path / "a").write_bytes(b"short")
    assert (found[:9], found[400:410]) == (b"short", b"")
    with pytest.raises(AudioError, match="it was truncated while being read"):
        found[400]
