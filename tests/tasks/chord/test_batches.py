"""The chord task: crops in every key with targets that move along, losses that leave padding and X out."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from builders import schedule_settings
from earmark.errors import EarmarkError
from earmark.features.cqt import transposed
from earmark.tasks.chord import loss
from earmark.tasks.chord.batches import ChordTask, Songs, join_songs, rotated
from earmark.tasks.chord.decoding import fit_crf, weights
from earmark.tasks.chord.networks.losses import LossSettings, head_losses
from earmark.tasks.chord.notation.vocabulary import IGNORED, NARROW, WIDE
from earmark.tasks.chord.settings import (
    ChordNetModel,
    ChordTrainSettings,
    CrossEntropy,
    FocalTversky,
    PitchNetModel,
)
from earmark.tasks.chord.train import decoder_weights
from earmark.training import loop
from earmark.training.settings import AdamW

BINS = 36 + 33  # an octave and what transposition needs


def settings(**changes) -> ChordTrainSettings:
    plain = {
        "optimizer": AdamW(),
        "lr": 0.01,
        "weight_decay": 0.0,
        "batch_size": 4,
        "crop_frames": 16,
        "epochs": 2,
        "loss": CrossEntropy(weight_key=1.0, label_smoothing=0.0),
        "transpose": True,
        "tilt": 0.0,
        "floor": 0.0,
        "time_masks": 0,
        "time_mask": 0,
        "band_masks": 0,
        "band_mask": 0,
        "average": 0.0,
        "keep": "loss",
        "patience": 0,
        "seed": 1,
        "device": "cpu",
        "precision": "float32",
        "schedule": schedule_settings(),
    }
    return ChordTrainSettings(**plain | changes)


def songs(lengths: tuple[int, ...] = (40, 10, 33), seed: int = 0, bins: int = 36) -> Songs:
    """Every frame holds a loud semitone of `bins` an octave, root and bass of a major chord; one frame is unknown."""
    rng, n = np.random.default_rng(seed), sum(lengths)
    root = rng.integers(0, 12, n)
    values = rng.uniform(0, 0.1, (n, BINS * bins // 36)).astype(np.float16)
    values[np.arange(n), (6 + root) * bins // 12] = 1
    offsets = np.cumsum(lengths) - np.array(lengths)
    chord = 12 + root  # major is the table's second quality
    chord[offsets + 3] = IGNORED
    tones = (np.arange(12) == root[:, None]).astype(np.uint8)
    change, key = np.zeros(n, np.uint8), root.astype(np.int64)
    ids = [f"song{i}" for i in range(len(lengths))]
    return Songs(
        *(values, offsets, np.array(lengths), ids, chord, root.astype(np.int64), key, tones, change),
        *(bins, WIDE.none, bins),
    )


def task(collection: Songs, n_train: int = 2, name: str = "pitch_net", **changes) -> ChordTask:
    places = np.arange(len(collection.ids))
    network = PitchNetModel(channels=8, stem=4, blocks=2) if name == "pitch_net" else ChordNetModel(width=0.08)
    args = len(WIDE.qualities), network, settings(**changes), torch.device("cpu")
    return ChordTask(collection, places[:n_train], places[n_train:], *args)


@pytest.mark.parametrize("semitones", range(-5, 7))
def test_spectrogram_and_targets_move_together(semitones):
    of = task(songs())
    rows = torch.arange(8)[None]
    n = torch.tensor([semitones])
    x = of.crops.spectrograms(rows, n)[:, 0]
    np.testing.assert_array_equal(x[0], transposed(torch.from_numpy(of.songs.values[:8]), semitones).float())
    targets = of.crops.targets(rows, torch.tensor([8]), n)
    np.testing.assert_array_equal(targets["chord"][0], WIDE.transposed(of.songs.chord[:8], semitones))
    np.testing.assert_array_equal(targets["bass"][0], (of.songs.bass[:8] + semitones) % 12)
    np.testing.assert_array_equal(targets["key"][0], (of.songs.key[:8] + semitones) % 12)
    np.testing.assert_array_equal(targets["tones"][0], np.roll(of.songs.tones[:8], semitones, 1))


@pytest.mark.parametrize("bins", [12, 24, 48])
def test_a_loud_semitone_moves_by_its_bins_however_many_an_octave_has(bins):
    of = task(songs(bins=bins), name="chordnet")
    rows = torch.arange(8)[None]
    for semitones in (-5, 0, 4, 6):
        x = of.crops.spectrograms(rows, torch.tensor([semitones]))[0, 0]
        assert x.shape == (8, bins)
        there = [r + semitones for r in of.songs.bass[:8]]  # the next octave is no part of the crop
        heard = [bins // 12 * t for t in there if 0 <= t < 12]
        assert x.argmax(1)[[0 <= t < 12 for t in there]].tolist() == heard
    assert of.model(x[None, None], torch.tensor([8])).chord.shape == (1, 8, 529)


def test_rotation_leaves_none_and_unknown_and_the_mode_alone():
    classes = torch.tensor([[0, 11, 12, 23, 24, IGNORED]])
    assert rotated(classes, torch.tensor([2]), 24).tolist() == [[2, 1, 14, 13, 24, IGNORED]]


def test_crops_lie_inside_their_song_and_short_songs_are_padded():
    of = task(songs(), n_train=3)
    torch.manual_seed(0)
    crops = torch.cat(list(of.batches()))
    assert crops[:, 0].bincount().tolist() == [2, 1, 2]  # 40 / 16, 10 / 16 and 33 / 16 frames
    assert of.steps() == len(list(of.batches())) == 2
    for song, start in crops.tolist():
        assert 0 <= start <= max(0, of.songs.lengths[song] - 16)
    _, targets, lengths = of.examples(torch.tensor([[1, 0]]))
    assert lengths.tolist() == [10]
    assert (targets["chord"][0, 10:] == IGNORED).all()
    assert targets["known"].sum() == 9  # frame 3 is unknown


def test_some_batches_hear_short_crops_of_one_length_and_nothing_behind_them():
    of = task(songs((90, 70)), n_train=2, crop_frames=30, short=0.5)
    torch.manual_seed(0)
    heard = [of.examples(torch.tensor([[0, 3], [1, 7]])) for _ in range(400)]
    assert all(x.shape[2] == targets["chord"].shape[1] for x, targets, _ in heard)
    assert all(lengths.tolist() == [x.shape[2]] * 2 for x, _, lengths in heard)
    frames = [x.shape[2] for x, *_ in heard if x.shape[2] < 30]
    assert set(frames) == set(range(3, 11))  # a tenth up to a third
    assert len(frames) / len(heard) == pytest.approx(0.5, abs=0.08)
    assert all(x.shape[2] == 30 for x, *_ in map(task(songs(), crop_frames=30).examples, [torch.tensor([[0, 3]])] * 9))


def test_loss_by_hand_leaves_unknown_frames_out():
    of = task(songs(), transpose=False)
    x, targets, lengths = of.examples(torch.tensor([[1, 0], [0, 5]]))
    said = of.model(x, lengths)
    known = targets["known"]
    expected = (
        F.cross_entropy(said.chord[known], targets["chord"][known])
        + F.cross_entropy(said.bass[targets["bass"] >= 0], targets["bass"][targets["bass"] >= 0])
        + F.binary_cross_entropy_with_logits(said.tones[known], targets["tones"][known])
        + F.binary_cross_entropy_with_logits(said.change[known], targets["change"][known])
        + F.cross_entropy(said.key[targets["key"] >= 0], targets["key"][targets["key"] >= 0])
    )
    torch.testing.assert_close(sum(of._losses(of.model, said, targets, lengths).values()), expected)


def test_validation_counts_frames_of_whole_songs():
    of = task(songs(), n_train=1)
    found = of.validate(of.model)
    heads = {f"val/loss_{name}" for name in ("chord", "bass", "tones", "change", "key")}
    assert set(found) == {"val/loss", "val/accuracy", "val/root", "val/bass"} | heads
    rows, lengths = of.crops.rows(torch.tensor([1, 2]), torch.zeros(2, dtype=torch.int64), 33), torch.tensor([10, 33])
    still = torch.zeros(2, dtype=torch.int64)
    said = of.model.eval()(of.crops.spectrograms(rows, still), lengths)
    targets = of.crops.targets(rows, lengths, still)
    right = (said.chord.argmax(2) == targets["chord"])[targets["known"]].double().mean()
    assert found["val/accuracy"] == pytest.approx(float(right))
    parts = of._losses(of.model, said, targets, lengths)
    assert found["val/loss"] == pytest.approx(sum(parts.values()).item(), rel=1e-5)
    for name, part in parts.items():
        assert found[f"val/loss_{name}"] == pytest.approx(part.item(), rel=1e-5)


def test_history_tells_of_every_heads_loss_and_they_make_the_whole():
    of = task(songs((64,) * 3), epochs=1)
    (row,) = loop.fit(of, of.settings).history
    for kind in ("train", "val"):
        parts = [v for k, v in row.items() if k.startswith(f"{kind}/loss_")]
        assert len(parts) == 5
        assert min(parts) > 0
        assert sum(parts) == pytest.approx(row[f"{kind}/loss"], rel=1e-5)


@pytest.mark.parametrize("name", ["pitch_net", "chordnet"])
def test_a_weighted_quality_counts_as_often_in_the_chords_loss(name):
    """Half of the frames major, half minor: with minor weighted 3 it makes three quarters of the loss, by hand."""
    collection, make, kind = {
        "pitch_net": (songs(), task, partial(CrossEntropy, label_smoothing=0.0)),
        "chordnet": (stereo(), chordnet, FocalTversky),
    }[name]
    collection.chord[::2] += np.where(collection.chord[::2] == IGNORED, 0, 12)  # the next quality is minor
    losses = {}
    for quality_weights in ({}, {"m": 3.0}, {"min": 3.0}):
        of = make(collection, transpose=False, loss=kind(quality_weights=quality_weights))
        x, targets, lengths = of.examples(torch.tensor([[0, 0], [1, 0]]))
        said = of.model.eval()(x, lengths)
        losses[str(quality_weights)] = of._losses(of.model, said, targets, lengths)["chord"]
    known, chord = targets["known"], targets["chord"]
    each = F.cross_entropy(said.chord[known], chord[known], reduction="none")
    share = torch.where(chord[known] // 12 == 2, 3.0, 1.0)
    torch.testing.assert_close(losses["{}"], each.mean())
    torch.testing.assert_close(losses["{'m': 3.0}"], (share * each).sum() / share.sum())
    assert losses["{'m': 3.0}"] == losses["{'min': 3.0}"] != losses["{}"]


def test_a_joint_crf_is_trained_with_the_network_and_moves_it():
    ends, losses = [], []
    for decoder in ("crf", "crf_joint"):
        of = chordnet(stereo((64,) * 4), n_train=3, epochs=2, model={"decoder": decoder})
        fit = loop.fit(of, of.settings)
        ends.append(fit.weights)
        losses.append(fit.history[-1])
    assert "train/loss_path" not in losses[0]
    assert losses[1]["val/loss_path"] > 0
    start = fit_crf.count_transitions(of.songs, of.train, believed=1.0)
    learnt = {k.removeprefix("crf."): v for k, v in ends[1].items() if k.startswith("crf.")}
    assert set(learnt) == set(start.state_dict())
    assert all(not torch.equal(learnt[k], start.state_dict()[k]) for k in ("pair", "switch", "sharpness"))
    assert not torch.equal(ends[0]["chord.weight"], ends[1]["chord.weight"])


def test_transitions_learnt_by_their_likelihood_make_the_songs_likelier():
    of = chordnet(stereo((64,) * 4), n_train=3)
    crops = next(of.said_of_crops())
    before = fit_crf.count_transitions(of.songs, of.train, believed=1.0)
    was = fit_crf.loss_of(before, *crops).item()
    now = fit_crf.loss_of(fit_crf.train_crf(before, of.said_of_crops()), *crops).item()
    assert now < was - 0.1
    assert torch.equal(next(of.said_of_crops())[1], crops[1])  # the same crops every time


def test_a_models_decoder_has_the_weights_that_its_settings_name():
    of = chordnet(stereo((64,) * 4), n_train=3)
    plain = decoder_weights(of, ChordNetModel(width=0.08, vector="sigmoid"))
    assert plain == {}
    named = decoder_weights(of, ChordNetModel(width=0.08, vector="sigmoid", quality_weights={"7sus4": 2.0, "N": 0.5}))
    assert {i: w for i, w in enumerate(named["quality_weights"].tolist()) if w != 1} == {20: 2.0, 44: 0.5}
    suggested = decoder_weights(of, ChordNetModel(width=0.08, vector="sigmoid", quality_weights="suggested"))
    heard = [fit_crf.labelled_frames(of.model, of.songs, i) for i in of.val]
    scores = weights.by_quality(np.concatenate([h.log_probs for h in heard]))
    expected = weights.suggest(scores, np.concatenate([h.classes for h in heard])).weights
    torch.testing.assert_close(suggested["quality_weights"], torch.from_numpy(expected).float())
    assert (expected != 1).any()
    with pytest.raises(EarmarkError, match=r"model.quality_weights names the quality 'mejor'"):
        decoder_weights(of, ChordNetModel(width=0.08, vector="sigmoid", quality_weights={"mejor": 2.0}))


@pytest.mark.parametrize("decoder", ["crf", "crf_likelihood", "crf_joint"])
def test_every_crf_is_written_with_its_trust_chosen_on_held_out_songs(decoder, monkeypatch):
    monkeypatch.setattr(fit_crf, "STEPS", 3)
    model = {"decoder": decoder}
    of = chordnet(stereo((64,) * 4), n_train=3, model=model)
    found = decoder_weights(of, ChordNetModel(width=0.08, vector="sigmoid", **model))
    assert set(found) == {f"crf.{name}" for name in fit_crf.TiedCrf(44).state_dict()}
    counted = fit_crf.count_transitions(of.songs, of.train)
    same = torch.equal(found["crf.pair"], counted.pair)
    assert same == (decoder != "crf_likelihood")  # the joint one has not been trained here
    if decoder == "crf":
        assert round(float(found["crf.sharpness"]), 3) in fit_crf.SHARPNESS
        heard = [fit_crf.labelled_frames(of.model, of.songs, i) for i in of.val]
        assert found["crf.switch"][1].item() == fit_crf.calibrate_changes(counted, heard).switch[1].item()


def test_training_learns_the_loud_semitone_in_every_key():
    of = task(songs((160,) * 8 + (60, 60)), n_train=8, epochs=15)
    fit = loop.fit(of, of.settings)
    assert fit.history[-1]["val/root"] > 0.95
    assert fit.history[-1]["val/bass"] > 0.95


def test_augmentation_stays_in_range_and_masks_what_it_says():
    of = task(songs(), tilt=0.5, floor=0.5)
    x = of._augmented(torch.rand(6, 1, 20, 36))
    assert x.min() >= 0
    assert x.max() <= 1
    of = task(songs(), band_masks=1, band_mask=12)
    hidden = (of._augmented(torch.ones(50, 1, 20, 36))[:, 0] == 0).all(1).sum(1)
    assert 0 < hidden.max() <= 13
    assert hidden.double().mean() == pytest.approx(6, abs=1.5)


def changing(lengths=(40, 10, 33)) -> Songs:
    """Songs whose chord changes in frames 7, 15, 22 and 30, as far as they go."""
    of = songs(lengths)
    place = np.concatenate([np.arange(n) for n in lengths])
    return replace(of, change=np.isin(place, (7, 15, 22, 30)).astype(np.uint8))


def test_crops_at_changes_start_where_a_chord_begins_and_are_at_least_half_full():
    of = task(changing(), n_train=3, crops="changes")
    torch.manual_seed(0)
    crops = torch.cat([b for _ in range(60) for b in of.batches()])
    starts = {song: set(crops[crops[:, 0] == song, 1].tolist()) for song in range(3)}
    assert starts == {0: {0, 7, 15, 22, 30}, 1: {0}, 2: {0, 7, 15, 22}}  # 30 + 16 / 2 is beyond 33
    _, targets, lengths = of.examples(torch.tensor([[0, 30], [2, 22]]))
    assert lengths.tolist() == [10, 11]
    assert (targets["chord"][0, 10:] == IGNORED).all()
    assert not targets["known"][1, 11:].any()


def stereo(lengths=(40, 10, 33)) -> Songs:
    """The same songs in 44 qualities with a second channel, whose loud semitone is the tritone of the first's."""
    of = songs(lengths)
    side = np.roll(of.values, 18, axis=1)
    return replace(of, values=np.concatenate([of.values, side], 1), none=NARROW.none)


