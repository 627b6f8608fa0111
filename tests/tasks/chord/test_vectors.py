"""A network's vectors, and their picture beside the truth."""

import numpy as np
import pytest
import torch

from bundles import CHORD_FEATURES, CHORD_NETWORK
from chord_songs import song
from earmark.tasks.chord import vectors
from earmark.tasks.chord.networks import build
from earmark.tasks.chord.settings import ChordNetModel

WIDTH = 4 * 36 + 33
HOP_S = 0.1


def chordnet(smoothing: bool) -> torch.nn.Module:
    torch.manual_seed(0)
    settings = ChordNetModel(width=0.08, smoothing=smoothing)
    return build.untrained(settings, CHORD_FEATURES).eval()


@pytest.mark.parametrize("smoothing", [True, False])
def test_chordnet_has_a_raw_vector_and_a_smoothed_one_where_it_smooths(smoothing):
    model, values = chordnet(smoothing), torch.rand(30, WIDTH)
    found = vectors.network_vectors(model, values, 1)
    with torch.no_grad():
        answer = model(build.network_input(values, 1)[None])
    assert list(found) == ["raw", "smoothed"][: 1 + smoothing]
    np.testing.assert_array_equal(found["raw"], answer.vector[0])
    if smoothing:
        np.testing.assert_array_equal(found["smoothed"], answer.smooth[0])
        assert not np.allclose(found["raw"], found["smoothed"])


def test_pitch_nets_tones_and_bass_stand_side_by_side():
    torch.manual_seed(0)
    model, values = build.untrained(CHORD_NETWORK, CHORD_FEATURES).eval(), torch.rand(30, WIDTH)
    (found,) = vectors.network_vectors(model, values, 1).values()
    said = build.recording_logits(model, values)
    np.testing.assert_allclose(found[:, :12], said.tones.sigmoid(), atol=1e-6)
    np.testing.assert_allclose(found[:, 12:], said.bass.softmax(1), atol=1e-6)
    np.testing.assert_allclose(found[:, 12:].sum(1), 1, atol=1e-5)


@pytest.fixture
def drawn(monkeypatch):
    """The figures that would be written."""
    figures = []
    monkeypatch.setattr(vectors, "save", lambda fig, path: figures.append(fig))
    return figures


def test_truth_stands_above_what_is_heard_on_one_axis_of_seconds(drawn, tmp_path):
    of = song("N 1 | C:maj/3 2 | A:min 1", "C 4")
    heard = {name: np.random.default_rng(i).random((41, 25)) for i, name in enumerate(("raw", "smoothed"))}
    vectors.picture(tmp_path / "v.png", of, heard, HOP_S)
    (fig,) = drawn
    images = [ax.images[0] for ax in fig.axes if ax.images]
    true, raw, smoothed = (image.get_array() for image in images)
    # frames are centred: the tenth, at 1.0 s, is the first of C/E; rows 12 to 24 are the bass, E then
    assert true[:, 9].nonzero()[0].tolist() == [24]
    assert true[:, 10].nonzero()[0].tolist() == [0, 4, 7, 12 + 4]
    assert true[:, 30].nonzero()[0].tolist() == [0, 4, 9, 12 + 9]
    np.testing.assert_array_equal(raw, heard["raw"].T)
    np.testing.assert_array_equal(smoothed, heard["smoothed"].T)
    for image in images:
        assert image.get_extent()[:2] == pytest.approx((-0.05, 4.05))
    assert {ax.get_xlim() for ax in fig.axes[:5]} == {(0, 4)}
    words = [[t.get_text() for t in ax.texts] for ax in (fig.axes[0], fig.axes[4])]
    assert words == [["N", "C:maj/3", "A:min"], ["C"]]


def test_a_long_song_is_shown_for_a_minute(drawn, tmp_path):
    of = song("C 100 | G 100", "C 200")
    vectors.picture(tmp_path / "v.png", of, {"raw": np.zeros((2001, 25))}, HOP_S)
    assert [ax.images[0].get_array().shape for ax in drawn[0].axes if ax.images] == [(25, 601)] * 2
    assert drawn[0].axes[0].get_xlim() == (0, vectors.SHOWN_S)


def test_the_file_is_a_picture_and_the_same_every_time(tmp_path):
    for name in "ab":
        vectors.picture(tmp_path / f"{name}.png", song("C 2", "C 2"), {"raw": np.zeros((21, 25))}, HOP_S)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
