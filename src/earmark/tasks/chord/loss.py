"""What a chord network is trained for: one loss over its heads, by network. Frames of X and of padding count nowhere.

targets: by name as songs.Crops gives them.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from earmark.tasks.chord.networks.chordnet import ChordNetOutput
from earmark.tasks.chord.networks.losses import ChordTargets, LossSettings, head_losses
from earmark.tasks.chord.networks.pitch_net import ChordLogits
from earmark.tasks.chord.notation.vocabulary import IGNORED
from earmark.tasks.chord.settings import ChordLossSettings, CrossEntropy, FocalTversky


def losses(
    said: ChordLogits | ChordNetOutput,
    targets: dict[str, Tensor],
    s: ChordLossSettings,
    class_weights: Tensor | None = None,
) -> dict[str, Tensor]:
    """The loss (scalar) of each head of what a network said, times the head's weight; training takes their sum.

    class_weights: (classes,) of the chord's classes; None: all 1.
    """
    if isinstance(said, ChordLogits):
        return _of_pitch_net(said, targets, s, class_weights)
    shares = s.weight_tones, s.weight_change, s.weight_key, s.weight_bass
    power = s.power if isinstance(s, FocalTversky) else 1.0
    settings = LossSettings(s.name, s.alpha, power, s.focal_gamma, *shares)
    return head_losses(said, of_heads(targets), settings, class_weights)


def of_heads(targets: dict[str, Tensor]) -> ChordTargets:
    """Targets as ChordNet's heads are judged by: the bass joins the tones in the vector, the change is a class."""
    known, bass = targets["known"], targets["bass"]
    one_hot = (bass[..., None] == torch.arange(13, device=bass.device)).float()
    vector = torch.cat([targets["tones"], one_hot], 2)
    change = targets["change"].long().masked_fill(~known, IGNORED)
    return ChordTargets(vector, known, change, targets["key"], bass, targets["chord"])


def _of_pitch_net(
    said: ChordLogits, targets: dict[str, Tensor], s: CrossEntropy, class_weights: Tensor | None
) -> dict[str, Tensor]:
    known = targets["known"]

    def classes(name: str, smoothing: float = 0.0, weights: Tensor | None = None) -> Tensor:
        logits, truth = getattr(said, name).flatten(0, 1), targets[name].flatten()
        return F.cross_entropy(logits, truth, weights, ignore_index=IGNORED, label_smoothing=smoothing)

    tones = F.binary_cross_entropy_with_logits(said.tones[known], targets["tones"][known])
    change = F.binary_cross_entropy_with_logits(said.change[known], targets["change"][known])
    key = classes("key") if (targets["key"] != IGNORED).any() else said.key.new_zeros(())
    chord = classes("chord", s.label_smoothing, class_weights)
    found = {"chord": (1.0, chord), "bass": (s.weight_bass, classes("bass"))}
    found |= {"tones": (s.weight_tones, tones), "change": (s.weight_change, change), "key": (s.weight_key, key)}
    return {name: weight * loss for name, (weight, loss) in found.items()}
