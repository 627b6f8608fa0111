"""What is particular to genres and sound classes: batches, loss, validation figures, and answers."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from earmark.features.windows import Windows
from earmark.losses import frame_loss, song_loss
from earmark.models.song import SongModel
from earmark.settings.training import ModelSettings, TrainSettings

WINDOWS_AT_ONCE = 256  # in inference


class DeviceWindows:
    """Windows on a device: a GPU gets the whole store, on a CPU it stays memory-mapped."""

    def __init__(self, windows: Windows, device: torch.device = torch.device("cpu")):  # noqa: B008
        self.windows, self.device = windows, device
        self.values = torch.from_numpy(windows.values).to(device)
        self.starts = torch.from_numpy(windows.starts).to(device)
        self.segment = torch.from_numpy(windows.segment).to(device)
        self.bounds = np.searchsorted(windows.segment, np.arange(len(windows.ids) + 1))

    def counts(self, recordings: np.ndarray) -> np.ndarray:
        """Windows of each of the recordings, (n,)."""
        return np.diff(self.bounds)[recordings]

    def gather(self, batch: Tensor) -> Tensor:
        """Windows by index (n,) -> (n, 1, bands, frames) float32 on the device."""
        rows = self.starts[batch.to(self.device), None] + torch.arange(self.windows.n_frames, device=self.device)
        return self.values[rows].float().mT.unsqueeze(1)

    def songs(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Recordings (m,) that windows (n,) belong to, ascending, and each window's place among them (n,)."""
        return torch.unique(self.segment[batch.to(self.device)], return_inverse=True)

    def predict(self, model: SongModel, recordings: np.ndarray) -> tuple[Tensor, Tensor]:
        """Log-probabilities (windows, classes), (recordings, classes) on the CPU; `recordings` ascending."""
        batch = torch.from_numpy(self.windows.of(recordings))
        pieces = (self.gather(piece) for piece in batch.split(WINDOWS_AT_ONCE))
        return infer(model, pieces, self.songs(batch)[1], len(recordings))


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

    train, val: (recordings,) int64 indices into `windows.ids`, ascending.
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
    ):
        self.data, self.train, self.val = DeviceWindows(windows, device), train, val
        self.level, self.batch_size = settings.loss, settings.batch_size
        self.labels = torch.from_numpy(windows.labels).to(device)
        self.train_windows = torch.from_numpy(windows.of(train))
        torch.manual_seed(settings.seed)
        self.model = SongModel(windows.values.shape[1], windows.n_frames, n_classes, model).to(device)

    def batches(self) -> Iterator[Tensor]:
        """Indices of windows (n,) of each batch of an epoch, in the order of torch's seeded generator."""
        if self.level == "frame":
            order = self.train_windows[torch.randperm(len(self.train_windows))]
            yield from _without_single(order.split(self.batch_size))
            return
        bounds = self.data.bounds
        for songs in _without_single(torch.randperm(len(self.train)).split(self.batch_size)):
            yield torch.cat([torch.arange(bounds[r], bounds[r + 1]) for r in self.train[songs.numpy()]])

    def loss(self, batch: Tensor) -> tuple[Tensor, int]:
        """The loss of one batch (scalar) and the number of examples it is a mean of."""
        songs, segment = self.data.songs(batch)
        kind = self.data.device.type
        with torch.autocast(kind, torch.bfloat16, enabled=kind == "cuda"):
            by_window, by_song = self.model(self.data.gather(batch), segment, len(songs))
        labels = self.labels[songs]
        if self.level == "frame":
            return frame_loss(by_window, segment, labels), len(batch)
        return song_loss(by_song, labels), len(songs)

    def names(self, batch: Tensor) -> list[str]:
        """Recordings that a batch draws on."""
        windows = self.data.windows
        return [windows.ids[i] for i in np.unique(windows.segment[batch.numpy()])]

    def validate(self) -> dict[str, float]:
        """Loss as trained, and accuracy by recording, over the validation recordings."""
        by_window, by_song = self.data.predict(self.model, self.val)
        labels = self.labels.cpu()[torch.from_numpy(self.val)]
        segment = torch.from_numpy(np.repeat(np.arange(len(self.val)), self.data.counts(self.val)))
        loss = frame_loss(by_window, segment, labels) if self.level == "frame" else song_loss(by_song, labels)
        accuracy = (by_song.argmax(1) == labels).double().mean()
        return {"val/loss": loss.item(), "val/accuracy": accuracy.item()}


def _without_single(parts: tuple[Tensor, ...]) -> Iterator[Tensor]:
    """Batches, but a last one of a single example joins the one before: batch normalisation needs two."""
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts = (*parts[:-2], torch.cat(parts[-2:]))
    yield from parts
