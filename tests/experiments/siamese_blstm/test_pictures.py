"""The walk's pictures: where the divergence of values that are no distribution is least, and what the curves show."""

import math

import numpy as np
import pandas as pd
import pytest

from earmark.experiments.siamese_blstm import pictures


@pytest.fixture
def figures(monkeypatch):
    kept = []
    monkeypatch.setattr(pictures, "save", lambda fig, path: kept.append(fig))
    return kept


def result(step: str, **curves) -> dict:
    of_pairs = {"asker_accuracy": [0.5, 0.4], "negative_share": [0.3, 0.2]} if step != "aam" else {}
    curves = {"loss": [2.0, 1.0], "custom_metric": [0.5, 0.8]} | of_pairs | curves
    figures = {"eer_native": 0.4, "eer_cosine": 0.3, "eer_untrained": 0.25, "mr": 0.5, "mr_untrained": 0.4}
    spread = {f"distances_{k}": list(np.linspace(0, 1, 21)) for k in ("same", "different")} if of_pairs else {}
    return {"step": step, "seed": 1, "curves": curves} | figures | spread


def lines(ax) -> dict:
    return {line.get_label(): line.get_xydata() for line in ax.lines if not line.get_label().startswith("_")}


def test_one_direction_is_least_below_zero_and_both_at_zero(figures, tmp_path):
    """Of p log(p / q): with p = .5 least at the clip, q = 1, -.35; with q = .5 at p = q / e, where it is -q / e."""
    pictures.divergence(tmp_path / "kl.png", [result("labels"), result("aam")])
    over_q, over_p, measured = figures[0].axes
    found = [lines(ax) for ax in (over_q, over_p)]
    lowest = [(0.5 * math.log(0.5), 1.0), (-0.5 / math.e, 0.5 / math.e)]
    for by_name, (value, place), shift in zip(found, lowest, ("q", "p"), strict=True):
        one, both = by_name.values()
        assert one[:, 1].min() == pytest.approx(value, abs=1e-4), shift
        assert one[one[:, 1].argmin(), 0] == pytest.approx(place, abs=0.003)
        assert both[:, 1].min() == pytest.approx(0, abs=1e-4)
        assert both[both[:, 1].argmin(), 0] == pytest.approx(0.5, abs=0.003)
        names = list(by_name)
        assert names[0].startswith(f"KL(p || q): least {value:.2f} at")
        assert names[1] == "KL(p || q) + KL(q || p): least 0.00 at 0.50"
    measured_lines = lines(measured)
    assert list(measured_lines) == ["labels"]
    assert measured_lines["labels"].tolist() == [[10, 30], [20, 20]]


def test_both_accuracies_are_drawn_as_logged(figures, tmp_path):
    pictures.curves(tmp_path / "curves.png", [result("asked"), result("aam")])
    loss, asker, custom = figures[0].axes
    assert lines(loss)["asked"].tolist() == [[10, 1], [20, 0.5]]
    assert lines(asker).keys() == {"asked"}
    assert lines(asker)["asked"].tolist() == [[10, 0.5], [20, 0.4]]
    assert lines(custom)["aam"].tolist() == [[10, 0.5], [20, 0.8]]


def test_the_walk_shows_clustering_error_beside_the_eer(figures, tmp_path):
    results = [result("asked"), result("labels") | {"mr": 0.2}]
    pictures.walk(tmp_path / "walk.png", results, pd.DataFrame(results))
    left, right = figures[0].axes
    assert lines(right)["trained"][:, 1].tolist() == [0.5, 0.2]
    assert lines(right)["before training"][:, 1].tolist() == [0.4, 0.4]
    assert lines(left)["the network's own distance"][:, 1].tolist() == [0.4, 0.4]


def test_all_are_written_also_of_a_softmax_alone(tmp_path):
    results = [result("aam")]
    made = pictures.draw(tmp_path, results, pd.DataFrame(results))
    assert [p.name for p in made] == ["walk.png", "curves.png", "distances.png", "kl.png"]
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in made)
