"""Classes of unequal size: scikit-learn's weights, epochs of equal classes, and what both do to a training."""

from collections import Counter

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch.nn.functional import cross_entropy, one_hot

from builders import augment_settings, model_settings, train_settings
from earmark.tasks.genre.balance import balanced, class_weights
from earmark.tasks.genre.batches import GenreTask
from earmark.tasks.genre.loss import frame_loss, song_loss
from earmark.tasks.genre.windows import Windows
from earmark.training import loop

N_FRAMES, N_BANDS = 8, 12
MANY = 44  # recordings of two classes to train on, and of each to test on
FEW = 4
TEST = 40
CHANGES = [
    {"loss": "frame"},
    {"loss": "song"},
    {"crops": "random"},
    {"augment": augment_settings(mix="mixup")},
    {"crops": "random", "augment": augment_settings(mix="between_class"), "label_smoothing": 0.1},
]


def sounds(classes: list[int], seed: int = 0) -> Windows:
    """Recordings of two windows of noise; those of class 1 are a little louder, so that many of both look alike."""
    rng = np.random.default_rng(seed)
    labels, n = np.array(classes), 2 * len(classes)
    values = rng.standard_normal((n * N_FRAMES, N_BANDS)).astype(np.float32)
    values += (
        0.25 * np.repeat(labels, 2 * N_FRAMES)[:, None]
        + 0.3 * np.repeat(rng.standard_normal(len(labels)), 2 * N_FRAMES).astype(np.float32)[:, None]
    )
    starts, places = np.arange(n) * N_FRAMES, 2 * N_FRAMES * np.arange(len(labels))
    lengths = np.full(len(labels), 2 * N_FRAMES)
    return Windows(
        values, starts, np.arange(n) // 2, places, lengths, labels, [f"r{i}" for i in range(len(labels))], N_FRAMES
    )


def task(balance: str = "none", classes: list[int] | None = None, n_train: int | None = None, **changes) -> GenreTask:
    windows = sounds(classes or [0] * MANY + [1] * FEW)
    n = len(windows.ids) if n_train is None else n_train
    settings = train_settings(balance=balance, keep="last", **changes)
    rest = np.arange(n, len(windows.ids))
    return GenreTask(windows, np.arange(n), rest, 2, model_settings(dropout=0.0), settings, torch.device("cpu"))


@pytest.mark.parametrize("labels", [[0, 0, 0, 1], [0, 1, 2], [2, 2, 1, 0, 0, 0, 0, 1, 2, 2], [0] * 99 + [1]])
def test_weights_are_scikit_learns_and_1_on_average(labels):
    expected = compute_class_weight("balanced", classes=np.unique(labels), y=labels)
    weights = class_weights(torch.tensor(labels), max(labels) + 1)
    np.testing.assert_allclose(weights.numpy(), expected, rtol=1e-6)
    assert weights.dtype == torch.float32
    assert weights[labels].mean().item() == pytest.approx(1)


def test_a_class_without_recordings_weighs_nothing():
    assert class_weights(torch.tensor([0, 0, 2]), 4).tolist() == [0.75, 0.0, 1.5, 0.0]


