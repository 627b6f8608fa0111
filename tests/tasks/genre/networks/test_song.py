"""Window models layer by layer, and the pooling of windows into recordings."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from builders import model_settings
from earmark.evaluation import metrics
from earmark.nn import describe
from earmark.tasks.genre.networks import build
from earmark.tasks.genre.networks.song import (
    TIE,
    SongModel,
    class_log_probs,
    log_mean_prob,
    log_vote_share,
    segment_mean,
    segment_softmax,
    unsmoothed,
)
from earmark.tasks.genre.networks.window import BandNorm
from earmark.tasks.genre.settings import ModelSettings

POOLINGS = ("mean_prob", "mean_logit", "majority_vote", "attention")


def written(**changes) -> ModelSettings:
    return model_settings(**{"variant": "song_mil", "channels": 16, "hidden": 32, "dropout": 0.0} | changes)


def windows(n: int, bands: int = 13, frames: int = 40, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, 1, bands, frames, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("n_classes", "n_parameters"), [(3, 21_075), (2, 21_009)])
def test_song_mil_parameters(n_classes, n_parameters):
    model = SongModel(13, 216, n_classes, written())
    assert describe.count(model) == n_parameters
    assert model.head.out_features == (1 if n_classes == 2 else n_classes)
    by_window, by_song = model(windows(4, 13, 216), torch.tensor([0, 0, 1, 1]), 2)
    assert (by_window.shape, by_song.shape) == ((4, n_classes), (2, n_classes))


def test_song_mil_layer_by_layer():
    model = SongModel(13, 216, 3, written())
    rows = describe.layers(model, windows(2, 13, 216), torch.tensor([0, 0]), 1)
    # Keras's summary, channels first here: (11, 214, 16), (5, 71, 16), (3, 69, 16), (1, 34, 16), 32, 32, 3
    assert [(shape, n) for _, shape, n in rows] == [
        ("(None, 16, 11, 214)", 160),
        ("(None, 16, 5, 71)", 0),
        ("(None, 16, 3, 69)", 2320),
        ("(None, 16, 1, 34)", 0),
        ("(None, 32)", 17440),
        ("(None, 32)", 1056),
        ("(None, 3)", 99),
    ]
    assert model.body.dense1.in_features == 544


def test_song_mil_convolutions_have_no_activation():
    """Without biases they scale with a positive factor, and the first one also with a negative one."""
    body = build.body(13, 216, written())
    convs = torch.nn.Sequential(body.conv1, body.pool1, body.conv2, body.pool2)
    features = []
    body.dense1.register_forward_pre_hook(lambda _module, inputs: features.append(inputs[0]))
    x = windows(2, 13, 216)
    with torch.no_grad():
        body(x), body(3 * x)
        torch.testing.assert_close(features[1], 3 * features[0], rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(features[0], convs(x).flatten(1))
        assert (features[0] < 0).any()  # nothing rectified the last map
        torch.testing.assert_close(body.conv1(-x), -body.conv1(x))


def test_song_mil_starts_as_keras():
    torch.manual_seed(0)
    model = SongModel(13, 216, 3, written())
    for layer in (model.body.conv1, model.body.conv2, model.body.dense1, model.body.dense2, model.head):
        fan_in = layer.weight[0].numel()
        fan_out = layer.weight.shape[0] * (9 if layer.weight.ndim == 4 else 1)
        limit = math.sqrt(6 / (fan_in + fan_out))
        assert layer.weight.abs().max() <= limit
        assert layer.weight.abs().max() > 0.8 * limit
        assert not layer.bias.any()


def test_song_mil_refuses_windows_too_small():
    build.body(10, 14, written())
    for bands, frames in ((9, 14), (10, 13)):
        with pytest.raises(ValueError, match="too small"):
            build.body(bands, frames, written())


@pytest.mark.parametrize(("variant", "extra"), [("song_mil", 0), ("sound", 2 * 13 + 2 * 2 * 8)])
def test_mlp_parameters(variant, extra):
    model = SongModel(13, 40, 3, model_settings(name="mlp", variant=variant))
    dense = (13 * 40 + 1) * 8 + (8 + 1) * 8 + (8 + 1) * 3
    assert describe.count(model) == dense + extra
    assert model.body(windows(4)).shape == (4, 8)


def test_sound_cnn_parameters():
    c = 4
    bands = 24
    hidden = 8
    convs = 9 * (c + c * 2 * c + 2 * c * 4 * c + 4 * c * 4 * c) + 2 * (c + 2 * c + 4 * c + 4 * c)
    expected = 2 * bands + convs + (8 * c + 1) * hidden + (hidden + 1) * 3
    assert describe.count(SongModel(bands, 50, 3, model_settings())) == expected


@pytest.mark.parametrize(("bands", "frames"), [(1, 1), (5, 3), (64, 216), (24, 500)])
def test_sound_cnn_takes_any_size(bands, frames):
    out = build.body(bands, frames, model_settings())(windows(3, bands, frames))
    assert out.shape == (3, 8)
    assert torch.isfinite(out).all()


def test_sound_variant_has_activations():
    body = build.body(24, 50, model_settings()).eval()
    x = windows(2, 24, 50)
    with torch.no_grad():
        first = body.blocks[0](body.norm(x))
    assert first.shape == (2, 4, 12, 25)
    assert (first >= 0).all()
    assert (first == 0).any()


def test_band_norm_is_by_band():
    norm = BandNorm(13)
    x = windows(8) * torch.arange(1, 14)[:, None] + 5
    y = norm(x)
    assert y.shape == x.shape
    torch.testing.assert_close(y.mean((0, 1, 3)), torch.zeros(13), atol=1e-5, rtol=0)
    torch.testing.assert_close(y.std((0, 1, 3), correction=0), torch.ones(13), atol=1e-4, rtol=0)


def test_summary_holds_both_models():
    model = SongModel(13, 216, 3, written())
    model.train()
    text = describe.summary(model, 13, 216, 23, 3)
    assert model.training
    assert "input (None, 1, 13, 216)" in text
    for count in ("160", "2,320", "17,440", "1,056", "99"):
        assert f" {count}\n" in text
    assert "23 windows of one recording, pooled by mean_prob" in text
    assert "(23, 3)" in text
    assert text.endswith("Parameters: 21,075\n")
    attention = SongModel(13, 216, 3, written(pooling="attention"))
    n = 21_075 + 2 * 33 * 32 + 33
    assert describe.summary(attention, 13, 216, 23, 3).endswith(f"Parameters: {n:,}\n")


bags = st.lists(st.integers(1, 6), min_size=1, max_size=5)


def segments(sizes: list[int]) -> torch.Tensor:
    return torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))


@settings(max_examples=40)
@given(sizes=bags, seed=st.integers(0, 99), scale=st.sampled_from([1.0, 30.0, 300.0]))
def test_pooling_equals_explicit_loops(sizes, seed, scale):
    segment = segments(sizes)
    order = torch.randperm(len(segment), generator=torch.Generator().manual_seed(seed))
    segment = segment[order]  # need not be sorted
    x = scale * torch.randn(len(segment), 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    mean, mixed = segment_mean(x, segment, len(sizes)), log_mean_prob(x.log_softmax(1), segment, len(sizes))
    weights = segment_softmax(x[:, 0], segment, len(sizes))
    for i, size in enumerate(sizes):
        mine = x[segment == i]
        torch.testing.assert_close(mean[i], mine.mean(0))
        torch.testing.assert_close(weights[segment == i], mine[:, 0].softmax(0))
        torch.testing.assert_close(mixed[i], mine.log_softmax(1).logsumexp(0) - math.log(size))
    assert torch.isfinite(mixed).all()


def test_log_mean_prob_has_the_right_gradient():
    x = torch.randn(7, 3, dtype=torch.float64, requires_grad=True)
    segment = segments([2, 4, 1])
    assert torch.autograd.gradcheck(lambda z: log_mean_prob(z.log_softmax(1), segment, 3), (x,))
    assert torch.autograd.gradcheck(lambda z: segment_softmax(z[:, 0], segment, 3), (x,))


def test_one_sigmoid_unit_is_two_classes():
    z = torch.tensor([[-3.0], [0.0], [2.0], [5.0]], dtype=torch.float64)
    log_probs = class_log_probs(z)
    p = 1 / (1 + np.exp(-z[:, 0].numpy()))
    np.testing.assert_allclose(log_probs.exp().numpy(), np.stack([1 - p, p], 1))
    labels = np.array([0, 1, 1, 0])
    picked = -log_probs[torch.arange(4), torch.from_numpy(labels)].mean().item()
    assert picked == pytest.approx(log_loss(labels, p))
    assert torch.isfinite(class_log_probs(torch.tensor([[-200.0], [200.0]]))).all()


def test_more_units_are_a_softmax():
    z = torch.randn(5, 4)
    torch.testing.assert_close(class_log_probs(z).exp(), z.exp() / z.exp().sum(1, keepdim=True))


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("variant", ["song_mil", "sound"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_recordings_of_a_batch_do_not_influence_each_other(pooling, variant, n_classes):
    torch.manual_seed(0)
    model = SongModel(13, 40, n_classes, model_settings(variant=variant, pooling=pooling))
    model.train()
    model(3 * windows(16, seed=5) + 1, segments([16]), 1)  # running statistics that are not the defaults
    model.eval()
    sizes = [1, 5, 2]
    x, segment = windows(sum(sizes)), segments(sizes)
    with torch.no_grad():
        by_window, by_song = model(x, segment, len(sizes))
        torch.testing.assert_close(by_song.exp().sum(1), torch.ones(3))
        for i, size in enumerate(sizes):
            alone_window, alone = model(x[segment == i], torch.zeros(size, dtype=torch.int64), 1)
            torch.testing.assert_close(alone[0], by_song[i], rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(alone_window, by_window[segment == i], rtol=1e-4, atol=1e-5)
        if n_classes == 3:
            assert (by_song[0] - by_song[1]).abs().max() > 1e-3  # they are not the same either


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_recordings_answer_from_its_windows(pooling):
    torch.manual_seed(0)
    model = SongModel(13, 40, 3, model_settings(pooling=pooling)).eval()
    x = 5 * windows(6)
    with torch.no_grad():
        h = model.body(x)
        logits = model.head(h)
        if pooling == "mean_prob":
            expected = logits.softmax(1).mean(0).log()
        elif pooling == "mean_logit":
            expected = logits.mean(0).log_softmax(0)
        elif pooling == "majority_vote":
            p = logits.softmax(1)
            votes = torch.bincount(p.argmax(1), minlength=3)
            expected = ((votes + TIE * p.mean(0)) / (6 + TIE)).log()
        else:
            a = model.attention
            scores = a.score(torch.tanh(a.value(h)) * torch.sigmoid(a.gate(h)))[:, 0]
            expected = model.head((scores.softmax(0)[:, None] * h).sum(0)).log_softmax(0)
        by_window, by_song = model(x, torch.zeros(6, dtype=torch.int64), 1)
    torch.testing.assert_close(by_song[0], expected)
    torch.testing.assert_close(by_window, logits.log_softmax(1))


def saying(p: torch.Tensor, pooling: str, smoothing: float = 0.0) -> SongModel:
    """A model whose windows, given their number as the one value of theirs, say the probabilities p (windows, 3)."""
    model = SongModel(13, 40, 3, model_settings(pooling=pooling), smoothing).eval()
    model.body = torch.nn.Flatten()
    model.head = torch.nn.Linear(len(p), 3, bias=False)
    model.head.weight.data = p.log().T.contiguous()
    return model


def one_hot_windows(n: int) -> torch.Tensor:
    return torch.eye(n)[:, None, None, :]


# Three windows of five vote for the first class, the mean probability is highest for the second, the mean logit for
# the third.
TORN = torch.tensor([[0.5, 0.02, 0.48]] * 3 + [[0.001, 0.98, 0.019]] * 2)


@pytest.mark.parametrize(
    ("pooling", "shares"),
    [
        ("majority_vote", [0.6, 0.4, 0.0]),
        ("mean_prob", [0.3004, 0.404, 0.2956]),
        ("mean_logit", [0.155099, 0.353457, 0.491444]),  # geometric means .0833, .1899, .2640, over their sum
    ],
)
def test_each_aggregation_has_an_answer_of_its_own(pooling, shares):
    model = saying(TORN, pooling)
    with torch.no_grad():
        by_window, by_song = model(one_hot_windows(5), torch.zeros(5, dtype=torch.int64), 1)
        _, in_pieces = model.judge(iter(one_hot_windows(5).split(2)))
    torch.testing.assert_close(by_window.exp(), TORN)
    tolerance = TIE / 5 if pooling == "majority_vote" else 1e-5
    torch.testing.assert_close(by_song[0].exp(), torch.tensor(shares), rtol=0, atol=tolerance)
    torch.testing.assert_close(in_pieces, by_song)


@settings(max_examples=60)
@given(sizes=bags, seed=st.integers(0, 999), n_classes=st.integers(2, 4))
def test_a_vote_is_evaluations_and_its_share_the_windows(sizes, seed, n_classes):
    """The class of most windows, a tie going to the higher mean probability, as the evaluation's own figure has it."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(n_classes), sum(sizes))
    segment = segments(sizes)
    shares = log_vote_share(torch.from_numpy(p).float().log(), segment, len(sizes)).exp().numpy()
    assert shares.argmax(1).tolist() == metrics.majority_vote(p, segment.numpy(), len(sizes)).tolist()
    np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-6)
    for i, size in enumerate(sizes):
        votes = np.bincount(p[segment.numpy() == i].argmax(1), minlength=n_classes)
        np.testing.assert_allclose(shares[i], votes / size, atol=TIE / size)


