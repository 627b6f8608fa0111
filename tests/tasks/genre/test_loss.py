"""Losses against hand numbers and torch's own."""

import pytest
import torch
from torch.nn.functional import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    one_hot,
)

from earmark.tasks.genre.loss import frame_loss, song_loss
from earmark.tasks.genre.networks.song import class_log_probs

P = torch.tensor([[0.5, 0.5], [0.25, 0.75], [0.1, 0.9]], dtype=torch.float64)


def test_frame_loss_by_hand():
    expected = -torch.tensor([0.5, 0.75, 0.1], dtype=torch.float64).log().mean()
    assert frame_loss(P.log(), one_hot(torch.tensor([1, 1, 0]))).item() == pytest.approx(expected.item())


def test_frame_loss_takes_mixed_targets():
    expected = -(0.3 * P[:, 0].log() + 0.7 * P[:, 1].log()).mean()
    assert frame_loss(P.log(), torch.tensor([[0.3, 0.7]]).double()).item() == pytest.approx(expected.item())


def test_label_smoothing_is_torchs():
    torch.manual_seed(0)
    logits, labels = torch.randn(7, 5), torch.tensor([0, 1, 2, 3, 4, 0, 1])
    got = frame_loss(logits.log_softmax(1), one_hot(labels, 5), smoothing=0.2)
    torch.testing.assert_close(got, cross_entropy(logits, labels, label_smoothing=0.2))


def test_song_loss_by_hand():
    expected = -torch.tensor([0.5, 0.25, 0.9], dtype=torch.float64).log().mean()
    assert song_loss(P.log(), torch.tensor([1, 0, 1])).item() == pytest.approx(expected.item())


def test_two_classes_equal_binary_cross_entropy():
    torch.manual_seed(0)
    logits = 4 * torch.randn(12, 1)
    segment = torch.arange(12) // 3
    labels = torch.tensor([0, 1, 1, 0])
    log_probs, target = class_log_probs(logits), labels[segment].float()
    frame = frame_loss(log_probs, one_hot(labels[segment]))
    torch.testing.assert_close(frame, binary_cross_entropy(log_probs[:, 1].exp(), target))
    torch.testing.assert_close(frame, binary_cross_entropy_with_logits(logits[:, 0], target))
    torch.testing.assert_close(
        song_loss(log_probs[:4], labels), binary_cross_entropy_with_logits(logits[:4, 0], labels.float())
    )
