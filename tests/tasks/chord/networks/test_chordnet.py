"""ChordNet: its size, the article's formulas restated, padding, and every switch."""

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from earmark.nn.describe import count
from earmark.nn.layers import Block
from earmark.tasks.chord.networks.chordnet import (
    BLOCKS,
    ChordNet,
    ChordNetSettings,
    VectorHead,
    eighths,
    fold_features,
    fold_octaves,
)

SMALL = 0.125  # 64 features: one channel of 36 in the smoothing network
SIZES = {"vector": 25, "transition": 2, "key": 25, "bass": 13, "smooth": 25, "chord": 529}


def network(seed: int = 0, **changes) -> ChordNet:
    torch.manual_seed(seed)
    return ChordNet(ChordNetSettings(**({"width": SMALL} | changes))).eval()


def spectrum(batch: int, frames: int, bins: int = 252, channels: int = 2, seed: int = 0) -> torch.Tensor:
    return torch.randn(batch, channels, frames, bins, generator=torch.Generator().manual_seed(seed))


def surviving(net: ChordNet) -> list[Block]:
    """All blocks of the network, which now leave none of themselves out."""
    blocks = [*net.features.blocks, *net.smoother.blocks]
    for block in blocks:
        if block.depth:
            block.depth.survival = 1.0
    return blocks


def test_width_1_has_the_texts_parameters():
    """By hand, layer by layer, from the article's code; torch's second LSTM biases are 5,120 more, and untrained."""

    def evonorm(c: int) -> int:
        return 3 * c

    def weight_norm(a: int, b: int, bias: bool) -> int:
        return a * b + b + (b if bias else 0)

    def lstm(a: int, h: int) -> int:
        return 2 * 4 * (h * (a + h) + h)

    def chroma_net(hidden: int, core: int) -> int:
        total, c_in = 9 * 14 * 24 + evonorm(24), 24
        for filters, alpha, _ in BLOCKS:
            total += 9 * c_in * filters + evonorm(filters) + 9 * 2
            total += weight_norm(filters, filters // 8, True) + weight_norm(filters // 8, filters, True)
            c_in = filters // alpha
            total += filters * c_in if alpha != 1 else 0
        return total + weight_norm(12 * 64, hidden, False) + core + weight_norm(hidden, hidden, False) + 6 * hidden

    dual_path = 2 * (lstm(512, 256) + 512 * 512 + 512)
    heads = sum(weight_norm(n, 25, False) + 2 * 25 for n in (512, 256)) + 513 * (2 + 25 + 13) + 26 * 529
    by_hand = chroma_net(512, dual_path) + chroma_net(256, lstm(256, 128)) + heads
    assert by_hand == 5_187_784
    with torch.device("meta"):
        net = ChordNet()
    assert count(net) == by_hand
    assert sum(p.numel() for p in net.parameters()) == by_hand + 5_120


def test_shortcuts_and_survival_are_the_texts():
    net = ChordNet().features
    survival = [block.depth and block.depth.survival for block in net.blocks]
    assert survival == [0.9, 0.9, None, 0.8, 0.7, None, 0.6, None]
    assert [block.n_out for block in net.blocks] == [24, 24, 12, 12, 12, 16, 16, 64]


def test_octaves_become_channels_as_in_the_text():
    x = spectrum(2, 5)
    flat = torch.cat([x[:, 0], x[:, 1]], dim=2)  # FlattenChannelDimension, then BBB
    expected = torch.stack([flat[:, :, i : i + 36] for i in range(0, 504, 36)], dim=1)
    assert torch.equal(fold_octaves(x, 36), expected)


def test_features_fold_with_and_without_the_last_eight():
    x = torch.arange(512.0).expand(1, 3, 512)
    dropped, kept = fold_features(x, drop=True), fold_features(x, drop=False)
    assert dropped.shape == (1, 14, 3, 36)
    assert dropped[0, 13, 2].tolist() == list(range(468, 504))
    assert kept.shape == (1, 15, 3, 36)
    assert kept[0, 14, 0].tolist() == [*range(504, 512), *[0] * 28]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"core": "blstm"},
        {"core": "blstm", "lstm_layers": 2, "lstm_residual": True, "cell": "peephole"},
        {"chunk_frames": 0},
        {"cell": "lnlstm", "smoothing_layers": 2},
        {"drop_features": False},
        {"smoothing": False},
        {"direct": True},
        {"channels": 1},
        {"bins_per_octave": 12},
        {"bins_per_octave": 24, "octaves": 6},
        {"bins_per_octave": 48},
        {"width": 0.3},
    ],
)
def test_every_variant_answers_every_frame(changes):
    net = network(**changes)
    s = net.settings
    out = net(spectrum(2, 9, s.octaves * s.bins_per_octave, s.channels))
    assert {name: getattr(out, name).shape for name in SIZES} == {k: (2, 9, n) for k, n in SIZES.items()}
    assert all(torch.isfinite(x).all() for x in out)
    assert (out.smooth is out.vector) == (not s.smoothing)