def test_shares_of_votes_are_not_freed_of_label_smoothing():
    """Windows are, and their votes stay what they are."""
    with torch.no_grad():
        given = (one_hot_windows(5), torch.zeros(5, dtype=torch.int64), 1)
        plain, smooth = (saying(TORN, "majority_vote", s)(*given) for s in (0.0, 0.1))
    torch.testing.assert_close(smooth[0], unsmoothed(plain[0], 0.1))
    assert torch.equal(smooth[1], plain[1])


def test_a_class_without_votes_has_a_finite_logarithm():
    found = log_vote_share(torch.tensor([[40.0, 0.0, -40.0]]).log_softmax(1), torch.tensor([0]), 1)
    assert found.isfinite().all()
    assert found.argmax() == 0


def test_compact_parameters_by_hand():
    """Normalisation 2 a band; 5x5 stem; 3x3 blocks 32-32-64-128-192, each with 2 a channel; 384 x classes + bias."""
    convolutions = 25 * 32 + 9 * (32 * 32 + 32 * 64 + 64 * 128 + 128 * 192)
    norms = 2 * (64 + 32 + 32 + 64 + 128 + 192)
    model = SongModel(64, 251, 10, model_settings(name="compact"))
    assert describe.count(model) == convolutions + norms + 384 * 10 + 10 == 328_234
    assert describe.count(SongModel(64, 501, 10, model_settings(name="compact"))) == 328_234


