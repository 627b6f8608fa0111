"""What the chord task brings to the training loop: crops of songs in every key, and the losses of five heads."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from earmark import train
from earmark.chords.vocabulary import IGNORED
from earmark.models.pitch_net import ChordLogits, PitchNet
from earmark.settings.chord import DOWN, UP, ChordModelSettings, ChordTrainSettings

NO_BASS, BINS = 12, 3  # bins a semitone
VALIDATED_AT_ONCE = 16


@dataclass(frozen=True)
class Songs:
    """Spectrograms of many songs end to end, with UP semitones below and DOWN above what a network sees; targets.

    values: (total_frames, bins) float16. offsets, lengths: (songs,). ids: (songs,).
    chord, bass, key: (total_frames,) int64 classes, IGNORED where unknown.
    tones: (total_frames, 12) uint8. change: (total_frames,) uint8.
    n_bins: what a network sees.
    """

    values: np.ndarray
    offsets: np.ndarray
    lengths: np.ndarray
    ids: list[str]
    chord: np.ndarray
    bass: np.ndarray
    key: np.ndarray
    tones: np.ndarray
    change: np.ndarray
    n_bins: int
    none: int

    def on(self, device: torch.device) -> dict[str, Tensor]:
        """Every array as a tensor on a device."""
        names = ("values", "chord", "bass", "key", "tones", "change")
        return {k: torch.from_numpy(np.ascontiguousarray(getattr(self, k))).to(device) for k in names}


def joined(parts: list[Songs]) -> Songs:
    """Several collections as one."""
    per_frame = ("values", "chord", "bass", "key", "tones", "change")
    arrays = {k: np.concatenate([getattr(p, k) for p in parts]) for k in (*per_frame, "lengths")}
    offsets = np.cumsum(arrays["lengths"]) - arrays["lengths"]
    ids = [i for p in parts for i in p.ids]
    return Songs(**arrays, offsets=offsets, ids=ids, n_bins=parts[0].n_bins, none=parts[0].none)


def rotated(classes: Tensor, semitones: Tensor, none: int) -> Tensor:
    """Classes (batch, frames) whose last twelfth is a pitch class, as many semitones (batch,) higher; none stays."""
    n = semitones[:, None]
    moved = classes - classes % 12 + (classes + n) % 12
    return torch.where((classes == none) | (classes == IGNORED), classes, moved)


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
        self.songs, self.train, self.val, self.settings, self.device = songs, train, val, settings, device
        self.data = songs.on(device)
        self.offsets, self.lengths = torch.from_numpy(songs.offsets), torch.from_numpy(songs.lengths)
        torch.manual_seed(settings.seed)
        octaves = songs.n_bins // 36
        self.model = PitchNet(n_qualities, octaves, model.channels, model.stem, model.blocks).to(device)

    def batches(self) -> Iterator[Tensor]:
        """An epoch's crops (n, 2), song and first frame: as many of a song as fit into it, anywhere."""
        crop = self.settings.crop_frames
        lengths = self.lengths[self.train]
        song = torch.repeat_interleave(torch.from_numpy(self.train), (lengths / crop).round().long().clamp_min(1))
        room = (self.lengths[song] - crop).clamp_min(0)
        start = (torch.rand(len(song)) * (room + 1)).long()
        crops = torch.stack([song, start], 1)[torch.randperm(len(song))]
        yield from crops.split(self.settings.batch_size)

    def steps(self) -> int:
        """Batches of an epoch."""
        n = int((self.lengths[self.train] / self.settings.crop_frames).round().clamp_min(1).sum())
        return -(-n // self.settings.batch_size)

    def loss(self, batch: Tensor) -> tuple[Tensor, int]:
        """The loss of a batch of crops (scalar) and their number."""
        x, targets, lengths = self.examples(batch)
        with train.autocast(self.device, self.settings.precision):
            said = self.model(x, lengths)
        return self._losses(said, targets), len(batch)

    def examples(self, batch: Tensor) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        """Augmented spectrograms (n, 1, frames, bins), targets (n, frames ...), lengths (n,) of a batch of crops."""
        song, start = batch.unbind(1)
        crop = self.settings.crop_frames
        lengths = (self.lengths[song] - start).clamp_max(crop)
        rows = self._rows(song, start, crop)
        semitones = torch.randint(-DOWN, UP + 1, (len(batch),)) * self.settings.transpose
        x = self._slice(rows, semitones.to(self.device))
        targets = self._targets(rows, lengths.to(self.device), semitones.to(self.device))
        return self._augmented(x)[:, None], targets, lengths.to(self.device)

    def names(self, batch: Tensor) -> list[str]:
        """Songs that a batch draws on."""
        return [self.songs.ids[i] for i in batch[:, 0].unique().tolist()]

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        """Loss and the share of frames whose class, root and bass are right, over the validation songs."""
        if not len(self.val):
            return {}
        model.eval()
        total = torch.zeros(5, dtype=torch.float64)
        for part in torch.from_numpy(self.val).split(VALIDATED_AT_ONCE):
            longest = int(self.lengths[part].max())
            rows, lengths = self._rows(part, torch.zeros_like(part), longest), self.lengths[part].to(self.device)
            still = torch.zeros(len(part), dtype=torch.int64, device=self.device)
            targets = self._targets(rows, lengths, still)
            with train.autocast(self.device, self.settings.precision):
                said = model(self._slice(rows, still)[:, None], lengths)
            n = int((targets["chord"] != IGNORED).sum())
            total += torch.tensor([n, n * self._losses(said, targets).item(), *self._right(said, targets)])
        _, loss, chord, root, bass = (total / total[0]).tolist()
        return {"val/loss": loss, "val/accuracy": chord, "val/root": root, "val/bass": bass}

    def _rows(self, song: Tensor, start: Tensor, n: int) -> Tensor:
        """Rows (batch, n) of the end-to-end arrays; past a song's end its last row, which lengths leave out."""
        last = (self.offsets + self.lengths - 1)[song, None]
        return torch.minimum((self.offsets[song] + start)[:, None] + torch.arange(n), last).to(self.device)

    def _slice(self, rows: Tensor, semitones: Tensor) -> Tensor:
        """Spectrograms (batch, frames, bins), as many semitones (batch,) higher."""
        first = BINS * (UP - semitones)
        bins = first[:, None] + torch.arange(self.songs.n_bins, device=self.device)
        return self.data["values"][rows].gather(2, bins[:, None].expand(-1, rows.shape[1], -1)).float()

    def _targets(self, rows: Tensor, lengths: Tensor, semitones: Tensor) -> dict[str, Tensor]:
        outside = torch.arange(rows.shape[1], device=self.device) >= lengths[:, None]
        none = {"chord": self.songs.none, "bass": NO_BASS, "key": IGNORED}
        out = {k: rotated(self.data[k][rows], semitones, v).masked_fill(outside, IGNORED) for k, v in none.items()}
        place = (torch.arange(12, device=self.device) - semitones[:, None]) % 12
        tones = self.data["tones"][rows].gather(2, place[:, None].expand(-1, rows.shape[1], -1))
        change = self.data["change"][rows].float()
        return out | {"tones": tones.float(), "change": change, "known": out["chord"] != IGNORED}

    def _losses(self, said: ChordLogits, targets: dict[str, Tensor]) -> Tensor:
        s, known = self.settings, targets["known"]

        def classes(name: str, smoothing: float = 0.0) -> Tensor:
            logits, truth = getattr(said, name).flatten(0, 1), targets[name].flatten()
            return F.cross_entropy(logits, truth, ignore_index=IGNORED, label_smoothing=smoothing)

        tones = F.binary_cross_entropy_with_logits(said.tones[known], targets["tones"][known])
        change = F.binary_cross_entropy_with_logits(said.change[known], targets["change"][known])
        loss = classes("chord", s.label_smoothing) + s.weight_bass * classes("bass")
        loss = loss + s.weight_tones * tones + s.weight_change * change
        return loss + s.weight_key * classes("key") if (targets["key"] != IGNORED).any() else loss

    def _right(self, said: ChordLogits, targets: dict[str, Tensor]) -> list[int]:
        """Frames whose chord, root and bass are right."""
        known, none = targets["known"], self.songs.none
        root = lambda c: torch.where(c == none, 12, c % 12)  # noqa: E731
        said_chord, chord = said.chord.argmax(2)[known], targets["chord"][known]
        said_bass, bass = said.bass.argmax(2), targets["bass"]
        right = (said_bass == bass)[bass != IGNORED].double().mean() * len(chord)
        return [int((said_chord == chord).sum()), int((root(said_chord) == root(chord)).sum()), float(right)]

    def _augmented(self, x: Tensor) -> Tensor:
        """Random slopes, floors and masks on spectrograms (batch, frames, bins) in 0..1."""
        s, (n, frames, bins) = self.settings, x.shape
        slope = (torch.rand(n, 1, 1) * 2 - 1) * s.tilt * torch.linspace(-1, 1, bins)
        floor = torch.rand(n, 1, 1) * s.floor
        x = (x + (x > 0) * slope.to(x.device)).clamp(0, 1)
        x = (x - floor.to(x.device)).clamp_min(0) / (1 - floor.to(x.device))
        for masks, size, length, axis in (
            (s.time_masks, s.time_mask, frames, 1),
            (s.band_masks, s.band_mask, bins, 2),
        ):
            for _ in range(masks):
                width = torch.rand(n, 1) * size
                begin = torch.rand(n, 1) * (length - width)
                at = torch.arange(length)
                hidden = ((at >= begin) & (at < begin + width)).to(x.device)
                x = x.masked_fill(hidden[:, :, None] if axis == 1 else hidden[:, None], 0.0)
        return x