STACK = {"core": "blstm", "lstm_layers": 2, "lstm_residual": True}


@pytest.mark.parametrize(
    ("filler", "changes"),
    [
        *[(filler, {"core": core}) for core in ("dprnn", "blstm") for filler in (0.0, 1e6, float("nan"))],
        (1e6, {"chunk_frames": 64}),
        (1e6, STACK),
        (1e6, STACK | {"cell": "lnlstm"}),
        (1e6, STACK | {"cell": "peephole"}),
    ],
)
def test_padding_changes_no_answer(filler, changes):
    """Songs of less than a chunk, of exactly one, of several: alone, and beside longer ones over garbage.

    The other cells carry rounding on through 600 frames: two equal songs in a batch differ as much from one alone.
    """
    near = 1e-3 if "cell" in changes else 1e-5
    net, lengths = network(**changes), [256, 600, 70, 512]
    for p in net.parameters():  # fresh biases are zeros, which let padding pass a recurrent layer as zeros
        p.data += 0.2 * torch.randn(p.shape) if p.dim() == 1 and p.requires_grad else 0
    songs = [spectrum(1, n, seed=n) for n in lengths]
    batch = torch.full((4, 2, 640, 252), filler)
    for i, song in enumerate(songs):
        batch[i, :, : lengths[i]] = song[0]
    with torch.no_grad():
        together = net(batch, torch.tensor(lengths))
        for i, song in enumerate(songs):
            for name, alone in net(song)._asdict().items():
                got = getattr(together, name)[i, : lengths[i]]
                torch.testing.assert_close(got, alone[0], atol=near, rtol=0, msg=f"{name} of song {i}")


def test_the_chord_is_read_from_the_smoothed_vector_alone():
    net, x = network(), spectrum(1, 20)
    out = net(x)
    out.chord.sum().backward()
    assert torch.allclose(out.chord, net.chord(out.smooth))
    assert net.chord.weight.shape == (529, 25)
    direct = network(direct=True)
    assert direct.chord.weight.shape == (529, eighths(512, SMALL))
    assert network(smoothing=False).chord.weight.shape == (529, 25)


@pytest.mark.parametrize(("activation", "expected"), [("clip", [0.0, 0.25, 1.0]), ("sigmoid", [0.2689414, 0.5621765])])
def test_the_vectors_activation(activation, expected):
    head = VectorHead(4, activation)
    logits = torch.tensor([-1.0, 0.25, 3.0])
    got = head.activation(logits)
    assert got[: len(expected)].tolist() == pytest.approx(expected)


def test_batch_statistics_leave_padding_out():
    head, x = VectorHead(4, "clip").train(), torch.randn(2, 6, 4)
    mask = torch.arange(6) < torch.tensor([[6], [3]])
    x[1, 3:] = 50.0
    _, logits = head(x, mask)
    inside = head.dense(x)[mask]
    expected = (inside - inside.mean(0)) / (inside.var(0, correction=0) + 1e-3).sqrt()
    torch.testing.assert_close(logits[mask], expected)
    torch.testing.assert_close(head.norm.running_mean, 0.01 * inside.mean(0))
    assert logits[1, 3:].abs().max() == 0


def test_every_trained_weight_gets_a_gradient():
    net = network(vector="sigmoid").train()
    for block in surviving(net):
        block.channel.squeeze.weight.data.abs_()  # its one unit could be dead at this width
    lengths = torch.tensor([300, 40])
    out = net(spectrum(2, 300), lengths)
    inside = torch.arange(300) < lengths[:, None]
    loss = sum(x[inside].square().mean() for x in out)
    loss.backward()
    idle = [name for name, p in net.named_parameters() if p.requires_grad and not (p.grad is not None and p.grad.any())]
    assert idle == []


