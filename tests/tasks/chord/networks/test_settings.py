"""Settings of chord networks: what would change nothing is refused, and crops hold several chunks."""

from pathlib import Path

import pytest
import yaml

from earmark import config
from earmark.errors import EarmarkError
from earmark.tasks.chord.settings import (
    ChordModelSettings,
    ChordNetModel,
    ChordTrainSettings,
    PitchNetModel,
    require_chunks,
)
from earmark.training import tagged
from project import REPOSITORY

PARAMS = REPOSITORY / "params.yaml"


def test_a_model_of_before_has_the_text_s_chunks_and_plain_single_lstms():
    assert tagged.from_stored(
        ChordModelSettings, {"name": "chordnet", "width": 0.25, "core": "dprnn"}
    ) == ChordNetModel(
        width=0.25,
        chunk_frames=256,
        cell="lstm",
        lstm_layers=1,
        smoothing_layers=1,
        lstm_residual=False,
        lstm_dropout=0,
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"chunk_frames": -1}, "chunk_frames must be at least 0"),
        ({"lstm_layers": 0, "core": "blstm"}, "lstm_layers and smoothing_layers must be above 0"),
        ({"lstm_layers": 2}, "lstm_layers must be 1 for core dprnn, which has two LSTMs of its own"),
        ({"smoothing_layers": 2, "smoothing": False}, "smoothing_layers must be 1 where smoothing is false"),
        ({"lstm_residual": True}, "lstm_residual needs lstm_layers or smoothing_layers above 1"),
        ({"lstm_dropout": 1.0}, "lstm_dropout must be at least 0 and below 1"),
        ({"lstm_dropout": 0.2, "cell": "peephole"}, "lstm_dropout must be 0 for cell peephole"),
        ({"cell": "lnlstm", "smoothing": False}, "cell must be lstm and lstm_dropout 0 for core dprnn without smooth"),
        ({"lstm_dropout": 0.2, "smoothing": False}, "cell must be lstm and lstm_dropout 0 for core dprnn without"),
    ],
)
def test_what_would_change_nothing_is_refused(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        ChordNetModel(**changes)


def test_what_is_used_is_allowed():
    stacked = ChordNetModel(smoothing_layers=2, lstm_residual=True, cell="lnlstm")
    first = ChordNetModel(core="blstm", lstm_layers=3, smoothing=False, cell="peephole")
    dropped = ChordNetModel(core="blstm", smoothing=False, lstm_dropout=0.2)
    assert (stacked.cell, stacked.smoothing_layers, stacked.lstm_residual) == ("lnlstm", 2, True)
    assert (first.cell, first.lstm_layers) == ("peephole", 3)
    assert (dropped.cell, dropped.lstm_dropout) == ("lstm", 0.2)


@pytest.mark.parametrize(
    ("said", "allowed"),
    [
        ({"model.chunk_frames": 64, "train.crop_frames": 128}, True),
        ({"model.chunk_frames": 64, "train.crop_frames": 127}, False),
        ({"model.chunk_frames": 256, "train.crop_frames": 256}, False),
        ({"model.chunk_frames": 0, "train.crop_frames": 16}, True),
        ({"model.chunk_frames": 256, "train.crop_frames": 16, "model.core": "blstm"}, True),
    ],
)
def test_a_crop_holds_two_chunks(said, allowed):
    overrides = [f"tasks.chord.{key}={value}" for key, value in ({"model.core": "dprnn"} | said).items()]
    if allowed:
        config.load_task(PARAMS, "chord", overrides)
        return
    with pytest.raises(EarmarkError) as refused:
        config.load_task(PARAMS, "chord", overrides)
    crop = said["train.crop_frames"]
    assert str(refused.value) == (
        f"{PARAMS}: in tasks.chord, model.chunk_frames must be at most {crop // 2}, so that a crop of "
        f"train.crop_frames ({crop}) holds two chunks, or 0 for none (it is {said['model.chunk_frames']})."
    )


@pytest.mark.parametrize("recipe", ["chord.yaml", "chordnet.yaml"])
def test_recipes_train_on_several_chunks(recipe):
    path = Path(REPOSITORY / "recipes" / recipe)
    raw = yaml.safe_load(path.read_text())
    model = config.typed(ChordModelSettings, raw["model"], str(path), "model")
    require_chunks(model, config.typed(ChordTrainSettings, raw["train"], str(path), "train"))
    assert isinstance(model, PitchNetModel) == (recipe == "chord.yaml")
