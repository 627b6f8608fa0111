"""What the speaker task brings to the training loop: speakers x segments a batch, and trials to validate on."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from earmark.tasks.speaker import augment, embedding, log_mel
from earmark.tasks.speaker.loss import Objective
from earmark.tasks.speaker.networks import pairs
from earmark.tasks.speaker.settings import (
    PairSettings,
    SpeakerFeatureSettings,
    SpeakerModelSettings,
    SpeakerTrainSettings,
)
from earmark.tasks.speaker.trials import scores
from earmark.tasks.speaker.voices import Segments, Voices
from earmark.training import loop

OTHERS = 3  # voices that babble


@dataclass(frozen=True)
class ValidationTrials:
    """What a model is validated on: utterances (runs of `voices`), and pairs a, b of them (trials,), same or not."""

    voices: Voices
    a: np.ndarray
    b: np.ndarray
    same: np.ndarray


class SpeakerTask:
    """A tower with its loss, and the voices that it is trained and validated on, as the training loop wants them.

    val: None where nothing is decided on validation speakers. speakers: their names by number.
    """

    def __init__(
        self,
        voices: Voices,
        val: ValidationTrials | None,
        features: SpeakerFeatureSettings,
        model: SpeakerModelSettings,
        settings: SpeakerTrainSettings,
        device: torch.device,
        speakers: list[str],
    ):
        self.features = features
        self.settings = settings
        self.device = device
        self.val = val
        self.speakers = speakers
        self.last: tuple[Tensor, Tensor, Tensor] | None = None  # embeddings, speakers and loss of a batch
        self.segments = Segments(voices, device)
        self.heard = Segments(val.voices, device) if val else None
        torch.manual_seed(settings.seed)
        self.model = Objective(model, settings, features.n_mels, len(speakers), features.views).to(device)

    def batches(self) -> Iterator[Tensor]:
        """Runs (speakers * segments,) of every batch of an epoch."""
        for _ in range(self.settings.batches):
            yield self.segments.batch(self.settings.speakers, self.settings.segments)

    def steps(self) -> int:
        """Batches of an epoch."""
        return self.settings.batches

    def loss(self, batch: Tensor) -> tuple[Tensor, int]:
        """The loss of a batch of runs (scalar) and the segments in it."""
        x, speakers = self.examples(batch)
        with loop.autocast(self.device, self.settings.precision):
            embeddings = self.model.tower(x)
        loss = self.model.loss(embeddings.float(), speakers)
        self.last = embeddings.detach().float(), speakers, loss.detach()
        return loss, len(batch)

    def examples(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Normalised, augmented segments (n, frames, bands) of one random length, and their speakers (n,)."""
        s, hop_s = self.settings, self.features.hop_s
        shortest, longest = (round(seconds / hop_s) for seconds in s.segments_s)
        n = int(torch.randint(shortest, longest + 1, ()))
        x = self.segments.drawn(batch, n)
        if s.augment.any:
            others = torch.randint(len(self.segments.lengths), (len(batch) * OTHERS,))
            noise = self.segments.drawn(others, n).unflatten(0, (len(batch), OTHERS))
            x = augment.augment(x, noise, s.augment, hop_s, self.features.top_db)
        return augment.masked(log_mel.normalized(x, self.features.normalize), s.augment), self.segments.speakers[
            batch
        ].to(self.device)

    def names(self, batch: Tensor) -> list[str]:
        """Speakers that a batch draws on."""
        return [self.speakers[i] for i in self.segments.speakers[batch].unique().tolist()]

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        """1 - AUC as the loss, EER, and 1 - EER as the accuracy, by cosine on the validation trials.

        Of the loss of pairs also the share of the last batch's outputs that a clip would leave without a slope.
        """
        row = (
            {"train/dead_share": pairs.dead_share(self.last[0])}
            if self.last and isinstance(self.settings.loss, PairSettings)
            else {}
        )
        if self.val is None:
            return row
        model.eval()
        vectors = embedding.of_runs(model.tower, self.heard, self.features.normalize)
        score = (vectors[self.val.a] * vectors[self.val.b]).sum(1).cpu().numpy()
        curve = scores.curve(score, self.val.same)
        eer, auc = float(scores.eer(curve)), float(scores.auc(curve))
        return row | {"val/loss": 1 - auc, "val/eer": eer, "val/accuracy": 1 - eer}

    def alarm(self) -> str | None:
        """What is wrong where the loss of pairs has collapsed, as far as the last batch tells, and what to change."""
        if not isinstance(self.settings.loss, PairSettings) or self.last is None:
            return None
        embeddings, speakers, loss = self.last
        s, n = self.settings, len(speakers)
        same = 0.5 if pairs.asks_two_by_two(s.loss) else (s.segments - 1) / (n - 1)
        return pairs.collapse(loss.item(), pairs.all_distances(embeddings, s.loss).total, same, s.loss)