def chordnet(collection: Songs, n_train: int = 2, model: dict | None = None, **changes) -> ChordTask:
    places = np.arange(len(collection.ids))
    network = ChordNetModel(width=0.08, vector="sigmoid", **model or {})
    safe = FocalTversky(name="focal_tversky_of_logits", weight_key=1.0)
    args = len(NARROW.qualities), network, settings(**{"loss": safe} | changes), torch.device("cpu")
    return ChordTask(collection, places[:n_train], places[n_train:], *args)


@pytest.mark.parametrize("semitones", [-5, 0, 6])
def test_both_channels_move_along(semitones):
    of = chordnet(stereo())
    x = of.crops.spectrograms(torch.arange(8)[None], torch.tensor([semitones]))
    assert x.shape == (1, 2, 8, 36)
    for channel, values in enumerate(np.split(of.songs.values[:8], 2, axis=1)):
        np.testing.assert_array_equal(x[0, channel], transposed(torch.from_numpy(values), semitones).float())


def test_chordnets_heads_get_vector_change_and_classes():
    of = chordnet(stereo(), transpose=False)
    x, targets, lengths = of.examples(torch.tensor([[1, 0]]))
    heads = loss.of_heads(targets)
    assert heads.vector.shape == (1, 16, 25)
    np.testing.assert_array_equal(heads.vector[0, :10, :12], targets["tones"][0, :10])
    assert heads.vector[0, :10, 12:].argmax(1).tolist() == of.songs.bass[40:50].tolist()
    assert heads.vector[0, 10:, 12:].sum() == 0
    assert heads.transition[0].tolist() == [0, 0, 0, IGNORED, *[0] * 6, *[IGNORED] * 6]
    said = of.model(x, lengths)
    parts = head_losses(said, heads, LossSettings("focal_tversky_of_logits"))
    assert of._losses(of.model, said, targets, lengths) == parts