def test_both_vectors_learn_tones():
    """Thirty steps tell three chords apart that differ in one tone each."""
    torch.manual_seed(0)
    rows = torch.tensor([[0, 4, 7], [0, 3, 7], [0, 4, 8]])
    tones = torch.zeros(3, 12, 12).scatter(2, rows[:, None].expand(3, 12, 3), 1.0)
    x = torch.zeros(3, 2, 12, 252)
    for octave in range(7):
        x[..., 36 * octave + 1 : 36 * octave + 36 : 3] = tones[:, None]
    x += 0.1 * torch.randn_like(x)
    net = network(vector="sigmoid").train()
    surviving(net)
    optimizer = torch.optim.Adam(net.parameters(), 2e-2)
    for _ in range(30):
        out = net(x)
        losses = [binary_cross_entropy_with_logits(z[..., :12], tones) for z in (out.vector_logits, out.smooth_logits)]
        optimizer.zero_grad()
        sum(losses).backward()
        optimizer.step()
    right = [((v[..., :12] > 0.5) == tones.bool()).float().mean().item() for v in (out.vector, out.smooth)]
    assert min(right) > 0.97


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bins_per_octave": 30}, "multiple of 12"),
        ({"bins_per_octave": 0}, "multiple of 12"),
        ({"width": 0.0}, "above 0"),
        ({"width": float("nan")}, "above 0"),
        ({"width": 0.05}, "36 are needed"),
    ],
)
def test_settings_that_cannot_be(changes, message):
    with pytest.raises(ValueError, match=message):
        network(**changes)


def test_the_same_weights_from_the_same_seed():
    a, b = network(3), network(3)
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))
    assert np.isfinite(sum(p.abs().sum().item() for p in a.parameters()))


def lstm(a: int, h: int) -> int:
    """Parameters of a BLSTM of h units a direction on a features, with Keras's one bias a gate."""
    return 2 * 4 * (h * (a + h) + h)


@pytest.mark.parametrize(
    ("changes", "more"),
    [
        ({"core": "dprnn", "chunk_frames": 0}, 0),  # the same network: equal
        ({"core": "blstm"}, -lstm(512, 256) - 2 * (512 * 512 + 512)),
        ({"core": "blstm", "lstm_layers": 2, "lstm_residual": True}, -2 * (512 * 512 + 512)),
        ({"cell": "lnlstm"}, 2 * 2 * (2 * 4 * 128 + 128)),  # gain and shift of three norms in both directions
        ({"cell": "peephole"}, 2 * 3 * 128),
        ({"smoothing_layers": 2}, lstm(256, 128)),
    ],
)
def test_parameters_of_the_cores_and_cells_at_width_1(changes, more):
    """Against the text's network, whose dual path has two BLSTMs and two dense layers."""
    with torch.device("meta"):
        assert count(ChordNet(ChordNetSettings(**changes))) == 5_187_784 + more


SWITCHES = {
    "chunks": ({"chunk_frames": 8}, {"chunk_frames": 0}),
    "layers": ({"core": "blstm"}, {"core": "blstm", "lstm_layers": 2}),
    "layers of smoothing": ({}, {"smoothing_layers": 2}),
    "residual": ({"smoothing_layers": 2}, {"smoothing_layers": 2, "lstm_residual": True}),
    "residual of the first": (STACK | {"lstm_residual": False}, STACK),
    "layer norm": ({}, {"cell": "lnlstm"}),
    "peepholes": ({}, {"cell": "peephole"}),
    "cell of the first": (
        {"core": "blstm", "smoothing": False},
        {"core": "blstm", "smoothing": False, "cell": "lnlstm"},
    ),
}


@pytest.mark.parametrize(("off", "on"), SWITCHES.values(), ids=SWITCHES)
def test_turning_a_switch_changes_the_chord(off, on):
    x = spectrum(1, 20)
    before, after = network(**off), network(**on)
    own = after.state_dict()
    after.load_state_dict({k: v for k, v in before.state_dict().items() if k in own}, strict=False)
    with torch.no_grad():
        assert not torch.allclose(before(x).chord, after(x).chord, atol=1e-6)


def test_dropout_of_the_lstms_counts_in_training_alone():
    plain = network()
    dropping = network(lstm_dropout=0.5)
    x = spectrum(1, 20)
    assert torch.equal(plain(x).chord, dropping(x).chord)
    surviving(plain), surviving(dropping)
    for net in (plain, dropping):
        net.train().features.core.dropout.p = 0.0
    said = []
    for net in (plain, dropping):
        torch.manual_seed(2)
        said.append(net(x))
    assert torch.equal(said[0].vector, said[1].vector)  # of the first network, whose dual path has its own
    assert not torch.allclose(said[0].smooth, said[1].smooth)


def test_weights_of_before_there_were_other_cells_are_read():
    names = set(network().state_dict())
    assert {"features.core.local.ahead.weight_ih_l0", "smoother.core.back.bias_hh_l0"} <= names
    assert "features.core.ahead.weight_hh_l0" in network(core="blstm").state_dict()
