"""Towers of the speaker task: shapes, sizes, padding that changes nothing, and siamese_blstm's two ways of reading."""

import itertools

import pytest
import torch
from torch import nn

from earmark.tasks.speaker.networks import build
from earmark.tasks.speaker.networks.blstm import SpeakerBlstm
from earmark.tasks.speaker.networks.pooling import AttentivePooling
from earmark.tasks.speaker.networks.tdnn import Res2Block
from earmark.tasks.speaker.settings import SpeakerModelSettings
from earmark.training import tagged

NAMES = ("resnet", "tdnn", "blstm")


def settings(name: str, width: float = 1.0, embedding: int = 192, **changes) -> SpeakerModelSettings:
    asked = {"name": name, "width": width, "embedding": embedding, "dropout": 0.3} | changes
    return tagged.from_stored(SpeakerModelSettings, asked)


def tower(name: str, n_bands: int = 20, **changes) -> nn.Module:
    """A small one whose norms have seen data, so that every layer's offset is at work."""
    torch.manual_seed(0)
    made = build.build(settings(name, **({"width": 0.2, "embedding": 12} | changes)), n_bands)
    for _ in range(3):
        made(torch.randn(8, 40, n_bands) + 0.3)
    return made.eval()


@pytest.mark.parametrize(
    ("name", "n"), [("resnet", 1_907_048), ("tdnn", 1_437_952), ("blstm", 2_779_328)], ids=lambda v: str(v)
)
def test_sizes_that_the_docstrings_name(name, n):
    made = build.build(settings(name), 80)
    assert sum(p.numel() for p in made.parameters()) == n
    assert made.n_out == 192


@pytest.mark.parametrize(("name", "frames"), itertools.product(NAMES, (1, 2, 7, 40)))
def test_segments_of_any_length(name, frames):
    made = tower(name)
    out = made(torch.randn(3, frames, 20))
    assert out.shape == (3, 12)
    assert out.isfinite().all()


@pytest.mark.parametrize("name", NAMES)
def test_padding_changes_nothing(name):
    """Whatever stands in it, zeros or not, and however long it is: odd lengths meet both strides."""
    made = tower(name)
    lengths = torch.tensor([37, 1, 8, 25, 30])
    x = torch.randn(5, 37, 20)
    alone = torch.cat([made(x[i : i + 1, :n]) for i, n in enumerate(lengths)])
    for more in (0, 3, 10):
        padded = torch.cat([x, torch.zeros(5, more, 20)], 1)
        padded[torch.arange(37 + more) >= lengths[:, None]] = 50.0
        torch.testing.assert_close(made(padded, lengths), alone, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(made(x), alone, atol=1e-2)  # without lengths it does


@pytest.mark.parametrize("name", NAMES)
def test_frames_are_time_and_not_bands(name):
    """An answer to the transposed square must differ; a reshape in place of a transposition would not notice time."""
    made = tower(name)
    x = torch.randn(2, 20, 20)
    assert not torch.allclose(made(x), made(x.mT), atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_all_weights_learn(name):
    made = tower(name).train()
    (made(torch.randn(8, 40, 20)) * torch.randn(8, 12)).sum().backward()
    still = [n for n, p in made.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.any())]
    assert still == []


@pytest.mark.parametrize("name", NAMES)
def test_embeddings_have_length_one(name):
    found = build.embed(tower(name, read="dense"), torch.randn(4, 40, 20))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.norm(dim=1), torch.ones(4))


def test_the_blstm_is_read_with_the_weights_that_were_trained():
    trained = tower("blstm", read="dense")
    reader = build.build(settings("blstm", width=0.2, embedding=12, read="blstm"), 20).eval()
    reader.load_state_dict(trained.state_dict())
    x, lengths = torch.randn(4, 40, 20), torch.tensor([40, 12, 40, 3])
    states = reader.embed(x, lengths)
    assert states.shape == (4, 2 * 52)
    assert torch.equal(trained.word(states), trained(x, lengths))  # bit for bit
    assert torch.equal(reader(x, lengths), trained(x, lengths))  # the losses judge the word, whatever is read
    assert torch.equal(trained.embed(x, lengths), trained(x, lengths))


