"""The networks of sound_cnns: their sizes, what each layer computes, and the windows they take."""

import math
from functools import partial
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from earmark.nn.describe import count
from earmark.nn.sizes import scaled
from earmark.tasks.genre.networks import build
from earmark.tasks.genre.networks.net import Net
from earmark.tasks.genre.networks.resnetish import ResidualBlock, ResNetish
from earmark.tasks.genre.networks.vggish import VGGish
from earmark.tasks.genre.settings import SoundCnnsSettings

NETWORKS = {
    "net": Net,
    "resnetish18": partial(ResNetish, depth=18),
    "resnetish34": partial(ResNetish, depth=34),
    "vggish": VGGish,
}
WINDOWS = [(64, 101), (64, 401), (64, 501), (64, 1001), (128, 501)]  # 1, 4, 5, 10 s; twice the bands
every_network = pytest.mark.parametrize("name", NETWORKS)


def body(name: str, bands: int = 32, frames: int = 48, width: float = 0.125, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return NETWORKS[name](bands, frames, width=width)


def windows(n: int, bands: int = 32, frames: int = 48, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, 1, bands, frames, generator=torch.Generator().manual_seed(seed))


def n_parameters(name: str, width: float, n_classes: int = 41) -> int:
    """Of the body and its classifier, without memory for the weights."""
    with torch.device("meta"):
        network = NETWORKS[name](64, 501, width=width)
        return count(nn.Sequential(network, nn.Linear(network.n_out, n_classes)))


def net_by_hand(c1: int, c2: int, c3: int, c4: int, units: int) -> int:
    convs = (9 * c1 + c1) + (9 * c1 * c2 + c2) + (9 * c2 * c3 + c3) + (9 * c3 * c4 + c4)
    return convs + (8 * 8 * c4 * units + units) + (units * 41 + 41)


def resnetish_by_hand(channels: list[int], blocks: list[int]) -> int:
    total = 7 * 7 * channels[0] + 2 * channels[0]
    c_in = channels[0]
    for c, n in zip(channels, blocks, strict=True):
        total += 9 * c_in * c + (2 * n - 1) * 9 * c * c + 2 * n * 2 * c  # 2n convolutions, each normalised
        total += 0 if c_in == c else c_in * c + 2 * c  # shortcut
        c_in = c
    return total + c_in * 24 * 41 + 41


def vggish_by_hand(channels: list[int], units: list[int]) -> int:
    convs = sum(9 * a * b + b for a, b in zip([1, *channels], channels, strict=False))
    units = [24 * channels[-1], *units, 41]
    return convs + sum(a * b + b for a, b in pairwise(units))


def test_net_by_hand():
    # conv1 32 x (9 + 1) = 320, conv2 64 x (9 x 32 + 1) = 18,496, conv3 128 x (9 x 64 + 1) = 73,856,
    # conv4 256 x (9 x 128 + 1) = 295,168, fc1 128 x (16,384 + 1) = 2,097,280, fc2 41 x (128 + 1) = 5,289
    assert 320 + 18_496 + 73_856 + 295_168 + 2_097_280 + 5_289 == 2_490_409
    assert [count(layer) for layer in Net(64, 501).modules() if isinstance(layer, nn.Conv2d | nn.Linear)] == [
        *(320, 18_496, 73_856, 295_168),
        2_097_280,
    ]


@pytest.mark.parametrize(
    ("name", "expected", "n_out"),
    [
        ("net", 2_490_409, 128),
        ("resnetish18", 11_674_089, 12_288),
        ("resnetish34", 21_782_249, 12_288),
        ("vggish", 72_146_473, 128),
    ],
)
def test_parameters_at_41_classes(name, expected, n_out):
    assert n_parameters(name, width=1.0) == expected
    with torch.device("meta"):
        assert NETWORKS[name](64, 501).n_out == n_out


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("net", net_by_hand(8, 16, 32, 64, 32)),
        ("resnetish18", resnetish_by_hand([16, 32, 64, 128], [2, 2, 2, 2])),
        ("resnetish34", resnetish_by_hand([16, 32, 64, 128], [3, 4, 6, 3])),
        ("vggish", vggish_by_hand([16, 32, 64, 64, 128, 128], [1024, 1024, 32])),
    ],
)
def test_parameters_at_a_quarter_of_the_width(name, expected):
    assert n_parameters(name, width=0.25) == expected


