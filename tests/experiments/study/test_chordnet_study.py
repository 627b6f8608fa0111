"""ChordNet's studies against the text: every value as written, and levels of the cores that compare like with like."""

from dataclasses import fields

import pandas as pd
import pytest
import torch
import yaml

from chord_audio import songs
from earmark.cli import app
from earmark.experiments.study.prepare import Preparer
from earmark.experiments.study.run import read_plan
from earmark.nn.cells import PlainLstm
from earmark.nn.describe import count
from earmark.nn.recurrent import Blstm, DualPathRnn
from earmark.tasks.chord.networks import build
from earmark.tasks.chord.settings import ChordFeatureSettings, ChordNetModel, ChordTrainSettings, FocalTversky
from earmark.training.settings import Adam, ConstantSchedule
from project import REPOSITORY, write_params

AS_WRITTEN = REPOSITORY / "studies/chordnet_as_written.yaml"
PARAMS = yaml.safe_load((REPOSITORY / "params.yaml").read_text())


def cells(name: str, quick: bool = False) -> dict[str, object]:
    """Settings of a study's cells, by what is not the first level."""
    found = read_plan(REPOSITORY / f"studies/{name}.yaml", PARAMS, quick, [])
    preparer = Preparer(found, PARAMS, lambda sentence: None, lambda items, n, text: items)
    first = {factor: levels[0] for factor, levels in found.factors.items()}
    return {
        " ".join(f"{f}: {v}" for f, v in c.levels.items() if v != first[f]): preparer.settings(c) for c in found.cells
    }


def test_nothing_but_the_songs_is_left_to_params_yaml():
    said = set(yaml.safe_load(AS_WRITTEN.read_text())["base"])
    of = {"features": ChordFeatureSettings, "model": ChordNetModel, "train": ChordTrainSettings}
    every = {f"{block}.{f.name}" for block, kind in of.items() for f in fields(kind)}
    every |= {f"train.loss.{f.name}" for f in fields(FocalTversky)}
    assert said == every - {"train.loss"}


def test_every_value_that_the_text_states():
    (s,) = cells("chordnet_as_written").values()
    f = s.features
    m = s.model
    t = s.train
    assert (f.bins_per_octave, f.octaves, f.channels, f.n_bins) == (36, 7, 2, 252)
    assert (m.name, m.width, m.core, m.chunk_frames) == ("chordnet", 1, "dprnn", 256)
    assert (m.lstm_layers, m.smoothing_layers, m.cell, m.lstm_residual, m.lstm_dropout) == (1, 1, "lstm", False, 0)
    assert (m.vector, m.drop_features, m.smoothing, m.direct) == ("clip", True, True, False)
    assert m.decoder.startswith("crf")
    assert (t.loss.name, t.loss.alpha, t.loss.power) == ("focal_tversky", 0.4, 3)
    assert t.loss.focal_gamma > 0
    assert {t.loss.weight_bass, t.loss.weight_tones, t.loss.weight_change, t.loss.weight_key} == {1}
    assert (t.batch_size, t.crops, t.transpose, t.sam_rho) == (8, "chords", True, 0)
    assert min(t.time_masks, t.time_mask, t.band_masks, t.band_mask) > 0
    assert t.crop_frames % m.chunk_frames == 0


def test_what_the_text_does_not_ask_for_is_off():
    (s,) = cells("chordnet_as_written").values()
    m, t = s.model, s.train
    assert (t.tilt, t.floor, t.average, t.weight_decay, t.patience) == (0, 0, 0, 0, 0)
    assert (m.quality_weights, t.loss.quality_weights) == ({}, {})
    assert (t.optimizer, t.schedule, t.precision) == (Adam(), ConstantSchedule(), "float32")


def test_its_network_is_the_text_s():
    (s,) = cells("chordnet_as_written").values()
    with torch.device("meta"):
        net = build.untrained(s.model, s.features)
    assert count(net) == 5_187_784
    first, second = net.features.core, net.smoother.core
    assert isinstance(first, DualPathRnn)
    assert (first.chunk, first.dropout.p, first.n_out) == (256, 0.1, 512)
    assert isinstance(second, Blstm)
    assert isinstance(second.ahead, PlainLstm)
    assert (second.dropout.p, second.n_out) == (0, 256)


def test_quick_is_as_written_but_for_its_size():
    (whole,), (small,) = cells("chordnet_as_written").values(), cells("chordnet_as_written", quick=True).values()
    changed = {
        f"{block}.{f.name}"
        for block in ("features", "model", "train")
        for f in fields(getattr(whole, block))
        if getattr(getattr(whole, block), f.name) != getattr(getattr(small, block), f.name)
    }
    sizes = {"features.hop_length", "model.width", "model.chunk_frames"}
    assert changed == sizes | {"train.crop_frames", "train.time_mask", "train.epochs"}


@pytest.mark.pipeline
def test_it_trains_by_its_command(workplace, monkeypatch, capsys):
    """In small, on songs of a folder: a table with one row whose figures are shares."""
    songs(workplace / "audio")
    write_params(workplace, "chord", **{"data.root": "audio"})
    sets = ["data.source=folder", "data.root=audio", "model.width=0.08", "train.epochs=1"]
    said = ["study", str(AS_WRITTEN), "--quick", "--workers", "1", *(part for one in sets for part in ("-S", one))]
    monkeypatch.setattr("sys.argv", ["earmark", *said])
    with pytest.raises(SystemExit) as done:
        app.main()
    assert not done.value.code, capsys.readouterr()
    (row,) = pd.read_csv(workplace / "study/chordnet_as_written-quick/table.csv").to_dict("records")
    assert row["network"] == "as written"
    assert all(0 <= row[name] <= 1 for name in ("majmin", "tetrads", "chord529_accuracy"))


def test_cores_are_compared_like_with_like():
    """The chunks are taken away from one network; the layers of the others are counted."""
    of = cells("chordnet")
    models = {name: of[name].model for name in ("", "core: no chunks", "core: two BLSTMs", "core: BLSTM")}
    parameters = []
    for model in models.values():
        with torch.device("meta"):
            parameters.append(count(build.untrained(model, of[""].features).features.core))
    one = 2 * 4 * (64 * (128 + 64) + 64)  # 64 units in each direction on 128 features
    both = 2 * one + 2 * (128 * 128 + 128)  # and the dual path's dense layers
    assert parameters == [both, both, 2 * one, one]
    assert of[""].train.crop_frames >= 2 * of[""].model.chunk_frames


@pytest.mark.parametrize("quick", [False, True])
def test_every_core_sees_the_same_crops(quick):
    of = cells("chordnet", quick)
    assert {(s.train.crop_frames, s.train.batch_size) for name, s in of.items() if name.startswith("core")} == {
        (of[""].train.crop_frames, of[""].train.batch_size)
    }
    assert of[""].train.crop_frames >= 2 * of[""].model.chunk_frames > 0