def test_the_states_are_kerass_last_ones():
    """torch's own bidirectional LSTM, whose h_n holds the state after the last frame of each direction."""
    ours, x = tower("blstm"), torch.randn(3, 15, 20)
    first = _stacked(ours.blstm1, x)[0]
    expected = torch.cat(list(_stacked(ours.blstm2, first)[1]), 1)
    torch.testing.assert_close(ours.states(x, None), expected)


def _stacked(layer, x):
    theirs = nn.LSTM(layer.ahead.input_size, layer.ahead.hidden_size, batch_first=True, bidirectional=True)
    theirs.load_state_dict(layer.ahead.state_dict() | {k + "_reverse": v for k, v in layer.back.state_dict().items()})
    out, (state, _) = theirs(x)
    return out, state


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("head", ["prelu", "softplus", "softmax"])
def test_heads(head, batch_norm):
    made = tower("blstm", head=head, batch_norm=batch_norm)
    word = made(torch.randn(6, 10, 20))
    assert (word >= 0).all() == (head != "prelu" or not made.head.weight.any())
    if head == "softplus":
        assert (word > 0).all()
    if head == "softmax":
        torch.testing.assert_close(word.sum(1), torch.ones(6))
    assert isinstance(made.norm, nn.BatchNorm1d) == batch_norm


def test_prelu_starts_as_relu_with_a_slope_a_unit():
    made = SpeakerBlstm(20, 0.2, 12, "dense", "prelu", False, 0.0)
    assert [p.weight.shape[0] for p in made.prelu] == [104, 52, 52]
    assert not any(p.weight.any() for p in (*made.prelu, made.head))
    assert (made(torch.randn(6, 10, 20)) == 0).any()


def test_pooling_by_hand():
    """With scores of zero the weights are equal: mean and deviation of the valid frames."""
    pool = AttentivePooling(2, hidden=4)
    nn.init.zeros_(pool.weigh.weight)
    nn.init.zeros_(pool.weigh.bias)
    x = torch.tensor([[[1.0, 0.0], [3.0, 4.0], [90.0, 90.0]], [[2.0, 2.0], [2.0, 2.0], [2.0, 8.0]]])
    mask = torch.tensor([[True, True, False], [True, True, True]])
    expected = torch.tensor([[2.0, 2.0, 1.0, 2.0], [2.0, 4.0, 1e-5**0.5, 8**0.5]])
    torch.testing.assert_close(pool(x, mask), expected)


def test_pooling_weighs_by_channel():
    """A score that follows a channel's own value: exp weights, worked out by numpy's rule."""
    pool = AttentivePooling(3, hidden=8)
    x = torch.randn(2, 5, 3)
    context = torch.cat([x.mean(1), (x - x.mean(1, keepdim=True)).square().mean(1).sqrt()], 1)
    hidden = torch.tanh(pool.norm(pool.frame(x) + pool.context(context)[:, None]))
    weights = torch.exp(pool.weigh(hidden))
    weights = weights / weights.sum(1, keepdim=True)
    mean = (weights * x).sum(1)
    deviation = ((weights * x**2).sum(1) - mean**2).sqrt()
    torch.testing.assert_close(pool(x), torch.cat([mean, deviation], 1), rtol=1e-4, atol=1e-5)


def test_a_res2_layer_hears_further_with_every_group():
    """Each of the three convolutions adds a dilation; squeeze and excitation, which hears all, is off."""
    block = Res2Block(8, dilation=2).eval()
    nn.init.zeros_(block.excite.weight)
    x = torch.randn(64, 8, 41).requires_grad_()  # so many that every unit is alive for some
    (block(x, None) - x)[:, :, 20].abs().sum().backward()
    heard = torch.nonzero(x.grad.abs().sum((0, 1))).flatten().tolist()
    assert heard == [14, 16, 18, 20, 22, 24, 26]