@pytest.mark.parametrize(
    ("n", "width", "expected"),
    [
        (64, 1, 64),
        (64, 2, 128),
        (128, 0.5, 64),
        (64, 0.1, 8),  # 6.4 lies nearer to 8 than to 4
        (64, 0.15, 8),  # 9.6 nearer to 8 than to 12
        (20, 0.5, 12),  # 10 is a half: up
        (28, 0.5, 16),  # and so is 14
        (32, 0.001, 4),
    ],
)
def test_scaled_sizes_are_multiples_of_4(n, width, expected):
    assert scaled(n, width) == expected


@every_network
@pytest.mark.parametrize(("bands", "frames"), WINDOWS)
def test_shapes_of_the_sound_cnns(name, bands, frames):
    network = body(name, bands, frames).eval()
    with torch.no_grad():
        out = network(windows(2, bands, frames))
    assert out.shape == (2, network.n_out)
    assert out.dtype == torch.float32
    assert torch.isfinite(out).all()
    assert (out[0] != out[1]).any()


@every_network
@pytest.mark.parametrize(("bands", "frames"), WINDOWS)
def test_shapes_at_full_width(name, bands, frames):
    with torch.device("meta"):
        network = NETWORKS[name](bands, frames)
        assert network(torch.empty(3, 1, bands, frames)).shape == (3, network.n_out)


def maps(network: nn.Module, layers: list[nn.Module], bands: int, frames: int) -> list[tuple[int, ...]]:
    """Shapes (channels, bands, frames) of what the layers put out, in the order they run."""
    shapes: list[tuple[int, ...]] = []
    for layer in layers:
        layer.register_forward_hook(lambda _module, _inputs, out: shapes.append(tuple(out.shape[1:])))
    network(torch.empty(1, 1, bands, frames, device="meta"))
    return shapes


@pytest.mark.parametrize("depth", [18, 34])
def test_resnetish_strides(depth):
    """The counts do not see strides: the stem keeps the size, its pooling halves it, three stages too."""
    with torch.device("meta"):
        network = ResNetish(64, 501, depth=depth)
    layers = [network.stem[0], network.stem, *network.stages, network.pool]
    assert maps(network, layers, 64, 501) == [
        (64, 64, 501),
        (64, 32, 251),
        (64, 32, 251),
        (128, 16, 126),
        (256, 8, 63),
        (512, 4, 32),
        (512, 4, 6),
    ]
    assert [len(stage) for stage in network.stages] == ([2, 2, 2, 2] if depth == 18 else [3, 4, 6, 3])


def test_hershey_windows_fill_the_grid_exactly():
    """A window of 64 x 96, theirs, comes to 4 x 6 cells, so the last pooling changes nothing."""
    with torch.device("meta"):
        network = ResNetish(64, 96)
        assert maps(network, [network.stages], 64, 96) == [(512, 4, 6)]
        vgg = VGGish(64, 96)
        assert maps(vgg, [vgg.features[-2], vgg.features], 64, 96) == [(512, 8, 12), (512, 4, 6)]


def test_vggish_counts_what_audiosets_has():
    """Hershey et al.'s released network: six convolutions, then 4096, 4096 and 128 units on 4 x 6 x 512."""
    convs = 640 + 73_856 + 295_168 + 590_080 + 1_180_160 + 2_359_808
    with torch.device("meta"):
        assert count(VGGish(64, 96)) == convs + 50_335_744 + 16_781_312 + 524_416 == 72_141_184


@pytest.mark.parametrize("name", ["net", "resnetish18", "resnetish34", "vggish"])
@pytest.mark.parametrize(("filtered", "training"), [("forward", True), ("forward", False), ("test", False)])
def test_a_filter_reads_zeros_for_what_is_not_finite(name, filtered, training):
    torch.manual_seed(0)
    network = build.body(32, 48, SoundCnnsSettings(name=name, width=0.125, filter=filtered)).train(training)
    plain = build.body(32, 48, SoundCnnsSettings(name=name, width=0.125)).train(training)
    plain.load_state_dict({k.removeprefix("inner."): v for k, v in network.state_dict().items()})
    x = windows(4)
    x[0, 0, 3, 5] = -math.inf
    x[1, 0, :, 0] = math.inf
    x[2, 0, 0, 0] = math.nan
    zeros = torch.where(torch.isfinite(x), x, torch.zeros(()))
    torch.manual_seed(1)
    got = network(x)
    torch.manual_seed(1)
    assert torch.equal(got, plain(zeros))
    assert torch.isfinite(got).all()
    assert not torch.isfinite(plain(x)).all()