def test_padding_of_a_batch_changes_nothing_for_chordnet():
    of = chordnet(stereo())
    of.model.eval()
    rows = of.crops.rows(torch.tensor([1, 0]), torch.zeros(2, dtype=torch.int64), 40)
    x = of.crops.spectrograms(rows, torch.zeros(2, dtype=torch.int64))
    x[0, :, 10:] = 9.0
    both, alone = of.model(x, torch.tensor([10, 40])), of.model(x[:1, :, :10])
    torch.testing.assert_close(both.chord[:1, :10], alone.chord)
    torch.testing.assert_close(both.smooth[:1, :10], alone.smooth)


def test_training_chordnet_learns_and_comes_back_from_a_checkpoint(tmp_path):
    whole = chordnet(stereo((64,) * 6 + (40, 40)), n_train=6, epochs=6)
    fit = loop.fit(whole, whole.settings)
    assert fit.history[-1]["val/loss"] < fit.history[0]["val/loss"]
    assert fit.history[-1]["val/bass"] > 2 / 13
    cut = chordnet(stereo((64,) * 6 + (40, 40)), n_train=6, epochs=6)
    shorter = replace(cut.settings, epochs=3)
    loop.fit(cut, shorter, tmp_path / "state.pt")
    again = chordnet(stereo((64,) * 6 + (40, 40)), n_train=6, epochs=6)
    assert loop.fit(again, again.settings, tmp_path / "state.pt").history == fit.history


