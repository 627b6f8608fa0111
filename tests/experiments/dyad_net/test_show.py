"""dyad_net's pictures show his batch, his flipped maps beside the true ones, and each kernel's role."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from scipy.signal import correlate2d

from earmark.experiments.dyad_net import roles, show
from earmark.experiments.dyad_net.dyad_net import DyadNet
from earmark.experiments.dyad_net.dyads import PITCHES_HZ, Dyads


@pytest.fixture
def result() -> dict:
    """An untrained network as a study keeps one."""
    torch.manual_seed(1)
    model = DyadNet()
    inputs = torch.from_numpy(Dyads(PITCHES_HZ, np.random.RandomState(0)).templates).float()
    rows = [row | {"accuracy_without": 0.5} for row in roles.kernels(model, inputs)]
    weights = {name: w.tolist() for name, w in model.state_dict().items()}
    return {"net": "dyad", "seed": 1, "weights": weights, "kernels": rows}


@pytest.fixture
def figures(monkeypatch) -> list:
    """The figures that were saved; they stay open."""
    made = []
    monkeypatch.setattr(show, "_save", lambda fig, path, title: made.append(fig) or path)
    yield made
    plt.close("all")


def test_the_drawn_batch_is_the_first_that_he_draws():
    x = show.drawn_batch("librosa")
    np.testing.assert_array_equal(x, Dyads(PITCHES_HZ, np.random.RandomState(1209)).batch(128)[0])
    np.random.seed(1209)
    chosen = np.random.choice(12, size=64)
    names = ["A", "A#", "B", "C", "C#", "D", "D#", "E", "F", "F#", "G", "G#"]
    assert show.drawn_roots() == (names[chosen[0]], names[chosen[63]])


def test_whose_cqt_it_is_changes_the_picture():
    assert abs(show.drawn_batch("librosa") - show.drawn_batch("earmark")).max() > 0.01


def test_four_majors_and_four_minors_of_the_batch_are_drawn(figures, tmp_path):
    show.inputs(tmp_path / "inputs.png", "librosa")
    (figure,) = figures
    drawn = [ax.images[0].get_array() for ax in figure.axes[:8]]
    x = show.drawn_batch("librosa")
    np.testing.assert_array_equal(drawn, x[[0, 1, 2, 3, 64, 65, 66, 67]])


def test_his_map_is_of_the_kernel_turned_by_half_and_padded():
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=(36, 3)), rng.normal(size=(5, 3))
    found = show.drawn_map(x, kernel)
    assert found.shape == (36, 3)
    np.testing.assert_allclose(found, correlate2d(x, kernel[::-1, ::-1], mode="same"), atol=1e-12)
    assert abs(found[2:-2, 1] - correlate2d(x, kernel, mode="valid")[:, 0]).max() > 1  # not what the network computes


def test_his_maps_are_drawn_beside_the_true_ones(result, figures, tmp_path):
    show.maps(tmp_path / "maps.png", result, "librosa")
    (figure,) = figures
    axes = np.array(figure.axes).reshape(2, 9)
    weights = np.array(result["weights"]["conv.weight"], np.float32)[:, 0]
    for row, x in zip(axes, show.drawn_batch("librosa")[[0, -1]], strict=True):
        np.testing.assert_array_equal(row[0].images[0].get_array(), x)
        for k, kernel in enumerate(weights):
            drawn, true = show.drawn_map(x, kernel), correlate2d(x, kernel, mode="valid")[:, 0]
            np.testing.assert_array_equal(row[1 + 2 * k].images[0].get_array(), drawn)
            assert row[1 + 2 * k].get_title() == f"drawn\nmax: {drawn.max():4.2f}"
            np.testing.assert_allclose(row[2 + 2 * k].lines[0].get_xdata(), true, atol=1e-5)
            assert row[2 + 2 * k].get_title() == f"kernel {k + 1}\nmax {true.max():.2f} at {true.argmax()}"


def test_a_kernels_title_names_its_role(result, figures, tmp_path):
    show.kernels(tmp_path / "kernels.png", result)
    titles = [ax.get_title() for ax in figures[0].axes[:4]]
    for k, (title, row) in enumerate(zip(titles, result["kernels"], strict=True), 1):
        assert title == f"kernel {k}: {roles.short_role(row)}\nwithout it: 0.500"
        assert row["role"] in title
