"""One recording -> blocks of feature frames, in memory that does not grow with its length."""

import tempfile
from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from earmark.audio import Source, read_blocks
from earmark.features.spectral import AMIN, AMIN_RELATIVE, Dct, MelPower, power_to_db
from earmark.settings.features import FeatureSettings

ROWS = 4096  # frames handled at once after the spectrum
SPOOL_BYTES = 64 * 2**20  # decibels of longer recordings wait on disk


def recording_frames(source: Source, settings: FeatureSettings) -> Iterator[np.ndarray]:
    """Blocks (n, n_bands) of float32 frames of one recording, as its settings say.

    A recording shorter than one window is repeated until it fills one. With `framing: window` the
    frames of window 0 come first, then all of window 1, and so on.
    """
    blocks = read_blocks(source, settings.sample_rate, settings.max_seconds)
    yield from samples_frames(blocks, settings)


@torch.inference_mode()
def samples_frames(blocks: Iterable[np.ndarray], settings: FeatureSettings) -> Iterator[np.ndarray]:
    """`recording_frames` from blocks (n,) of mono samples at the settings' sample rate."""
    with tempfile.SpooledTemporaryFile(SPOOL_BYTES) as spool:
        loudest = -np.inf
        for db in _decibels(_fill_window(blocks, settings.window_samples), settings):
            loudest = max(loudest, db.max().item())
            spool.write(db.numpy().tobytes())
        windows_floored = settings.framing == "window" and settings.normalize == "none"
        floor = -np.inf if windows_floored else loudest - settings.top_db
        mean, scale = _moments(spool, settings, floor)
        for db in _read(spool, settings.n_mels):
            frames = (db.clamp_min(floor) - mean) / scale
            yield (_dct(settings.n_mfcc, settings.n_mels)(frames) if settings.kind == "mfcc" else frames).numpy()


def _decibels(blocks: Iterable[np.ndarray], settings: FeatureSettings) -> Iterator[Tensor]:
    """Blocks (n, n_mels) of unfloored decibels; a window framed by itself is floored by itself."""
    amin = AMIN if settings.normalize == "none" else AMIN_RELATIVE
    if settings.framing == "recording":
        margin = np.zeros(settings.n_fft // 2, np.float32)  # centred frames, as librosa pads them
        for piece in sliding(_chain(margin, blocks, margin), settings.n_fft, settings.hop_length):
            yield power_to_db(_mel(settings, center=False)(torch.from_numpy(piece)), amin).T.contiguous()
        return
    size, hop = settings.window_samples, settings.window_hop_samples
    for piece in sliding(blocks, size, hop):
        db = power_to_db(_mel(settings, center=True)(torch.from_numpy(piece).unfold(0, size, hop)), amin)
        if settings.normalize == "none":
            db = torch.maximum(db, db.amax(dim=(1, 2), keepdim=True) - settings.top_db)
        yield db.mT.reshape(-1, settings.n_mels)


def sliding(blocks: Iterable[np.ndarray], size: int, hop: int) -> Iterator[np.ndarray]:
    """Regroup blocks (n, ...) so that each piece holds whole windows of `size` rows every `hop` rows.

    Cutting all pieces into windows gives exactly the windows of the whole.
    """
    tail = None
    for block in blocks:
        tail = block if tail is None else np.concatenate([tail, block])
        n = (len(tail) - size) // hop + 1
        if n > 0:
            yield tail[: (n - 1) * hop + size]
            tail = tail[n * hop :]


def _fill_window(blocks: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """The blocks; a signal shorter than `size` samples is repeated up to it."""
    held, n = [], 0
    for block in blocks:
        if n >= size:
            yield block
            continue
        held.append(block)
        n += len(block)
        if n >= size:
            yield np.concatenate(held)
    if 0 < n < size:
        yield np.resize(np.concatenate(held), size)


def _chain(first: np.ndarray, blocks: Iterable[np.ndarray], last: np.ndarray) -> Iterator[np.ndarray]:
    yield first
    yield from blocks
    yield last


def _moments(spool, settings: FeatureSettings, floor: float) -> tuple[float, float]:
    """Mean and deviation of the floored decibels of a recording; (0, 1) where nothing is normalised."""
    if settings.normalize == "none":
        return 0.0, 1.0
    n = total = squares = 0.0
    for db in _read(spool, settings.n_mels):
        db = db.clamp_min(floor).double()
        n += db.numel()
        total += db.sum().item()
        squares += db.square().sum().item()
    mean = total / n
    return mean, max(np.sqrt(max(squares / n - mean**2, 0.0)), 1e-3)


def _read(spool, n_mels: int) -> Iterator[Tensor]:
    spool.seek(0)
    while data := spool.read(ROWS * n_mels * 4):
        yield torch.frombuffer(bytearray(data), dtype=torch.float32).view(-1, n_mels)


@lru_cache(maxsize=8)
def _mel(settings: FeatureSettings, center: bool) -> MelPower:
    return MelPower(settings, center)


@lru_cache(maxsize=8)
def _dct(n_mfcc: int, n_mels: int) -> Dct:
    return Dct(n_mfcc, n_mels)