def test_sharpness_aware_training_ends_elsewhere_and_comes_back_from_a_checkpoint(tmp_path):
    def of(**changes) -> ChordTask:
        return chordnet(stereo((64,) * 4), n_train=4, keep="last", **changes)

    plain, sharp = of(), of(sam_rho=0.05)
    weights = [loop.fit(one, one.settings).weights for one in (plain, sharp)]
    assert not all(torch.equal(weights[0][name], w) for name, w in weights[1].items())
    loop.fit(of(), replace(sharp.settings, epochs=1), tmp_path / "state.pt")
    again = loop.fit(of(sam_rho=0.05), sharp.settings, tmp_path / "state.pt").weights
    assert all(torch.equal(weights[1][name], w) for name, w in again.items())


def test_crops_of_whole_chords_end_where_a_chord_begins():
    """Changes at frames 3, 9 and 20 of a song of 30, and at 1 of a song of 5."""
    of = songs((30, 5))
    of.change[[3, 9, 20, 31]] = 1
    crops = task(of, crops="chords").crops
    song, start = torch.tensor([0, 0, 0, 0, 0, 1]), torch.tensor([0, 3, 9, 20, 4, 0])
    lengths = torch.tensor([8, 8, 10, 10, 16, 5])
    # the last change within: 3; 9; none; the song ends; 20, right behind the crop; the song ends
    assert crops.whole_chords(song, start, lengths).tolist() == [3, 6, 10, 10, 16, 5]


def test_chords_that_would_be_cut_are_left_out_of_a_crop():
    of = songs((40, 33))
    of.change[[0, 7, 15, 22, 40, 54]] = 1
    whole, cut = task(of, crops="chords"), task(of, crops="changes")
    crops = torch.tensor([[0, 7], [1, 0]])
    x, targets, lengths = whole.examples(crops)
    assert lengths.tolist() == [15, 14]
    assert cut.examples(crops)[2].tolist() == [16, 16]
    assert x.shape[2] == 16
    assert (targets["chord"][0, 15:] == IGNORED).all()
    torch.manual_seed(0)
    starts = torch.cat(list(whole.batches()))
    assert set(starts[starts[:, 0] == 0, 1].tolist()) <= {0, 7, 15, 22}


def test_collections_join_end_to_end():
    a, b = songs((5, 7), 1), songs((4,), 2)
    both = join_songs([a, b])
    assert both.offsets.tolist() == [0, 5, 12]
    assert both.ids == ["song0", "song1", "song0"]
    np.testing.assert_array_equal(both.values[12:], b.values)
