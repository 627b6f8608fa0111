"""What a model folder says of itself."""

import json

import pandas as pd
import pytest
import torch
from safetensors.torch import save

from earmark.errors import EarmarkError
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


def test_a_folder_keeps_what_was_met_by_hash_alone(tmp_path):
    rows = [("b", "train"), ("a", "val"), ("c", "test"), ("b", "train"), ("d", "train")]
    table = pd.DataFrame(rows, columns=["sha256", "split"]).assign(path="secret name.wav")
    model_files.write_learnt(tmp_path, model_files.met_recordings(table))
    assert (tmp_path / "recordings.csv").read_bytes() == b"sha256,split\na,val\nb,train\nd,train\n"
    assert model_files.read_learnt(tmp_path) == [("a", "val"), ("b", "train"), ("d", "train")]


def test_without_hashes_there_is_no_list_of_what_was_met(tmp_path):
    model_files.write_learnt(tmp_path, model_files.met_recordings(pd.DataFrame({"path": ["a"], "split": ["train"]})))
    assert model_files.read_learnt(tmp_path) is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("spoil", [lambda f: f.write_bytes(f.read_bytes()[:50]), lambda f: f.unlink()])
def test_weights_that_were_cut_or_are_gone(tmp_path, spoil):
    file = tmp_path / "model.safetensors"
    file.write_bytes(save({"w": torch.zeros(100)}))
    spoil(file)
    with pytest.raises(EarmarkError, match=r"^The weights .*\.safetensors cannot be read \(.*\); put the file back"):
        model_files.read_weights(tmp_path)
