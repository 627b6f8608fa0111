"""studies/song_mil.yaml against the text: the question's numbers, the answer's, and levels that can show something."""

import librosa
import numpy as np
import pytest
import soundfile as sf
import yaml

from builders import noise, plain_progress
from earmark.errors import EarmarkError
from earmark.experiments.study.prepare import Preparer
from earmark.experiments.study.run import read_plan
from earmark.features.frames import recording_frames
from earmark.tasks.genre.settings import FrameLoss, SongLoss
from earmark.training.settings import ConstantSchedule, RmsProp, Sgd
from project import REPOSITORY

FILE = REPOSITORY / "studies/song_mil.yaml"
PARAMS = yaml.safe_load((REPOSITORY / "params.yaml").read_text())
REFUSED = "attention"


def cells_of(quick: bool) -> dict[str, tuple]:
    """Each cell's split and settings, or its refusal, by those of its levels that are not the first."""
    planned = read_plan(FILE, PARAMS, quick, [])
    preparer = Preparer(planned, PARAMS, lambda sentence: None, plain_progress)
    first = {factor: levels[0] for factor, levels in planned.factors.items()}
    found = {}
    for cell in planned.cells:
        name = ", ".join(level for factor, level in cell.levels.items() if level != first[factor])
        try:
            found[name] = cell.split, preparer.settings(cell)
        except EarmarkError as e:
            found[name] = cell.split, str(e)
    return found


@pytest.fixture(scope="module")
def cells() -> dict[str, tuple]:
    return cells_of(quick=False)


def test_the_first_cell_has_the_questions_numbers(cells):
    split, s = cells[""]
    f = s.features
    m = s.model
    t = s.train
    assert (f.kind, f.n_mfcc, f.window_s, f.max_seconds) == ("mfcc", 19, 5.0, 60.0)
    assert (t.loss, t.batch_size, t.epochs) == (FrameLoss(label_smoothing=0.0), 1800 / 50, 12)
    assert (t.optimizer, t.lr, t.schedule, t.weight_decay) == (RmsProp(), 0.001, ConstantSchedule(), 0)
    assert (split, s.data.val_share) == ("last_rows", 0.25)
    assert read_plan(FILE, PARAMS, False, []).k == 2  # half of the songs train, the text's 80 % do not
    assert (t.crops, t.judged_on, t.keep, t.average, t.precision) == ("windows", "windows", "last", 0, "float32")
    a = t.augment
    assert not any((a.stretch, a.mel_roll, a.shift, a.gain_db, a.equalizer_db, a.time_masks, a.band_masks))
    assert (a.mix.name, t.balance, t.patience) == ("none", "none", 0)
    assert (m.name, m.variant, m.channels, m.hidden, m.pooling) == ("cnn", "song_mil", 16, 32, "mean_prob")


def test_the_answers_cell_has_its_numbers(cells):
    s = cells["song 32, MFCC 13, SGD .01"][1]
    f, t = s.features, s.train
    assert (f.kind, f.n_mfcc, f.sample_rate, f.hop_length, f.n_fft) == ("mfcc", 13, 22050, 512, 2 * 512)
    assert (f.window_s, f.window_hop_s, f.window_frames, f.window_hop_samples) == (5.0, 2.5, 216, 110250 // 2)
    assert (f.framing, f.normalize, f.trim_db, f.n_mels, f.top_db) == ("window", "none", None, 128, 80)
    assert (s.model.pooling, t.loss, t.batch_size) == ("mean_prob", SongLoss(), 32)
    assert (t.optimizer, t.lr) == (Sgd(momentum=0.0), 0.01)


def test_its_features_are_librosas_of_that_spring(cells, tmp_path):
    """Windows of 13 MFCC by themselves, mirrored at both ends as librosa had it then: 23 of a minute."""
    s = cells["song 32, MFCC 13, SGD .01"][1].features
    x = noise(61.0) * np.linspace(1, 0.05, 61 * 22050, dtype=np.float32)
    sf.write(tmp_path / "a.wav", x, 22050, subtype="FLOAT")
    got = np.concatenate(list(recording_frames(tmp_path / "a.wav", s))).reshape(23, 216, 13).transpose(0, 2, 1)
    for i in (0, 7, 22):
        y = x[i * 55125 : i * 55125 + 110250]
        expected = librosa.feature.mfcc(y=y, sr=22050, n_mfcc=13, hop_length=512, n_fft=1024, pad_mode="reflect")
        np.testing.assert_allclose(got[i], expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("quick", [False, True])
def test_every_aggregation_stands_beside_the_others(quick):
    """Mean of probabilities, of logits and vote after the frame loss; both means and attention within the song loss."""
    found = cells_of(quick)
    of = {(s.train.by_frame, s.model.pooling) for _, s in found.values() if not isinstance(s, str)}
    assert of == {
        *((True, p) for p in ("mean_prob", "mean_logit", "majority_vote")),
        *((False, p) for p in ("mean_prob", "mean_logit", "attention")),
    }
    refused = {name: s for name, (_, s) in found.items() if isinstance(s, str)}
    assert list(refused) == [REFUSED]
    assert "'attention' is trained only by the song loss; set train.loss.name to song" in refused[REFUSED]


@pytest.mark.parametrize("quick", [False, True])
def test_every_cell_changes_something(quick):
    found = [(split, str(s)) for split, s in cells_of(quick).values()]
    assert len(found) == len(set(found))
    assert {split for split, _ in found} == {"last_rows", "frame"}


def test_the_song_loss_takes_as_many_windows_a_step_as_the_frame_loss(cells):
    """Twice 23 windows of a minute beside 36; else the losses would be compared by their steps."""
    assert [cells[name][1].train.batch_size for name in ("", "song", "song 32")] == [36, 2, 32]