@pytest.mark.parametrize("counts", [(90, 10), (10, 5, 1), (1, 1), (7,), (3, 0, 4), (100, 1, 1, 1, 1)])
def test_classes_are_equally_frequent_in_an_epoch_of_the_same_length(counts):
    labels = torch.cat([torch.full((n,), c) for c, n in enumerate(counts)])
    torch.manual_seed(3)
    drawn = balanced(labels)
    assert len(drawn) == len(labels)
    found, present = Counter(labels[drawn].tolist()), sum(n > 0 for n in counts)
    assert found.keys() == {c for c, n in enumerate(counts) if n}
    assert {*found.values()} <= {len(labels) // present, -(-len(labels) // present)}
    for c in found:
        times = [Counter(drawn.tolist())[i] for i in torch.nonzero(labels == c)[:, 0].tolist()]
        assert max(times) - min(times) <= 1


def test_every_epoch_is_drawn_anew_and_by_the_seed():
    labels = torch.tensor([0] * 50 + [1] * 7)
    torch.manual_seed(1)
    first, second = balanced(labels), balanced(labels)
    torch.manual_seed(1)
    assert torch.equal(balanced(labels), first)
    assert not torch.equal(first.sort().values, second.sort().values)


def test_the_majority_is_heard_whole_over_epochs():
    labels, seen = torch.tensor([0] * 30 + [1] * 2), set()
    for seed in range(12):
        torch.manual_seed(seed)
        seen |= set(balanced(labels).tolist())
    assert seen == set(range(32))


def test_weighted_losses_by_hand():
    p, weights = torch.tensor([[0.5, 0.5], [0.25, 0.75], [0.1, 0.9]]).double(), torch.tensor([0.5, 2.0]).double()
    labels = torch.tensor([1, 1, 0])
    expected = -(torch.tensor([2.0, 2.0, 0.5]) * torch.tensor([0.5, 0.75, 0.1]).log()).mean()
    assert frame_loss(p.log(), one_hot(labels).double(), 0.0, weights).item() == pytest.approx(expected.item())
    assert song_loss(p.log(), labels, weights).item() == pytest.approx(expected.item())
    mixed = torch.tensor([[0.3, 0.7]]).double()
    by_hand = -(0.3 * 0.5 + 0.7 * 2.0) * (0.3 * p[1, 0].log() + 0.7 * p[1, 1].log())
    assert frame_loss(p[1:2].log(), mixed, 0.0, weights).item() == pytest.approx(by_hand.item())


def test_weights_of_1_change_nothing_with_smoothing_either():
    torch.manual_seed(0)
    logits, labels = torch.randn(7, 5), torch.tensor([0, 1, 2, 3, 4, 0, 1])
    got = frame_loss(logits.log_softmax(1), one_hot(labels, 5).float(), 0.2, torch.ones(5))
    torch.testing.assert_close(got, cross_entropy(logits, labels, label_smoothing=0.2))


def test_weights_count_training_recordings_alone():
    t = task("weights", [0, 0, 0, 1, 1, 1, 1, 1], n_train=4)
    assert t.weights.tolist() == pytest.approx([4 / 6, 2.0])
    assert task("none").weights is None
    assert task("sampling").weights is None


@pytest.mark.parametrize("changes", CHANGES)
def test_an_epochs_length_and_steps_stay(changes):
    t = task("sampling", **changes)
    drawn = torch.cat(list(t.batches()))
    assert (len(drawn), len(list(t.batches()))) == (len(t.units), t.steps())
    units = dict(zip(t.units.tolist(), t.unit_labels.tolist(), strict=True))
    assert Counter(units[u] for u in drawn.tolist()) == {0: len(t.units) // 2, 1: len(t.units) // 2}


def test_without_balance_an_epoch_is_a_shuffle():
    t = task()
    torch.manual_seed(5)
    expected = t.units[torch.randperm(len(t.units))]
    torch.manual_seed(5)
    assert torch.equal(torch.cat(list(t.batches())), expected)


def test_a_recording_drawn_twice_is_judged_twice():
    """The song loss pools each draw by itself; without repetition the windows come in the batch's order, as ever."""
    t = task("sampling", loss="song")
    x, targets, songs, segment = t.examples(torch.tensor([3, 46, 3]))
    assert songs.tolist() == [3, 3, 46]
    assert segment.tolist() == [0, 0, 2, 2, 1, 1]
    assert torch.equal(targets.argmax(1), torch.tensor([0, 0, 1, 1, 0, 0]))
    torch.testing.assert_close(x[0:2], x[4:6])
    batch = torch.tensor([46, 3, 20])
    _, _, songs, segment = t.examples(batch)
    windows = torch.tensor([92, 93, 6, 7, 40, 41])
    assert (songs.tolist(), segment.tolist()) == ([3, 20, 46], [2, 2, 0, 0, 1, 1])
    torch.testing.assert_close(t.examples(batch)[0], t.data.gather(windows))
    assert [each.tolist() for each in t.data.songs(windows)] == [songs.tolist(), segment.tolist()]


def recall(balance: str, **changes) -> tuple[float, dict]:
    """Recall of the rarer class in recordings that were not trained on, and the trained weights."""
    classes = [0] * MANY + [1] * FEW + [0] * TEST + [1] * TEST
    t = task(balance, classes, MANY + FEW, epochs=12, lr=0.01, **changes)
    fit = loop.fit(t, t.settings)
    t.model.load_state_dict(fit.weights)
    _, by_song = t.data.predict(t.model, np.arange(MANY + FEW + TEST, len(classes)))
    return (by_song.argmax(1) == 1).double().mean().item(), fit.weights


@pytest.mark.parametrize("changes", CHANGES)
def test_each_helps_the_rarer_class(changes):
    plain, weights = recall("none", **changes)
    for balance in ("weights", "sampling"):
        helped, others = recall(balance, **changes)
        assert helped > plain + 0.1, balance
        assert any(not torch.equal(weights[k], others[k]) for k in weights)
