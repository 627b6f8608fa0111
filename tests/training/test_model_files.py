"""What a model folder says of itself."""

import json

import pytest

from earmark.training import model_files


@pytest.mark.parametrize(
    ("average", "judged"),
    [
        (0.0, "val/ and test/: plain weights; train/loss: plain weights"),
        (0.95, "val/ and test/: averaged weights (decay 0.95, warmed up); train/loss: plain weights"),
    ],
)
def test_a_finished_run_says_which_weights_its_figures_judge(tmp_path, average, judged):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    config = {"best_epoch": 3, "n_parameters": 12, "train": {"average": average}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert model_files.identity(tmp_path) == {
        "model_sha256": "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c",
        "best_epoch": "3",
        "n_parameters": "12",
        "judged": judged,
    }
