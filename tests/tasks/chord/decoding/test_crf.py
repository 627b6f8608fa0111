"""The CRF against every path of small cases, one by one."""

import time
from itertools import pairwise, product

import numpy as np
import pytest
import torch

from earmark.features import rows
from earmark.tasks.chord.decoding.crf import Decoder, TiedCrf


def crf(n_qualities: int = 1, seed: int = 0, scale: float = 1.0) -> TiedCrf:
    """With every parameter drawn."""
    generator = torch.Generator().manual_seed(seed)
    made = TiedCrf(n_qualities)
    for p in made.parameters():
        p.data = scale * torch.randn(p.shape, generator=generator)
    made.sharpness.data.fill_(0.7)
    return made


def frames(t: int, classes: int, batch: int = 1, seed: int = 0) -> torch.Tensor:
    return torch.randn(batch, t, classes, generator=torch.Generator().manual_seed(seed)).log_softmax(2)


def score_by_hand(
    made: TiedCrf, log_probs: torch.Tensor, path: tuple[int, ...], change: torch.Tensor | None = None
) -> torch.Tensor:
    """The score of one path, rule by rule: (frames, classes), classes, (frames,) log-odds -> scalar."""
    none = made.n_classes - 1
    total = made.start[path[0] // 12]
    for t, c in enumerate(path):
        total = total + made.sharpness * log_probs[t, c]
    for a, b in pairwise(path):
        if a == none or b == none:
            one = made.none if a == b else (made.from_none[b // 12] if a == none else made.to_none[a // 12])
        else:
            one = made.pair[a // 12, b // 12, (b % 12 - a % 12) % 12]
        total = total + one
    if change is not None:
        for t in range(1, len(path)):
            if path[t] != path[t - 1]:
                total = total + made.switch[0] * (change[t] - made.switch[1])
    return total


def all_scores(
    made: TiedCrf, log_probs: torch.Tensor, change: torch.Tensor | None = None
) -> dict[tuple[int, ...], torch.Tensor]:
    paths = product(range(made.n_classes), repeat=len(log_probs))
    return {p: score_by_hand(made, log_probs, p, change) for p in paths}


def dense_viterbi(unary: np.ndarray, trans: np.ndarray, start: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """The textbook's, all pairs in all frames."""
    fee = 1 - np.eye(len(start))
    score, back = start + unary[0], []
    for t in range(1, len(unary)):
        via = score[:, None] + trans - cost[t] * fee
        back.append(via.argmax(0))
        score = via.max(0) + unary[t]
    path = [int(score.argmax())]
    for pointers in reversed(back):
        path.append(int(pointers[path[-1]]))
    return np.array(path[::-1])


def path_score(path, unary, trans, start, cost) -> float:
    moved = path[1:] != path[:-1]
    return (
        start[path[0]]
        + unary[np.arange(len(path)), path].sum()
        + trans[path[:-1], path[1:]].sum()
        - (cost[1:] * moved).sum()
    )


CHANGE = torch.tensor([[0.4, 3.0, -2.0]])  # log-odds into each frame; the first has nothing before it


@pytest.mark.parametrize("change", [None, CHANGE])
def test_log_likelihood_is_brute_force(change):
    made, x = crf(), frames(3, 13)
    scores = all_scores(made, x[0], None if change is None else change[0])
    total = torch.stack(list(scores.values())).logsumexp(0)
    for path in [(0, 0, 0), (4, 12, 12), (12, 3, 10), (11, 0, 5)]:
        got = made.log_likelihood(x, torch.tensor([path]), change=change)
        assert got.item() == pytest.approx((scores[path] - total).item(), abs=1e-5)


@pytest.mark.parametrize("path", [(2, 2, 12), (2, 7, 7)])
def test_its_gradient_is_brute_forces(path):
    made = crf(seed=1)
    x = frames(3, 13, seed=1).requires_grad_()
    change = CHANGE.clone().requires_grad_()
    scores = all_scores(made, x[0], change[0])
    expected = scores[path] - torch.stack(list(scores.values())).logsumexp(0)
    parameters = [*made.parameters(), x, change]
    wanted = torch.autograd.grad(expected, parameters)
    got = torch.autograd.grad(made.log_likelihood(x, torch.tensor([path]), change=change).sum(), parameters)
    for a, b in zip(got, wanted, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


def test_large_log_odds_stay_finite_and_are_cut():
    made, x = crf(scale=0.1), frames(3, 13)
    made.switch.data = torch.tensor([6.0, 0.0])
    path = torch.tensor([[1, 4, 4]])
    found = [made.log_likelihood(x, path, change=c * torch.tensor([[0.0, 1.0, -1.0]])) for c in (14, 1e6)]
    assert torch.isfinite(found[0]).all()
    assert torch.equal(*found)


def test_probabilities_of_all_paths_sum_to_1():
    made, x = crf(seed=2), frames(2, 13)
    paths = torch.tensor(list(product(range(13), repeat=2)))
    assert made.log_likelihood(x.expand(len(paths), -1, -1), paths).exp().sum().item() == pytest.approx(1, abs=1e-4)


def test_unknown_frames_are_summed_over():
    made, x = crf(seed=3), frames(3, 13)
    scores = all_scores(made, x[0])
    total = torch.stack(list(scores.values())).logsumexp(0)
    expected = torch.stack([scores[4, c, 7] for c in range(13)]).logsumexp(0) - total
    got = made.log_likelihood(x, torch.tensor([[4, -100, 7]]))
    assert got.item() == pytest.approx(expected.item(), abs=1e-5)
    assert made.log_likelihood(x, torch.full((1, 3), -100)).item() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("unknown", [False, True])
def test_padding_changes_no_likelihood_and_no_gradient(unknown):
    made = crf(2)
    x = frames(6, 25, batch=3)
    change = frames(6, 3)[0].T.clone()
    classes = torch.randint(0, 25, (3, 6), generator=torch.Generator().manual_seed(0))
    if unknown:
        classes[1, 1] = -100
    lengths, learnt = torch.tensor([6, 4, 1]), (made.pair, made.switch)
    cut = [(x[i : i + 1, :n], classes[i : i + 1, :n], None, change[i : i + 1, :n]) for i, n in enumerate(lengths)]
    alone = [made.log_likelihood(*song) for song in cut]
    wanted = torch.autograd.grad(sum(alone), learnt)
    for i, n in enumerate(lengths):
        x[i, n:] = float("nan")
        change[i, n:] = float("nan")
        classes[i, n:] = -100
    got = made.log_likelihood(x, classes, lengths, change)
    torch.testing.assert_close(got, torch.cat(alone))
    for a, b in zip(torch.autograd.grad(got.sum(), learnt), wanted, strict=True):
        torch.testing.assert_close(a, b)


def test_transitions_are_tied_by_transposition():
    made = crf(3)
    matrix = made.transitions()
    assert matrix.shape == (37, 37)
    up = torch.tensor([q * 12 + (r + 5) % 12 for q in range(3) for r in range(12)] + [36])
    assert torch.equal(matrix, matrix[up][:, up])
    assert matrix[0 * 12 + 11, 2 * 12 + 4] == made.pair[0, 2, 5]  # B to E is five semitones up
    assert matrix[36, 13] == made.from_none[1]
    assert matrix[13, 36] == made.to_none[1]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("change", [None, CHANGE[0]])
def test_viterbi_is_brute_force(seed, change):
    made, x = crf(seed=seed, scale=2.0), frames(3, 13, seed=seed)
    scores = all_scores(made, x[0], change)
    best = max(scores, key=lambda path: scores[path].item())
    assert tuple(made.decoder()(x[0].numpy(), None if change is None else change.numpy())) == best


def test_what_is_heard_of_changes_decides_where_a_chord_ends():
    """C for ten frames and F for ten, of which the four in the middle say nothing: the change is where it is heard."""
    x = np.full((20, 13), -8.0, np.float32)
    x[:8, 0] = x[12:, 5] = x[8:12, 0] = x[8:12, 5] = 0
    made = TiedCrf(1)
    for heard in range(8, 13):
        change = np.full(20, -4.0, np.float32)
        change[heard] = 4.0
        paths = {}
        for weight in (0.0, 1.0):
            made.switch.data = torch.tensor([weight, -2.0])
            paths[weight] = made.decoder()(x, change).tolist()
        assert paths[1.0] == [0] * heard + [5] * (20 - heard)
        assert paths[0.0] == paths[0.0][:8] + [paths[0.0][8]] * 4 + [5] * 8
    made.switch.data = torch.tensor([1.0, -2.0])
    different = [made.decoder()(x, np.full(20, odds, np.float32)).tolist() for odds in (-14.0, 14.0)]
    assert different[0] != different[1]


@pytest.mark.parametrize("scale", [0.0, 0.3, 2.0, 8.0])
@pytest.mark.parametrize("costs", [(0, 0), (0, 4), (-3, 3)])
def test_pruning_never_loses_the_best_path(scale, costs):
    """Random scores of every sharpness, where nearly all classes matter and where hardly any does."""
    for seed in range(3):
        rng = np.random.default_rng(seed)
        trans, start = scale * rng.normal(size=(25, 25)), rng.normal(size=25)
        unary, cost = rng.choice([0.2, 1, 5]) * rng.normal(size=(60, 25)), rng.uniform(*costs, 60)
        got = Decoder(trans, start, switch=(1.0, 0.0))(unary, -cost)
        wanted = dense_viterbi(unary, trans, start, cost)
        scores = [path_score(p, unary, trans, start, cost) for p in (got, wanted)]
        assert scores[0] == pytest.approx(scores[1], abs=1e-3)


def test_a_gain_for_changing_by_hand():
    """Going from 1 to 0 is worth -1 + 3 + 2 = 4, more than any other path, though 1 lies behind at first."""
    decoder = Decoder(np.zeros((2, 2)), np.array([0.0, -1.0]), switch=(2.0, 0.5))
    assert decoder(np.array([[0.0, 0], [2, 0]]), np.array([0.0, 2.0])).tolist() == [1, 0]


def test_an_hour_keeps_its_digits():
    log_probs = np.full((30_000, 13), -60.0, np.float32)
    log_probs[:, 0] += 0.05
    log_probs[-100:, 1] += 0.1
    path = TiedCrf(1, stay=2.0).decoder()(log_probs)
    assert (path[:-100] == 0).all()
    assert (path[-100:] == 1).all()


def test_decoder_of_no_frames_and_of_one():
    decoder = crf().decoder()
    assert decoder(np.zeros((0, 13))).shape == (0,)
    one = frames(1, 13)[0].numpy()
    assert decoder(one).tolist() == [(0.7 * one[0] + decoder.starts).argmax()]


def test_ten_minutes_at_hop_544_take_less_than_2_s():
    """529 classes; the true chord leads in two frames of five. .6 s on the machine it was written on."""
    rng = np.random.default_rng(0)
    classes = np.repeat(rng.integers(0, 529, 300), 81)  # two seconds each
    x = rng.standard_normal((len(classes), 529), dtype=np.float32)
    x[np.arange(len(classes)), classes] += 3
    made = TiedCrf()
    made.fit_counts([classes])
    began = time.process_time()
    path = made.decoder()(x)
    assert time.process_time() - began < 2
    assert (path == classes).mean() > 0.99


def test_counted_transitions_by_hand():
    """C C F F N C and, after a break, G G: shares with a prior of one count over 25 classes."""
    made = TiedCrf(2)
    song = np.array([0, 0, 5, 5, 24, 0, -100, 7, 7])
    made.fit_counts([song])
    out = 6.0  # from quality 0: stay C, C to F, stay F, F to N, stay G; and the prior's one
    matrix = made.transitions().exp()
    assert matrix[0, 0].item() == pytest.approx((3 + 1 / 25) / out, rel=1e-5)
    assert matrix[9, 2].item() == pytest.approx((1 + 1 / 25) / out, rel=1e-5)  # any fourth up
    assert matrix[3, 24].item() == pytest.approx((1 + 1 / 25) / out, rel=1e-5)
    assert matrix[24, 8].item() == pytest.approx((1 / 12 + 1 / 25) / 2, rel=1e-5)
    torch.testing.assert_close(matrix.sum(1), torch.ones(25))
    assert made.starts().exp().sum().item() == pytest.approx(1, rel=1e-5)


def test_training_finds_how_much_of_changes_to_believe():
    """Chords change where the log-odds say so, and the weight rises; where they are noise it falls to nothing."""
    torch.manual_seed(0)
    moves = torch.rand(12, 60) < 0.2
    classes = (moves * torch.randint(1, 12, moves.shape)).cumsum(1) % 12
    x = 0.3 * torch.randn(12, 60, 13)
    true, noise = torch.where(moves, 3.0, -3.0), torch.randn(12, 60)
    for change, low, high in ((true, 1.0, 20.0), (noise, -0.3, 0.3)):
        made = TiedCrf(1, stay=2.0)
        optimizer = torch.optim.Adam(made.parameters(), 0.1)
        for _ in range(40):
            optimizer.zero_grad()
            (-made.log_likelihood(x, classes, change=change).mean()).backward()
            optimizer.step()
        assert low < made.switch[0].item() < high


def test_training_finds_the_transitions():
    """Chords that always rise a fourth after two frames, heard as noise: the CRF learns the progression."""
    torch.manual_seed(0)
    classes = torch.stack([(5 * (torch.arange(40) // 2) + root) % 12 for root in range(12)])
    x = torch.randn(12, 40, 13) + 1.5 * torch.nn.functional.one_hot(classes, 13)
    made = TiedCrf(1, stay=0.0)
    optimizer = torch.optim.Adam(made.parameters(), 0.1)
    for _ in range(30):
        optimizer.zero_grad()
        loss = -made.log_likelihood(x, classes).mean()
        loss.backward()
        optimizer.step()
    assert set(made.pair[0, 0].topk(2).indices.tolist()) == {0, 5}
    heard = x.argmax(2).eq(classes).float().mean().item()
    decoded = np.mean([made.decoder()(song.numpy()) == y.numpy() for song, y in zip(x, classes, strict=True)])
    assert decoded > heard + 0.2


def test_scores_on_disk_give_the_path_of_those_in_memory(monkeypatch):
    monkeypatch.setattr(rows, "MEMORY", 500)
    monkeypatch.setattr(rows, "BLOCK", 1000)
    made = crf(2)
    log_probs = frames(200, made.n_classes)[0].numpy()
    whole = made.decoder()(log_probs)
    with rows.Rows() as kept:
        kept.append(log_probs)
        np.testing.assert_array_equal(made.decoder()(kept), whole)
    assert len(set(whole.tolist())) > 3