def test_a_filter_of_the_test_alone_is_none_in_training():
    torch.manual_seed(0)
    network = build.body(32, 48, SoundCnnsSettings(name="net", width=0.125, filter="test")).train()
    x = windows(2)
    x[0, 0, 3, 5] = -math.inf
    assert torch.isnan(network(x)[0]).any()
    assert torch.isfinite(network.eval()(x)).all()


@pytest.mark.parametrize("training", [False, True])
def test_net_is_the_articles(training):
    """Against the layers that his article lists, dropout's places and shares included."""
    network = body("net").train(training)
    w = list(network.parameters())
    x = windows(4)
    torch.manual_seed(1)
    h = F.conv2d(F.conv2d(x, w[0], w[1]).relu(), w[2], w[3]).relu()
    h = F.dropout(F.max_pool2d(h, 2), 0.25, training)
    h = F.conv2d(F.conv2d(h, w[4], w[5]).relu(), w[6], w[7]).relu()
    h = F.dropout(F.max_pool2d(h, 2), 0.25, training)
    h = F.adaptive_avg_pool2d(h, (8, 8)).flatten(1)
    expected = F.dropout(F.linear(h, w[8], w[9]).relu(), 0.5, training)
    torch.manual_seed(1)  # the same masks
    torch.testing.assert_close(network(x), expected)


def test_vggish_layer_by_layer():
    network = body("vggish").eval()
    w = list(network.parameters())
    x = windows(3, 80, 200)  # large enough that the last pooling has several values a cell
    h = x
    for i, pool in enumerate([True, True, False, True, False, False]):
        h = F.conv2d(h, w[2 * i], w[2 * i + 1], padding=1).relu()
        h = F.max_pool2d(h, 2) if pool else h
    h = F.adaptive_max_pool2d(h, (4, 6)).flatten(1)
    for i in (6, 7, 8):
        h = F.linear(h, w[2 * i], w[2 * i + 1]).relu()
    torch.testing.assert_close(network(x), h)


def normed(x: torch.Tensor, weight: torch.Tensor, stride: int, norm: nn.BatchNorm2d) -> torch.Tensor:
    """Convolution and batch normalisation in evaluation, written out."""
    x = F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return (x - norm.running_mean[:, None, None]) * scale[:, None, None] + norm.bias[:, None, None]


