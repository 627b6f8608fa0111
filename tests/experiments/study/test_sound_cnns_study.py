"""studies/sound_cnns.yaml against the article: its first experiment's values, and levels that can show something."""

import pytest
import yaml

from earmark.experiments.study import plan
from earmark.experiments.study.prepare import Preparer
from earmark.experiments.study.run import read_plan
from earmark.training.settings import Adam, ConstantSchedule, PlateauSchedule, StepSchedule
from project import REPOSITORY

FILE = REPOSITORY / "studies/sound_cnns.yaml"
PARAMS = yaml.safe_load((REPOSITORY / "params.yaml").read_text())


@pytest.fixture(scope="module", params=[False, True], ids=["whole", "quick"])
def cells(request) -> dict[str, tuple]:
    """Each cell's levels (those that are not the first) and settings."""
    found = read_plan(FILE, PARAMS, request.param, [])
    preparer = Preparer(found, PARAMS, lambda sentence: None, lambda items, n, text: items)
    first = {factor: levels[0] for factor, levels in found.factors.items()}
    named = [({f: v for f, v in c.levels.items() if v != first[f]}, preparer.settings(c)) for c in found.cells]
    return {" ".join(levels.values()): (levels, settings) for levels, settings in named}


def test_the_first_cell_is_his_first_experiment(cells):
    s = cells[""][1]
    f, t = s.features, s.train
    assert (f.kind, f.sample_rate, f.n_fft, f.hop_length, f.n_mels) == ("log_mel", 44100, 1024, 441, 64)
    assert (f.f_min, f.f_max, f.mel_scale, f.mel_norm, f.padding) == (0, 22050, "htk", "none", "reflect")
    assert (f.log_floor, f.normalize, f.fill, f.trim_db, f.dtype) == ("zero", "none", "pad_log", None, "float32")
    assert (f.window_s, f.window_frames, f.other_rates, f.max_seconds) == (4, 401, "refuse", None)
    whole = s.train.epochs == 50
    assert (s.model.name, s.model.filter) == ("net" if whole else "resnetish18", "none")
    assert (t.optimizer, t.lr, t.weight_decay, t.schedule) == (Adam(), 3e-4, 0, ConstantSchedule())
    assert (t.crops, t.judged_on, t.keep, t.average, t.precision) == ("random", "crop", "last", 0, "float32")
    assert (t.by_frame, t.label_smoothing, t.balance, t.patience) == (True, 0, "none", 0)
    a = t.augment
    assert not any((a.stretch, a.mel_roll, a.shift, a.gain_db, a.equalizer_db, a.time_masks, a.band_masks))
    assert a.mix.name == "none"


def test_whole_runs_have_his_epochs_width_and_schedules():
    found = read_plan(FILE, PARAMS, False, [])
    preparer = Preparer(found, PARAMS, lambda sentence: None, lambda items, n, text: items)
    of = {(c.levels["model"], c.levels["schedule"]): preparer.settings(c) for c in found.cells}
    assert {(s.train.epochs, s.model.width) for s in of.values()} == {(50, 1.0)}
    net = {schedule: (s.train.lr, s.train.schedule) for (model, schedule), s in of.items() if model == "Net"}
    assert net == {
        "fixed": (3e-4, ConstantSchedule()),
        "step 10": (1e-3, StepSchedule(step_epochs=10, gamma=0.1)),
        "step 15": (3e-4, StepSchedule(step_epochs=15, gamma=0.05)),
        "plateau": (3e-4, PlateauSchedule(gamma=0.1, patience=10, monitor="loss")),
        "plateau as written": (3e-4, PlateauSchedule(gamma=0.05, patience=10, monitor="loss_rising", min_lr=2e-4)),
        "plateau on accuracy": (3e-4, PlateauSchedule(gamma=0.05, patience=10, monitor="accuracy", min_lr=2e-4)),
    }
    assert {name for name, _ in of} == {"Net", "R18", "R34", "VGGish"}


def test_every_cell_changes_something(cells):
    settings = [str(s) for _, s in cells.values()]
    assert len(settings) == len(set(settings))


def test_his_figures_stand_beside_his_experiments():
    """Test, validation, and the epoch in which 60 % were reached."""
    found = read_plan(FILE, PARAMS, False, [])
    beside = {}
    for cell in found.cells:
        if source := found.reference_of(cell):
            beside[cell.levels["model"], cell.levels["schedule"]] = [source.get(k) for k in plan.REFERENCE[1:4]]
    assert beside == {
        ("Net", "fixed"): [0.73, 0.76, 8],
        ("R18", "fixed"): [0.75, 0.76, 3],
        ("R18", "step 10"): [0.79, None, None],
        ("Net", "plateau"): [0.77, 0.76, None],
        ("R18", "plateau"): [0.78, 0.79, None],
    }


def test_patience_and_steps_can_run_out_several_times(cells):
    for levels, s in cells.values():
        schedule = s.train.schedule
        if isinstance(schedule, StepSchedule | PlateauSchedule):
            waits = schedule.step_epochs if isinstance(schedule, StepSchedule) else schedule.patience + 1
            assert s.train.epochs / waits >= 3, levels


def test_bands_ranges_clips_and_logs_are_levels(cells):
    by_level = {name: s for name, (_, s) in cells.items()}
    if "10 s" in by_level:  # the whole study
        assert by_level["10 s"].features.window_frames == 1001
        assert (by_level["128"].features.n_mels, by_level["128"].features.n_fft) == (128, 1024)
        assert by_level["128"].features.empty_filters == "keep"
        assert (by_level["128 at 2048"].features.n_mels, by_level["128 at 2048"].features.n_fft) == (128, 2048)
        assert by_level["up to 11 kHz"].features.f_max == 11025
        assert by_level["above 500 Hz"].features.f_min == 500
        assert (by_level["forward"].features.log_floor, by_level["forward"].model.filter) == ("none", "forward")
    assert by_level["5 s"].features.window_frames == 501
    assert (by_level["at test"].features.log_floor, by_level["at test"].model.filter) == ("none", "test")
    assert by_level["floored"].features.log_floor == "top_db"
    assert by_level["windows"].train.judged_on == "windows"
    librosas = by_level["librosa"].features
    assert (librosas.mel_scale, librosas.mel_norm, librosas.padding) == ("slaney", "slaney", "zeros")
    assert by_level["VGGish"].model.name == "vggish"
