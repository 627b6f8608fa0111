"""Pieces of the chord task's stages: stereo spectrograms, the store joined with labels, the CRF of a network."""

from dataclasses import replace
from types import SimpleNamespace

import mir_eval
import numpy as np
import pandas as pd
import pytest
import soundfile as sf
import torch
import yaml
from sklearn.linear_model import LogisticRegression

from builders import noise, plain_progress, sines
from bundles import CHORD_FEATURES, CHORD_NETWORK, CHORDNET
from earmark import audio
from earmark.errors import EarmarkError
from earmark.features import store
from earmark.tasks.chord import dataset, features, metrics, report, spectrogram
from earmark.tasks.chord.decoding import fit_crf
from earmark.tasks.chord.decoding.crf import TiedCrf
from earmark.tasks.chord.decoding.weights import Suggestion
from earmark.tasks.chord.networks import build
from earmark.tasks.chord.networks.pitch_net import ChordLogits
from earmark.tasks.chord.notation.vocabulary import IGNORED, NARROW, WIDE
from earmark.tasks.chord.settings import ChordNetModel
from earmark.tasks.chord.songs import Songs

STEREO = replace(CHORD_FEATURES, channels=2)
BINS = 4 * 36 + 33


def write(path, *channels):
    sf.write(path, np.stack(channels, 1), 8000, subtype="FLOAT")
    return path


def both(path, *args) -> np.ndarray:
    return np.concatenate(list(audio.read_stereo(path, *args)), axis=1)


def test_stereo_is_read_at_any_rate_and_mono_twice(tmp_path):
    left, right = sines(440, 1, 8000), noise(1, 8000)
    path = write(tmp_path / "a.wav", left, right)
    alone = write(tmp_path / "m.wav", left)
    np.testing.assert_array_equal(both(path, 8000), [left, right])
    np.testing.assert_array_equal(both(alone, 8000), [left, left])
    np.testing.assert_array_equal(both(path, 8000, 0.5), [left[:4000], right[:4000]])
    halved = both(path, 4000)
    assert halved.shape == (2, 4000)
    np.testing.assert_array_equal(both(alone, 4000), [both(path, 4000)[0]] * 2)
    mono = np.concatenate(list(audio.read_blocks(path, 4000)))
    np.testing.assert_allclose(halved.mean(0), mono, atol=1e-6)