@pytest.mark.parametrize(("c_in", "c_out", "stride"), [(4, 4, 1), (4, 8, 2), (4, 4, 2), (4, 8, 1)])
def test_residual_block(c_in, c_out, stride):
    torch.manual_seed(0)
    block = ResidualBlock(c_in, c_out, stride)
    block(5 * torch.randn(16, c_in, 9, 11) + 2)  # running statistics that are not the defaults
    block.eval()
    convs = [m for m in block.modules() if isinstance(m, nn.Conv2d)]
    norms = [m for m in block.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    x = torch.randn(2, c_in, 9, 11)
    h = normed(x, convs[0].weight, stride, norms[0]).relu()
    h = normed(h, convs[1].weight, 1, norms[1])
    plain = stride == 1 and c_in == c_out
    assert len(convs) == (2 if plain else 3)
    expected = (h + (x if plain else normed(x, convs[2].weight, stride, norms[2]))).relu()
    assert expected.shape == (2, c_out, math.ceil(9 / stride), math.ceil(11 / stride))
    torch.testing.assert_close(block(x), expected, rtol=1e-4, atol=1e-5)


def test_resnetish_puts_its_blocks_together():
    network = body("resnetish18").eval()
    conv, norm = network.stem[:2]
    x = windows(2, 160, 200)  # large enough that the last pooling has several values a cell
    with torch.no_grad():
        h = F.max_pool2d(normed(x, conv.weight, 1, norm).relu(), 3, stride=2, padding=1)
        for block in [block for stage in network.stages for block in stage]:
            h = block(h)
        expected = F.adaptive_avg_pool2d(h, (4, 6)).flatten(1)
        torch.testing.assert_close(network(x), expected, rtol=1e-4, atol=1e-4)


def test_resnetish_starts_he_normal():
    network = body("resnetish18", width=0.5)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            fan_out = module.weight.shape[0] * module.weight[0, 0].numel()
            assert module.bias is None
            assert module.weight.std().item() == pytest.approx(math.sqrt(2 / fan_out), rel=0.1)
        if isinstance(module, nn.BatchNorm2d):
            assert (module.weight == 1).all()
            assert (module.bias == 0).all()


@every_network
def test_gradient_reaches_every_parameter(name):
    network = body(name)
    model = nn.Sequential(network, nn.Linear(network.n_out, 3))
    F.cross_entropy(model(windows(8)), torch.arange(8) % 3).backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert torch.isfinite(parameter.grad).all(), parameter_name
        assert parameter.grad.abs().max() > 0, parameter_name


@every_network
def test_evaluation_does_not_depend_on_the_batch(name):
    network = body(name).double()
    network(3 * windows(16, seed=5).double() + 1)  # running statistics that are not the defaults
    network.eval()
    x = windows(4).double()
    with torch.no_grad():
        together = network(x)
        for i in range(4):
            torch.testing.assert_close(network(x[i : i + 1]), together[i : i + 1])


@every_network
def test_a_seed_gives_the_same_weights(name):
    one, same, other = (torch.cat([p.flatten() for p in body(name, seed=s).parameters()]) for s in (0, 0, 1))
    torch.testing.assert_close(one, same, rtol=0, atol=0)
    assert (one != other).any()


@pytest.mark.parametrize(
    ("name", "smallest", "title"),
    [
        ("net", 16, "Net"),
        ("resnetish18", 16, "ResNetish18"),
        ("resnetish34", 16, "ResNetish34"),
        ("vggish", 8, "VGGish"),
    ],
)
def test_windows_too_small_are_refused(name, smallest, title):
    network = body(name, smallest, smallest).eval()
    assert torch.isfinite(network(windows(1, smallest, smallest))).all()
    for bands, frames in ((smallest - 1, 501), (64, smallest - 1)):
        with pytest.raises(ValueError, match=rf"{bands} bands x {frames} frames are too small for {title}.*or more"):
            body(name, bands, frames)


@pytest.mark.parametrize(("name", "fails_below"), [("net", 16), ("vggish", 8)])
def test_the_smallest_window_is_no_larger_than_need_be(name, fails_below):
    """One band less, put through a network made for more, and torch itself has no cell left."""
    network = body(name).eval()
    with pytest.raises(RuntimeError):
        network(windows(1, fails_below - 1, 48))


@every_network
@pytest.mark.parametrize("width", [0, -0.25, math.nan, math.inf])
def test_widths_that_are_none_are_refused(name, width):
    with pytest.raises(ValueError, match=r"width is .*above 0"):
        body(name, width=width)


def test_other_depths_are_refused():
    with pytest.raises(ValueError, match="depth is 50, but ResNetish has 18 or 34 layers"):
        ResNetish(64, 501, depth=50)


@every_network
def test_convolutions_run_with_channels_last(name):
    """Which takes .5 to .7 of the time on a CPU, and says the same."""
    network = body(name).eval()
    convs = [m for m in network.modules() if isinstance(m, nn.Conv2d) and m.kernel_size != (1, 1)]
    maps: list[torch.Tensor] = []
    for conv in convs:
        conv.register_forward_hook(lambda module, x, y: maps.append(y))
    said = network(windows(3))
    assert len(maps) == len(convs)
    assert all(y.is_contiguous(memory_format=torch.channels_last) and not y.is_contiguous() for y in maps)

    for conv in convs:  # rows first again, whatever comes in
        conv.to(memory_format=torch.contiguous_format)
        conv.register_forward_pre_hook(lambda module, x: x[0].contiguous())
    torch.testing.assert_close(network(windows(3)), said, rtol=1e-4, atol=1e-5)