@pytest.mark.parametrize("shape", [(64, 251), (64, 16), (128, 100), (40, 97), (16, 16)])
def test_compact_reads_windows_of_any_size(shape):
    body = build.body(*shape, model_settings(name="compact", width=0.25)).eval()
    assert body(windows(3, *shape)).shape == (3, body.n_out) == (3, 2 * 48)


def test_compact_pools_before_the_relu_what_others_pool_after_it():
    torch.manual_seed(0)
    net = build.body(32, 40, model_settings(name="compact", width=0.25)).eval()
    x = torch.randn(3, 1, 32, 40)
    y = net.stem(net.norm(x))
    for i, (conv, norm, *_) in enumerate(net.blocks):
        y = torch.relu(norm(conv(y)))
        y = torch.nn.functional.max_pool2d(y, 2) if i < 3 else y
    y = y.mean(2)
    torch.testing.assert_close(net(x), torch.cat([y.mean(2), y.amax(2)], 1))


def test_compact_refuses_windows_it_would_pool_away():
    with pytest.raises(ValueError, match="15 bands x 40 frames are too small for the compact network"):
        build.body(15, 40, model_settings(name="compact"))


@pytest.mark.parametrize("name", ["compact", "net", "resnetish18", "vggish"])
def test_every_network_takes_its_place_in_a_recordings_model(name):
    model = SongModel(64, 101, 3, model_settings(name=name, width=0.125))
    by_window, by_song = model.eval()(windows(3, 64, 101), torch.tensor([0, 0, 1]), 2)
    assert (by_window.shape, by_song.shape) == ((3, 3), (2, 3))
    torch.testing.assert_close(by_song.exp().sum(1), torch.ones(2))