def test_two_channels_are_the_mean_and_the_difference_below_one_maximum(tmp_path):
    tone, hiss = sines(440, 2, 8000), noise(2, 8000)
    values = spectrogram.spectrogram_of(write(tmp_path / "a.wav", tone + hiss, tone - hiss), STEREO).astype(np.float32)
    assert values.shape == (1 + 16000 // 1024, 2 * BINS)
    mid, side = np.split(values, 2, axis=1)
    np.testing.assert_allclose(
        mid, spectrogram.spectrogram_of(write(tmp_path / "t.wav", tone), CHORD_FEATURES), atol=2e-3
    )
    assert mid.max() == 1
    assert 0 < side.max() < 1
    # twice the hiss, in decibels below the tone's maximum
    loudest = [spectrogram._transform(CHORD_FEATURES)(torch.from_numpy(x)[None, None]).max() for x in (2 * hiss, tone)]
    assert side.max() == pytest.approx(1 + float(20 / 60 * torch.log10(loudest[0] / loudest[1])), abs=2e-3)


def test_mono_has_a_silent_side_and_deviation_is_centred(tmp_path):
    path = write(tmp_path / "t.wav", sines(440, 2, 8000) + noise(2, 8000, 0.01))
    side = np.split(spectrogram.spectrogram_of(path, STEREO), 2, axis=1)[1]
    assert not side.any()
    centred = spectrogram.spectrogram_of(path, replace(STEREO, normalize="deviation")).astype(np.float32)
    mid, side = np.split(centred, 2, axis=1)
    assert mid.mean() == pytest.approx(0, abs=1e-3)
    assert mid.std() == pytest.approx(1, abs=1e-3)
    assert not side.any()


@pytest.mark.parametrize("bins", [12, 24, 36, 48])
def test_an_octave_has_as_many_bins_as_the_settings_say(tmp_path, bins):
    settings = replace(STEREO, bins_per_octave=bins)
    path = write(tmp_path / "t.wav", sines(220, 2, 8000), np.zeros(16000, np.float32))
    values = torch.from_numpy(spectrogram.spectrogram_of(path, settings))
    assert values.shape[1] == spectrogram.width(settings) == 2 * (4 * bins + 11 * bins // 12)
    mid = build.network_input(values, 2, bins)[0]
    assert mid.shape[1] == settings.n_bins
    assert mid[8].argmax() == bins * 21 // 12  # from C2 to A3, an octave and nine semitones
    model = build.untrained(ChordNetModel(width=0.08), settings).eval()
    assert build.recording_logits(model, values, 2).chord.shape == (len(values), 529)


@pytest.fixture
def prepared(tmp_path):
    """Two prepared songs, their table, and a feature store of two channels."""
    rows = []
    for name, pitch, chord in (("a", 261.6, "C:maj"), ("b", 440.0, "A:min")):
        write(tmp_path / f"{name}.wav", sines(pitch, 3, 8000), noise(3, 8000))
        (tmp_path / f"{name}.lab").write_text(f"0 1 N\n1 2 {chord}\n2 3 X\n")
        rows.append((f"{name}.wav", f"{name}.lab", chord, name, 3.0))
    table = pd.DataFrame(rows, columns=["path", "lab", "key", "group", "duration_s"])
    features.run(table, tmp_path, STEREO, tmp_path / "store", pytest.fail, plain_progress)
    return tmp_path, table


@pytest.mark.parametrize(("network", "words"), [(CHORDNET, NARROW), (CHORD_NETWORK, WIDE)])
def test_store_and_labels_join_in_the_tables_order(prepared, network, words):
    folder, table = prepared
    stored = store.load(folder / "store")
    assert stored.values.dtype == np.float16
    backwards = table.iloc[::-1].reset_index(drop=True).assign(split=["train", "test"])
    found = dataset.gather(backwards, folder, stored, network)
    songs, n = found.songs, 1 + 24000 // 1024
    assert (songs.ids, songs.lengths.tolist(), songs.none) == (["b.wav", "a.wav"], [n, n], words.none)
    np.testing.assert_array_equal(songs.values, np.concatenate([stored.frames("b.wav"), stored.frames("a.wav")]))
    # centres at 0.128 s: 8 frames before 1 s, 8 more before 2 s
    minor = words.index(2, 9)
    assert songs.chord[:n].tolist() == [words.none] * 8 + [minor] * 8 + [IGNORED] * 8
    assert songs.key[[0, n]].tolist() == [21, 0]
    assert np.flatnonzero(songs.change).tolist() == [8, n + 8]
    assert found.rows("test").tolist() == [1]


def test_a_store_without_a_recording_is_refused(prepared):
    folder, table = prepared
    more = pd.concat([table, table.iloc[:1].assign(path="new.wav")], ignore_index=True)
    with pytest.raises(EarmarkError, match=r"The feature store lacks 'new\.wav'"):
        dataset.gather(more, folder, store.load(folder / "store"), CHORD_NETWORK)


def test_chordnet_is_heard_whole_and_in_pieces_of_long_recordings(monkeypatch):
    torch.manual_seed(0)
    model = build.untrained(ChordNetModel(width=0.08), STEREO).eval()
    values = torch.rand(50, 2 * BINS)
    said = build.recording_logits(model, values, 2)
    x = torch.stack([values[:, 18 : 18 + 144], values[:, BINS + 18 : BINS + 18 + 144]])[None]
    with torch.no_grad():
        plain = model(x)
    torch.testing.assert_close(said.chord, plain.chord[0])
    torch.testing.assert_close(said.change.sigmoid(), plain.transition[0].softmax(1)[:, 1])
    assert said.key.shape == (50, 24)
    monkeypatch.setattr(build, "SONG_AT_ONCE", 20)
    monkeypatch.setattr(build, "SONG_MARGIN", 5)
    assert build.recording_logits(model, values, 2).chord.shape == said.chord.shape


def alternating(monkeypatch) -> tuple[Songs, torch.Tensor]:
    """C and G major in turn, 8 frames each; every fifth frame is heard as D major, twice as sure as the others."""
    c, g, d = (NARROW.index(1, root) for root in (0, 7, 2))
    truth = np.repeat(np.tile([c, g], 30), 8)
    n = len(truth)
    heard = torch.zeros(n, NARROW.n_classes)
    heard[torch.arange(n), torch.from_numpy(truth)] = 3.0
    heard[::5, d] = 6.0
    none, values = np.zeros(n, np.int64), np.zeros((n, 36 + 33), np.float16)
    change = (np.arange(n) % 8 == 0).astype(np.uint8)
    no = NARROW.none
    songs = Songs(values, np.array([0]), np.array([n]), ["s"], truth, none, none, values[:, :12], change, 36, no)
    odds = torch.from_numpy(np.where(change, 4.0, -8.0)).float()
    zeros = torch.zeros(n, 13), torch.zeros(n, 12), odds, torch.zeros(n, 24)
    monkeypatch.setattr(fit_crf, "recording_logits", lambda *a: build.ChordLogits(heard, *zeros))
    return songs, heard


def test_the_crf_counts_transitions_and_trusts_the_network_as_far_as_that_is_right(monkeypatch):
    songs, heard = alternating(monkeypatch)
    crf = fit_crf.count_transitions(songs, np.array([0]), believed=1.0)
    assert crf.pair[1, 1, 0].exp().item() == pytest.approx(7 / 8, abs=0.01)  # seven stays to one change
    assert crf.switch.tolist() == pytest.approx([1, np.log(1 / 7)])  # the usual log-odds of a change
    log_probs, right = heard.log_softmax(1).numpy(), {}
    for sharpness in fit_crf.SHARPNESS:
        crf.sharpness.data.fill_(sharpness)
        right[sharpness] = (crf.decoder()(log_probs) == songs.chord).mean()
    held_out = [fit_crf.labelled_frames(torch.nn.Identity(), songs, 0)._replace(change=np.zeros(len(heard)))]
    chosen = fit_crf.tune_trust(fit_crf.count_transitions(songs, np.array([0])), held_out)
    assert right[round(chosen.sharpness.item(), 3)] == max(right.values()) > 0.95
    assert right[3.3] < max(right.values()) - 0.02  # too sure: D major breaks in


def test_the_word_on_changes_is_trusted_where_it_helps_and_not_where_it_misleads(monkeypatch):
    songs, _ = alternating(monkeypatch)
    monkeypatch.setattr(fit_crf, "SHARPNESS", ())
    true = fit_crf.labelled_frames(torch.nn.Identity(), songs, 0)
    wrong = true._replace(change=np.where(np.arange(len(true.change)) % 5 < 2, 4.0, -8.0))  # to D major and back
    weights = {}
    for name, one in (("true", true), ("wrong", wrong)):
        crf = fit_crf.count_transitions(songs, np.array([0]), believed=1.0)
        crf.sharpness.data.fill_(2.2)
        weights[name] = fit_crf.tune_trust(crf, [one]).switch[0].item()
    assert weights == {"true": 1.0, "wrong": 0.0}


def test_what_changes_are_worth_is_a_logistic_regression():
    rng = np.random.default_rng(0)
    changes = (rng.random(3000) < 0.1).astype(np.uint8)
    change = (rng.normal(size=3000) + 1.5 * changes - 2).astype(np.float32)
    songs = [
        fit_crf.LabelledFrames(change, change[part], change, changes[part]) for part in (slice(1000), slice(1000, 3000))
    ]
    found = fit_crf.calibrate_changes(TiedCrf(1), songs).switch.tolist()
    line = LogisticRegression(C=np.inf).fit(change[:, None], changes)
    slope, base = line.coef_.item(), np.log(changes.mean() / (1 - changes.mean()))
    assert found == pytest.approx([slope, (base - line.intercept_.item()) / slope], abs=1e-3)
    backwards = [song._replace(change=-song.change) for song in songs]
    assert fit_crf.calibrate_changes(TiedCrf(1), backwards).switch[0] == 0


def test_frames_right_count_class_root_and_segments_and_leave_the_unknown_out():
    c = NARROW.index(1, 0)
    minor = NARROW.index(2, 0)
    none = NARROW.none
    path, truth = np.array([c, minor, none, c, c]), np.array([c, c, none, none, IGNORED])
    # of the truth's runs of 2, 2 and 1 frames one each is in one piece; of the path's 1, 1, 1 and 2 four
    assert fit_crf.score(path, truth, none) == (2 + 3 + 5 * 3 / 5) / 3


@pytest.mark.parametrize("seed", range(4))
def test_segmentation_is_mir_evals(seed):
    rng = np.random.default_rng(seed)
    path, truth = (np.repeat(rng.permutation(60), rng.integers(1, 9, 60))[:200] for _ in range(2))

    def intervals(classes: np.ndarray) -> np.ndarray:
        first = np.flatnonzero(np.diff(classes, prepend=-1))
        return np.stack([first, [*first[1:], len(classes)]], axis=1).astype(float)

    assert fit_crf.segmentation(path, truth) == pytest.approx(mir_eval.chord.seg(intervals(truth), intervals(path)))


def test_confusion_leaves_rows_without_support_blank_and_classes_that_never_come_out(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(report, "save", lambda fig, path: drawn.append(fig))
    report.confusion(tmp_path / "c.png", np.array([[3.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]), ["a", "b", "c"])
    (image,) = drawn[0].axes[0].images
    shares = image.get_array()
    assert shares.shape == (2, 2)
    assert shares[0].tolist() == [0.75, 0.25]
    assert shares.mask[1].all()
    assert [t.get_text() for t in drawn[0].axes[0].get_yticklabels()] == ["a  (4 s)", "b  (0 s)"]


def test_weights_are_suggested_from_the_frames_of_the_songs_given(prepared, monkeypatch):
    folder, table = prepared
    torch.manual_seed(0)
    model = build.untrained(CHORD_NETWORK, CHORD_FEATURES).eval()
    given = torch.ones(len(WIDE.qualities) + 1)
    given[-1] = 1e9  # whoever hears N so often has all heard as N
    recognise = SimpleNamespace(model=model, features=STEREO, vocabulary=WIDE, quality_weights=given)
    said = lambda net, pieces: (said_c_major(piece.shape[2]) for piece in pieces)  # noqa: E731
    monkeypatch.setattr(build.streamed, "logits", said)
    monkeypatch.setattr(build, "WHOLE", 0)  # in pieces, which are made up here
    found = metrics.suggest_weights(recognise, table.iloc[:1], folder, store.load(folder / "store"))
    major, none = 1, len(WIDE.qualities)
    # 8 frames of N, 8 of C:maj and as many of X, which do not count; all are heard as C:maj
    assert (found.before[none, major], found.before[major, major], found.before.sum()) == (8, 8, 16)
    weights, with_them = found.given
    assert weights.tolist() == given.tolist()
    assert (with_them[none, none], with_them[major, none], with_them.sum()) == (8, 8, 16)
    recognise.quality_weights = None
    assert metrics.suggest_weights(recognise, table.iloc[:1], folder, store.load(folder / "store")).given is None
    assert metrics.suggest_weights(recognise, table.iloc[:0], folder, store.load(folder / "store")) is None


def said_c_major(n: int) -> ChordLogits:
    sizes = (WIDE.n_classes, 13, 12)
    said = ChordLogits(*(torch.zeros(1, n, k) for k in sizes), torch.zeros(1, n), torch.zeros(1, n, 24))
    said.chord[..., WIDE.index(1, 0)] = 5.0
    return said


def test_weights_are_listed_and_drawn_beside_both_matrices(tmp_path, monkeypatch):
    n = len(NARROW.qualities) + 1
    before = np.zeros((n, n), int)
    after = np.zeros((n, n), int)
    given = np.ones(n)
    before[1, [1, 6]], before[6, [1, 6]] = (30, 10), (15, 5)
    after[1, [1, 6]], after[6, [1, 6]] = (20, 20), (5, 15)
    given[[1, 6]] = 0.5, 2.0
    drawn = []
    monkeypatch.setattr(report, "save", lambda fig, path: drawn.append((fig, path.name)))
    report.quality_weights(tmp_path, Suggestion(given, before, after), 0.1, NARROW)
    rows = pd.read_csv(tmp_path / "quality_weights.csv").values.tolist()
    assert rows == [["maj", 4.0, 0.5, 0.75, 0.5], ["7", 2.0, 2.0, 0.25, 0.75]]
    ((fig, name),) = drawn
    assert name == "quality_weights.png"
    shares = [ax.images[0].get_array().tolist() for ax in fig.axes[:2]]
    assert shares == [[[0.75, 0.25], [0.75, 0.25]], [[0.5, 0.5], [0.25, 0.75]]]
    assert [t.get_text() for t in fig.axes[1].get_xticklabels()] == ["maj  x 0.50", "7  x 2.00"]
    assert "right in 0.583 of the time; mean over qualities 0.625" in fig.axes[1].get_title()
    assert yaml.safe_load((tmp_path / "quality_weights.yaml").read_text()) == {
        "quality_weights": {"maj": 0.5, "7": 2.0}
    }
    report.quality_weights(tmp_path, Suggestion(given, before, before, (1 / given, after)), 0.1, NARROW)
    rows = pd.read_csv(tmp_path / "quality_weights.csv")[["weight", "given", "right_after", "right_given"]]
    assert rows.values.tolist() == [[0.5, 2.0, 0.75, 0.5], [2.0, 0.5, 0.25, 0.75]]
    last = drawn[-1][0].axes[1]
    assert [t.get_text() for t in last.get_xticklabels()] == ["maj  x 2.00", "7  x 0.50"]
    assert "with the model's weights: right in 0.583" in last.get_title()


def test_losses_of_heads_are_drawn_by_epoch(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(report, "save", lambda fig, path: drawn.append(fig))
    history = [{"epoch": e, "train/loss": 3 / e, "train/loss_chord": 2 / e, "val/loss_chord": 1 / e} for e in (1, 2)]
    report.losses(tmp_path / "losses.png", history, 2)
    lines = [[(line.get_label(), list(line.get_ydata())) for line in ax.lines[:1]] for ax in drawn[0].axes]
    assert lines == [[("chord", [2.0, 1.0])], [("chord", [1.0, 0.5])]]
    report.losses(tmp_path / "losses.png", [{"epoch": 1, "train/loss": 3.0}], 1)
    assert len(drawn) == 1


@pytest.mark.parametrize("seconds", [20.0, 24.576, 31.17])
@pytest.mark.parametrize("settings", [CHORD_FEATURES, STEREO, replace(STEREO, hop_length=136)])
def test_a_long_recording_is_transformed_in_pieces_that_leave_no_trace(tmp_path, monkeypatch, settings, seconds):
    sounds = [sines(220, seconds, 8000) + noise(seconds, 8000, 0.2, seed=i) for i in range(2)]
    path = write(tmp_path / "a.wav", *sounds)
    monkeypatch.setattr(audio, "BLOCK_S", 0.7)
    whole = spectrogram.spectrogram_of(path, settings)
    seen = []
    forward = spectrogram._transform(settings).forward
    monkeypatch.setattr(spectrogram._transform(settings), "forward", lambda x: seen.append(x.shape) or forward(x))
    monkeypatch.setattr(spectrogram, "PIECE_S", 2.0)
    pieces = spectrogram.spectrogram_of(path, settings)
    assert len(seen) > 2
    assert len(pieces) == 1 + round(seconds * 8000) // settings.hop_length
    np.testing.assert_allclose(pieces.astype(np.float32), whole.astype(np.float32), atol=5e-4)  # a float16 near 1
