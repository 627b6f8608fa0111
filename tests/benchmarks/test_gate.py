"""The simulated gate: its many tests at once are the gate's own, and its models are what it says."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from earmark.evaluation import paired

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("benchmark_of_the_gate", ROOT / "benchmarks/gate.py")
gate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(gate)


def test_bounds_are_those_of_the_paired_comparison():
    rng = np.random.default_rng(0)
    m = gate.sizes_of("1 to 12", (3, 40), rng)
    d = gate.answers(m, -0.05, 0.2, False, rng)
    found = gate.bounds(d, m, (0.05,), rng)[0], gate.bounds(d, m, (0.95,), rng, end=1.0)[0]
    for i in range(3):
        single = paired.share_difference(d[i], 0 * d[i], m[i], np.arange(40), 0.05)
        assert (found[0][i], found[1][i]) == pytest.approx((single.low, single.high), abs=0.012)


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize(("draw", "spread"), [(gate.answers, 0.1), (gate.shares, 20.0)])
def test_models_differ_by_just_the_gain(draw, spread, together):
    rng = np.random.default_rng(1)
    m = gate.sizes_of("five", (400, 100), rng)
    found = draw(m, -0.05, spread, together, rng)
    assert found.sum() / m.sum() == pytest.approx(-0.05, abs=0.01)
    assert (np.abs(found) <= m).all()


def test_one_command_makes_a_table_and_the_cells(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(gate, "GROUPS", (20,))
    monkeypatch.setattr(gate, "DRAWS", 100)
    out = tmp_path / "gate.json"
    monkeypatch.setattr(sys, "argv", ["gate.py", "--repeats", "20", "--out", str(out)])
    gate.main()
    cells = json.loads(out.read_text())
    assert {c["what"] for c in cells} == {
        *("yes/no", "share", "equal error rate", "chain", "equal in ten classes", "a class of ten, wholly lost")
    }
    assert all(0 <= c["passes"] <= 1 for c in cells)
    assert "worst false" in capsys.readouterr().out
