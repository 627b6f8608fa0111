"""What the chord task brings to the training loop: crops of songs in every key, and the losses of many heads."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from earmark.tasks.chord import loss as objective
from earmark.tasks.chord.decoding import fit_crf, weights
from earmark.tasks.chord.networks.build import logits, network, vocabulary
from earmark.tasks.chord.networks.chordnet import ChordNetOutput
from earmark.tasks.chord.networks.pitch_net import ChordLogits
from earmark.tasks.chord.notation.vocabulary import IGNORED
from earmark.tasks.chord.settings import DOWN, UP, ChordModelSettings, ChordTrainSettings
from earmark.tasks.chord.songs import Crops, Songs, join_songs, rotated
from earmark.training import loop as train

__all__ = ["ChordTask", "Songs", "join_songs", "rotated"]
VALIDATED_AT_ONCE = 4  # songs; more at once take longer: their maps do not fit into the cache
SHORT = 0.1, 1 / 3  # of a crop's frames, where a batch hears short ones


class ChordTask:
    """A network and the songs it is trained and validated on, as the training loop wants them.

    train, val: (n,) int64 places in `songs.ids`.
    """

    def __init__(
        self,
        songs: Songs,
        train: np.ndarray,
        val: np.ndarray,
        n_qualities: int,
        model: ChordModelSettings,
        settings: ChordTrainSettings,
        device: torch.device,
    ):
        self.songs = songs
        self.train = train
        self.val = val
        self.settings = settings
        self.device = device
        self.crops = Crops(songs, device)
        self.lengths = self.crops.lengths
        torch.manual_seed(settings.seed)
        octaves = songs.n_bins // songs.bins_per_octave
        self.model = network(model, n_qualities, octaves, songs.channels, songs.bins_per_octave).to(device)
        self.joint = model.decoder == "crf_joint"
        if self.joint:  # a part of the network, so that it is averaged, kept and resumed with it
            self.model.add_module("crf", fit_crf.count_transitions(songs, train, believed=1.0).to(device))
        self.words = vocabulary(model)
        asked = weights.weights_by_name(settings.loss.quality_weights, self.words, "train.loss.quality_weights")
        self.class_weights = torch.from_numpy(weights.of_classes(asked)).to(device) if (asked != 1).any() else None

    def batches(self) -> Iterator[Tensor]:
        """An epoch's crops (n, 2), song and first frame: as many of a song as fit into it."""
        crop = self.settings.crop_frames
        lengths = self.lengths[self.train]
        song = torch.repeat_interleave(torch.from_numpy(self.train), (lengths / crop).round().long().clamp_min(1))
        start = self.crops.starts(song, crop, self.settings.crops != "random")
        crops = torch.stack([song, start], 1)[torch.randperm(len(song))]
        yield from crops.split(self.settings.batch_size)

    def steps(self) -> int:
        """Batches of an epoch."""
        n = int((self.lengths[self.train] / self.settings.crop_frames).round().clamp_min(1).sum())
        return -(-n // self.settings.batch_size)

    def loss(self, batch: Tensor) -> tuple[dict[str, Tensor], int]:
        """The losses of a batch of crops (scalars) by head, and their number."""
        x, targets, lengths = self.examples(batch)
        with train.autocast(self.device, self.settings.precision):
            said = self.model(x, _unless_full(lengths, x.shape[2]))
        return self._losses(self.model, said, targets, lengths), len(batch)

    def examples(self, batch: Tensor) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        """Augmented spectrograms (n, channels, frames, bins), targets (n, frames ...), lengths (n,) of crops (n, 2)."""
        rows, lengths, still = self._cut(batch)
        semitones = still + (torch.randint(-DOWN, UP + 1, (len(batch),)) * self.settings.transpose).to(self.device)
        x = self.crops.spectrograms(rows, semitones)
        return self._augmented(x), self.crops.targets(rows, lengths, semitones), lengths

    def _cut(self, batch: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Rows (n, frames), lengths (n,) and no transposition (n,) of crops (n, 2)."""
        song, start = batch.unbind(1)
        crop = self._crop_frames()
        lengths = (self.lengths[song] - start).clamp_max(crop)
        if self.settings.crops == "chords":
            lengths = self.crops.whole_chords(song, start, lengths)
        return self.crops.rows(song, start, crop), lengths.to(self.device), torch.zeros_like(song).to(self.device)

    def _crop_frames(self) -> int:
        """Of a batch; all of its crops are as long, for padding would count in batch normalisation."""
        if self.settings.short and torch.rand(()) < self.settings.short:
            return max(2, round(self.settings.crop_frames * float(torch.empty(()).uniform_(*SHORT))))
        return self.settings.crop_frames

    def names(self, batch: Tensor) -> list[str]:
        """Songs that a batch draws on."""
        return [self.songs.ids[i] for i in batch[:, 0].unique().tolist()]

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        """Loss, in all and by head, and the share of frames whose class, root and bass are right, over the validation
        songs."""
        if not len(self.val):
            return {}
        model.eval()
        total, heads = torch.zeros(4, dtype=torch.float64), Counter[str]()
        for part in torch.from_numpy(self.val).split(VALIDATED_AT_ONCE):
            longest = int(self.lengths[part].max())
            rows, lengths = self.crops.rows(part, torch.zeros_like(part), longest), self.lengths[part].to(self.device)
            still = torch.zeros(len(part), dtype=torch.int64, device=self.device)
            targets = self.crops.targets(rows, lengths, still)
            with train.autocast(self.device, self.settings.precision):
                said = model(self.crops.spectrograms(rows, still), lengths)
            n = int((targets["chord"] != IGNORED).sum())
            heads.update({k: n * v.item() for k, v in self._losses(model, said, targets, lengths).items()})
            total += torch.tensor([n, *self._right(said, targets)])
        n, *right = total.tolist()
        found = {"val/loss": sum(heads.values()) / n} | {f"val/loss_{name}": v / n for name, v in heads.items()}
        return found | dict(zip(("val/accuracy", "val/root", "val/bass"), (r / n for r in right), strict=True))

    def said_of_crops(self) -> Iterator[tuple[ChordLogits, Tensor, Tensor]]:
        """What the network says of training crops without end, as they are, their classes and lengths; on the CPU."""
        torch.manual_seed(self.settings.seed)
        model = self.model.to(self.device).eval()
        while True:
            for batch in self.batches():
                with torch.no_grad():
                    rows, lengths, still = self._cut(batch)
                    said = logits(model(self.crops.spectrograms(rows, still), lengths))
                    chord = self.crops.targets(rows, lengths, still)["chord"]
                yield ChordLogits(*(x.cpu() for x in vars(said).values())), chord.cpu(), lengths.cpu()

    def _losses(
        self, model: nn.Module, said: ChordLogits | ChordNetOutput, targets: dict[str, Tensor], lengths: Tensor
    ) -> dict[str, Tensor]:
        found = objective.losses(said, targets, self.settings.loss, self.class_weights)
        if self.joint:
            found["path"] = fit_crf.loss_of(model.crf, logits(said), targets["chord"], lengths)
        return found

    def _right(self, said, targets: dict[str, Tensor]) -> list[float]:
        """Frames whose chord, root and bass are right."""
        said, known, none = logits(said), targets["known"], self.songs.none
        root = lambda c: torch.where(c == none, 12, c % 12)  # noqa: E731
        said_chord, chord = said.chord.argmax(2)[known], targets["chord"][known]
        said_bass, bass = said.bass.argmax(2), targets["bass"]
        right = (said_bass == bass)[bass != IGNORED].double().mean() * len(chord)
        return [int((said_chord == chord).sum()), int((root(said_chord) == root(chord)).sum()), float(right)]

    def _augmented(self, x: Tensor) -> Tensor:
        """Random slopes and floors of spectrograms (batch, channels, frames, bins) in 0..1, and masks of any."""
        s, (n, _, frames, bins) = self.settings, x.shape
        slope = (torch.rand(n, 1, 1, 1) * 2 - 1) * s.tilt * torch.linspace(-1, 1, bins)
        floor = torch.rand(n, 1, 1, 1) * s.floor
        if s.tilt or s.floor:  # centred features have no range to keep
            x = (x + (x > 0) * slope.to(x.device)).clamp(0, 1)
            x = (x - floor.to(x.device)).clamp_min(0) / (1 - floor.to(x.device))
        for masks, size, length, axis in (
            (s.time_masks, s.time_mask, frames, 2),
            (s.band_masks, s.band_mask, bins, 3),
        ):
            for _ in range(masks):
                width = torch.rand(n, 1) * size
                begin = torch.rand(n, 1) * (length - width)
                at = torch.arange(length)
                hidden = ((at >= begin) & (at < begin + width)).to(x.device)[:, None]
                x = x.masked_fill(hidden[..., None] if axis == 2 else hidden[:, :, None], 0.0)
        return x


def _unless_full(lengths: Tensor, n_frames: int) -> Tensor | None:
    """Lengths as a network asks for them: None where every crop fills the batch, which spares it the masks."""
    return None if bool((lengths == n_frames).all()) else lengths