def test_label_smoothing_is_taken_back():
    meant = torch.tensor([[0.7, 0.2, 0.1, 0.0], [1.0, 0.0, 0.0, 0.0]])
    said = 0.8 * meant + 0.2 / 4  # what a network trained with smoothing .2 says of four classes
    got = unsmoothed(said.log(), 0.2).exp()
    floor = 0.2 / 4 / 10
    expected = torch.tensor([[0.7, 0.2, 0.1, floor], [1.0, floor, floor, floor]])
    torch.testing.assert_close(got, expected / expected.sum(1, keepdim=True))


def test_smoothing_is_taken_back_outside_training_alone():
    torch.manual_seed(0)
    plain = SongModel(24, 40, 3, model_settings(dropout=0.0))
    smooth = SongModel(24, 40, 3, model_settings(dropout=0.0), smoothing=0.1)
    smooth.load_state_dict(plain.state_dict())
    x, segment = windows(5, 24, 40), torch.tensor([0, 0, 1, 1, 1])
    for a, b in zip(plain.train()(x, segment, 2), smooth.train()(x, segment, 2), strict=True):
        assert torch.equal(a, b)
    smooth.load_state_dict(plain.state_dict())
    for a, b in zip(plain.eval()(x, segment, 2), smooth.eval()(x, segment, 2), strict=True):
        assert torch.equal(unsmoothed(a, 0.1), b)
        assert torch.equal(a.argsort(1), b.argsort(1))


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize(("n_classes", "smoothing"), [(2, 0.0), (3, 0.0), (3, 0.1)])
def test_a_recording_in_pieces_is_judged_as_the_whole(pooling, n_classes, smoothing):
    torch.manual_seed(0)
    model = SongModel(13, 40, n_classes, model_settings(pooling=pooling), smoothing).eval()
    with torch.no_grad():
        for weight in (model.head.weight, *([model.attention.score.weight] if model.attention else [])):
            weight.mul_(100)  # answers, and weights, that differ
        x = windows(23)
        by_window, by_song = model(x, torch.zeros(23, dtype=torch.int64), 1)
    assert by_window.exp().std(0).max() > 0.02
    found = model.judge(iter(x.split([1, 8, 8, 5, 1])))
    torch.testing.assert_close(found[0], by_window, rtol=0, atol=1e-5)
    torch.testing.assert_close(found[1], by_song, rtol=0, atol=1e-5)
