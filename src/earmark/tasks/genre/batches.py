"""What is particular to genres and sound classes: batches, loss, validation figures, and answers."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from earmark.nn.fused import fused
from earmark.tasks.genre.augment import Augment, between_frames, crop_rows
from earmark.tasks.genre.balance import balanced, class_weights
from earmark.tasks.genre.loss import frame_loss, song_loss
from earmark.tasks.genre.networks.song import SongModel
from earmark.tasks.genre.settings import ModelSettings, TrainSettings
from earmark.tasks.genre.windows import Windows
from earmark.training import loop as train

WINDOWS_AT_ONCE = 256  # in inference
FOLLOWED = 8  # windows of a recording that are judged after an epoch of random crops; evaluation judges them all


class DeviceWindows:
    """Windows on a device: a GPU gets the whole store, on a CPU it stays memory-mapped."""

    def __init__(self, windows: Windows, device: torch.device = torch.device("cpu")):  # noqa: B008
        self.windows, self.device = windows, device
        self.values = torch.from_numpy(windows.values).to(device)
        self.starts = torch.from_numpy(windows.starts).to(device)
        self.segment = torch.from_numpy(windows.segment).to(device)
        self.offsets = torch.from_numpy(windows.offsets).to(device)
        self.lengths = torch.from_numpy(windows.lengths).to(device)
        self.bounds = np.searchsorted(windows.segment, np.arange(len(windows.ids) + 1))

    def counts(self, recordings: np.ndarray) -> np.ndarray:
        """Windows of each of the recordings, (n,)."""
        return np.diff(self.bounds)[recordings]

    def gather(self, batch: Tensor) -> Tensor:
        """Windows by index (n,) -> (n, 1, bands, frames) float32 on the device."""
        rows = self.starts[batch.to(self.device), None] + torch.arange(self.windows.n_frames, device=self.device)
        return self.values[rows].float().mT.unsqueeze(1)

    def crops(self, recordings: Tensor, stretch: float) -> Tensor:
        """One random crop of each of the recordings (n,) -> (n, 1, bands, frames) float32 on the device."""
        recordings = recordings.to(self.device)
        rows = crop_rows(self.lengths[recordings], self.windows.n_frames, stretch)
        return between_frames(self.values, self.offsets[recordings], rows)

    def judge_crops(self, model: SongModel, recordings: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
        """Log-probabilities (n, classes) of one random crop of each of the recordings (n,), twice: a crop is a window,
        and all that is heard of its recording. And the crops' first frames (n,). All on the CPU."""
        which = torch.from_numpy(recordings).to(self.device)
        rows = crop_rows(self.lengths[which], self.windows.n_frames, stretch=0.0)
        parts = zip(self.offsets[which].split(WINDOWS_AT_ONCE), rows.split(WINDOWS_AT_ONCE), strict=True)
        pieces = (between_frames(self.values, *part) for part in parts)
        return *infer(model, pieces, torch.arange(len(which)), len(which)), rows[:, 0].long().cpu()

    def songs(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Recordings (m,) that windows (n,) belong to, ascending, and each window's place among them (n,)."""
        return torch.unique(self.segment[batch.to(self.device)], return_inverse=True)

    def predict(self, model: SongModel, recordings: np.ndarray) -> tuple[Tensor, Tensor]:
        """Log-probabilities (windows, classes), (recordings, classes) on the CPU; `recordings` ascending."""
        return self.judge(model, torch.from_numpy(self.windows.of(recordings)))

    def judge(self, model: SongModel, batch: Tensor) -> tuple[Tensor, Tensor]:
        """The same of windows (n,), ascending, and the recordings they belong to."""
        songs, segment = self.songs(batch)
        pieces = (self.gather(piece) for piece in batch.split(WINDOWS_AT_ONCE))
        return infer(model, pieces, segment, len(songs))

    def spread(self, recordings: np.ndarray, most: int) -> Tensor:
        """Indices (n,) of at most `most` windows of each recording, evenly spaced, its first and last among them."""
        counts, first = self.counts(recordings), self.bounds[recordings]
        parts = [np.unique(np.linspace(0, n - 1, min(n, most)).round()) for n in counts]
        return torch.from_numpy(np.concatenate([a + p for a, p in zip(first, parts, strict=True)]).astype(np.int64))


@torch.no_grad()
def infer(
    model: SongModel, pieces: Iterable[Tensor], segment: Tensor | None = None, n: int = 1
) -> tuple[Tensor, Tensor]:
    """Log-probabilities (windows, classes) and (n, classes) on the CPU, from windows that come in pieces.

    pieces: (k, 1, bands, frames) each, on the model's device; segment: (windows,) int64, 0..n-1, or None
    for windows of one recording.
    """
    model.eval()
    h = torch.cat([model.body(piece) for piece in pieces])
    segment = torch.zeros(len(h), dtype=torch.int64) if segment is None else segment
    by_window, by_song = model.answer(h, segment.to(h.device), n)
    return by_window.cpu(), by_song.cpu()


class GenreTask:
    """A model and the recordings it is trained and validated on, as the training loop wants them.

    train, val: (recordings,) int64 indices into `windows.ids`, ascending; val may be empty.
    frames_per_second, unit_db: of the features.
    """

    def __init__(
        self,
        windows: Windows,
        train: np.ndarray,
        val: np.ndarray,
        n_classes: int,
        model: ModelSettings,
        settings: TrainSettings,
        device: torch.device,
        frames_per_second: float = 100.0,
        unit_db: float = 15.0,
    ):
        self.data = DeviceWindows(windows, device)
        self.train = train
        self.val = val
        self.settings = settings
        self.labels = torch.from_numpy(windows.labels).to(device)
        self.augment = Augment(settings.augment, n_classes, frames_per_second, unit_db)
        # What an epoch draws from: recordings, or windows where the frame loss judges fixed ones.
        of_windows = settings.by_frame and settings.crops == "windows"
        units = windows.of(train) if of_windows else train
        self.units = torch.from_numpy(units)
        self.unit_labels = torch.from_numpy(windows.labels[windows.segment[units] if of_windows else units])
        labels = torch.from_numpy(windows.labels[train])
        self.weights = class_weights(labels, n_classes).to(device) if settings.balance == "weights" else None
        torch.manual_seed(settings.seed)
        shape = windows.values.shape[1], windows.n_frames, n_classes
        self.model = SongModel(*shape, model, settings.label_smoothing).to(device)

    def batches(self) -> Iterator[Tensor]:
        """An epoch's units (n,) batch by batch, in the order of torch's seeded generator."""
        sampled = self.settings.balance == "sampling"
        order = self.units[balanced(self.unit_labels) if sampled else torch.randperm(len(self.units))]
        yield from _without_single(order.split(self.settings.batch_size))

    def steps(self) -> int:
        """Batches of an epoch."""
        return max(
            1, -(-len(self.units) // self.settings.batch_size) - (len(self.units) % self.settings.batch_size == 1)
        )

    def examples(self, batch: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What the network sees of a batch: inputs (n, 1, bands, frames), targets (n, classes), the batch's
        recordings (m,), and each input's place among them (n,)."""
        if self.settings.crops == "random":
            songs = batch.to(self.data.device)
            segment = torch.arange(len(songs), device=songs.device)
            x = self.data.crops(songs, self.settings.augment.stretch)
        elif self.settings.by_frame:
            songs, segment = self.data.songs(batch)
            x = self.data.gather(batch)
        else:
            songs, windows, segment = self._windows_of(batch)
            x = self.data.gather(windows)
        return *self.augment(x, self.labels[songs[segment]]), songs, segment

    def loss(self, batch: Tensor) -> tuple[Tensor, int]:
        """The loss of one batch (scalar) and the number of examples it is a mean of."""
        x, targets, songs, segment = self.examples(batch)
        with train.autocast(self.data.device, self.settings.precision):
            by_window, by_song = self.model(x, segment, len(songs))
        if self.settings.by_frame:
            return frame_loss(by_window, targets, self.settings.label_smoothing, self.weights), len(targets)
        return song_loss(by_song, self.labels[songs], self.weights), len(songs)

    def names(self, batch: Tensor) -> list[str]:
        """Recordings that a batch draws on."""
        windows = self.data.windows
        by_window = self.settings.by_frame and self.settings.crops == "windows"
        return [windows.ids[i] for i in np.unique(windows.segment[batch.numpy()] if by_window else batch.numpy())]

    def validate(self, model: SongModel) -> dict[str, float]:
        """Loss as trained, and accuracy by recording, over the validation recordings; nothing without any."""
        if not len(self.val):
            return {}
        labels = self.labels.cpu()[torch.from_numpy(self.val)]
        with train.autocast(self.data.device, self.settings.precision):
            by_window, by_song, of_windows = self._judge(fused(model), labels)
        by_frame = self.settings.by_frame
        loss = (
            frame_loss(by_window, one_hot(of_windows, by_window.shape[1])) if by_frame else song_loss(by_song, labels)
        )
        accuracy = (by_song.argmax(1) == labels).double().mean()
        return {"val/loss": loss.item(), "val/accuracy": accuracy.item()}

    def _judge(self, model: SongModel, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log-probabilities of the validation's windows and recordings, and the windows' labels; labels: (val,)."""
        if self.settings.judged_on == "crop":
            by_window, by_song, _ = self.data.judge_crops(model, self.val)
            return by_window, by_song, labels
        windows = self.data.spread(self.val, FOLLOWED if self.settings.crops == "random" else len(self.data.starts))
        return *self.data.judge(model, windows), labels[self.data.songs(windows)[1].cpu()]

    def _windows_of(self, recordings: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The recordings (m,) ascending, all their windows (n,), and each window's place among the recordings (n,).

        A recording that was drawn twice is there twice.
        """
        recordings, bounds = recordings[self.data.counts(recordings.numpy()) > 0], self.data.bounds
        windows = [torch.arange(bounds[r], bounds[r + 1]) for r in recordings.tolist()]
        order = recordings.argsort(stable=True)
        place = order.argsort().repeat_interleave(torch.tensor([len(of) for of in windows]))
        device = self.data.device
        return recordings[order].to(device), torch.cat(windows), place.to(device)


def _without_single(parts: tuple[Tensor, ...]) -> Iterator[Tensor]:
    """Batches, but a last one of a single example joins the one before: batch normalisation needs two."""
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts = (*parts[:-2], torch.cat(parts[-2:]))
    yield from parts
