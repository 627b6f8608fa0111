"""One recording -> blocks of feature frames, in memory that does not grow with its length."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from earmark.audio import Source, read_blocks
from earmark.features.rows import Rows
from earmark.features.settings import FeatureSettings
from earmark.features.spectral import AMIN, AMIN_RELATIVE, Dct, MelPower, power_to_db

AT_ONCE = 2**20  # samples, half a minute or more


def recording_frames(source: Source, settings: FeatureSettings) -> Iterator[np.ndarray]:
    """Blocks (n, n_bands) of float32 frames of one recording, as its settings say.

    A recording shorter than one window is filled up to one. With `framing: window` the frames of
    window 0 come first, then all of window 1, and so on.
    """
    blocks = read_blocks(source, settings.sample_rate, settings.max_seconds)
    yield from samples_frames(blocks, settings)


def samples_frames(blocks: Iterable[np.ndarray], settings: FeatureSettings) -> Iterator[np.ndarray]:
    """`recording_frames` from blocks (n,) of mono samples at the settings' sample rate."""
    with spooled(blocks, settings) as frames:
        yield from frames


def together(blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Blocks (n,) of samples as blocks of at least AT_ONCE of them but for the last.

    Decoding and transforming each drive the other's data out of the processor's cache: taking turns less often saves a
    tenth of their time.
    """
    held, n = [], 0
    for block in blocks:
        held.append(block)
        n += len(block)
        if n >= AT_ONCE:
            yield np.concatenate(held)
            held, n = [], 0
    if held:
        yield np.concatenate(held)


@contextmanager
def spooled(blocks: Iterable[np.ndarray], settings: FeatureSettings) -> "Iterator[Frames]":
    """The same, to be read as often as wanted until it is left; the samples are read at once."""
    blocks = together(blocks)
    if settings.fill != "pad_log":
        blocks = _fill_window(blocks, settings.window_samples, settings.fill)
    with Rows() as rows:
        peaks = bytearray()  # one block that grows; many small ones would keep the heap from shrinking
        for db in _decibels(blocks, settings):
            peaks += db.amax(1).numpy().tobytes()
            rows.append(db.numpy())
        yield Frames(rows, np.frombuffer(peaks, np.float32), settings)


class Frames:
    """The frames of one recording, which wait on disk as decibels; iterated over, blocks (n, n_bands) of float32.

    rows: (frames, n_mels) unfloored decibels. peaks: (frames,), the loudest band of each.
    """

    def __init__(self, rows: Rows, peaks: np.ndarray, settings: FeatureSettings):
        self.rows = rows
        self.peaks = peaks
        self.settings = settings
        self.sound = _sounding(peaks, settings.trim_db)
        windows_floored = settings.framing == "window" and settings.normalize == "none"
        floored = settings.log_floor == "top_db" and not windows_floored
        self.floor = float(peaks.max() - settings.top_db) if floored else -np.inf
        self.mean, self.scale = _moments(rows, self.sound, settings, self.floor)

    @property
    def trimmed(self) -> bool:
        """Whether quiet ends are left out."""
        return len(self.sound) < len(self.peaks)

    def untrimmed(self) -> "Frames":
        """The same with quiet ends."""
        return Frames(self.rows, self.peaks, replace(self.settings, trim_db=None))

    @torch.inference_mode()
    def __iter__(self) -> Iterator[np.ndarray]:
        s = self.settings
        for db in _fill_log(_tiled(self.rows, self.sound, len(self.peaks)), s):
            frames = (db.clamp_min(self.floor) - self.mean) / self.scale
            yield (_dct(s.n_mfcc, s.n_mels)(frames) if s.kind == "mfcc" else frames).numpy()


def _sounding(peaks: np.ndarray, trim_db: float | None) -> range:
    """The frames from the first to the last that reach `trim_db` below the loudest; all of them for None."""
    if trim_db is None:
        return range(len(peaks))
    loud = peaks >= peaks.max() - trim_db
    return range(int(loud.argmax()), len(loud) - int(loud[::-1].argmax()))


@torch.inference_mode()
def _decibels(blocks: Iterable[np.ndarray], settings: FeatureSettings) -> Iterator[Tensor]:
    """Blocks (n, n_mels) of unfloored decibels; a window framed by itself is floored by itself."""
    amin = AMIN if settings.normalize == "none" else AMIN_RELATIVE
    if settings.framing == "recording":
        centred = PADDED[settings.padding](blocks, settings.n_fft // 2)
        for piece in sliding(centred, settings.n_fft, settings.hop_length):
            power = _mel(settings, center=False)(torch.from_numpy(piece))
            yield (power_to_db(power, amin) if settings.log_floor == "top_db" else _log(power, settings)).T.contiguous()
        return
    size, hop = settings.window_samples, settings.window_hop_samples
    for piece in sliding(blocks, size, hop):
        db = power_to_db(_mel(settings, center=True)(torch.from_numpy(piece).unfold(0, size, hop)), amin)
        if settings.normalize == "none":
            db = torch.maximum(db, db.amax(dim=(1, 2), keepdim=True) - settings.top_db)
        yield db.mT.reshape(-1, settings.n_mels)


def _log(power: Tensor, settings: FeatureSettings) -> Tensor:
    """log(power) without a floor; `zero` writes 0 for minus infinity, as the article on sound CNNs does."""
    log = power.log()
    return torch.where(log.isneginf(), 0.0, log) if settings.log_floor == "zero" else log


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


def _fill_window(blocks: Iterable[np.ndarray], size: int, how: str) -> Iterator[np.ndarray]:
    """The blocks; a signal shorter than `size` samples is repeated up to it, or silence put on both sides."""
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
        whole = np.concatenate(held)
        yield np.resize(whole, size) if how == "tile" else np.pad(whole, _both_sides(size - n))


def _fill_log(blocks: Iterable[Tensor], settings: FeatureSettings) -> Iterator[Tensor]:
    """Blocks (n, n_mels); `pad_log` puts rows of 0 on both sides of a recording shorter than a window."""
    if settings.fill != "pad_log":
        yield from blocks
        return
    held, n = [], 0
    for block in blocks:
        n += len(block)
        held.append(block)
        if n >= settings.window_frames:
            yield from held
            held = []
    if n < settings.window_frames:
        before, after = _both_sides(settings.window_frames - n)
        yield torch.nn.functional.pad(torch.cat(held), (0, 0, before, after))


def _both_sides(n: int) -> tuple[int, int]:
    """n as two halves, the smaller first, as the article on sound CNNs deals them."""
    return n // 2, n - n // 2


def zeros_around(blocks: Iterable[np.ndarray], n: int) -> Iterator[np.ndarray]:
    """Blocks of samples with n zeros before and after."""
    margin = np.zeros(n, np.float32)
    yield margin
    yield from blocks
    yield margin


def mirrored_around(blocks: Iterable[np.ndarray], n: int) -> Iterator[np.ndarray]:
    """Blocks of samples with n more before and after, as torch's `reflect` pads: the edge itself is not repeated.

    A signal of n samples or fewer, which torch refuses, is mirrored over and over.
    """
    rest, head = iter(blocks), np.empty(0, np.float32)
    while len(head) <= n and (block := next(rest, None)) is not None:
        head = np.concatenate([head, block])
    if len(head) <= n:
        yield np.pad(head, n, mode="reflect")
        return
    yield head[n:0:-1].copy()
    yield head
    tail = head[-n - 1 :]
    for block in rest:
        yield block
        tail = np.concatenate([tail, block])[-n - 1 :]
    yield tail[-2::-1].copy()


PADDED = {"zeros": zeros_around, "reflect": mirrored_around}


def _moments(spool: Rows, rows: range, settings: FeatureSettings, floor: float) -> tuple[float, float]:
    """What is taken from the floored decibels of these frames, and what they are divided by."""
    if settings.normalize == "none":
        return 0.0, 1.0
    n = total = squares = 0.0
    for block in spool.blocks(rows):
        db = torch.from_numpy(block).clamp_min(floor).double()
        n += db.numel()
        total += db.sum().item()
        if settings.normalize != "level":
            squares += db.square().sum().item()
    mean = total / n
    if settings.normalize == "level":
        return mean, settings.unit_db
    return mean, max(np.sqrt(max(squares / n - mean**2, 0.0)), 1e-3)


def _tiled(spool: Rows, rows: range, n: int) -> Iterator[Tensor]:
    """Blocks of these rows of the spool, repeated up to n rows."""
    while n > 0:
        for block in spool.blocks(rows[:n]):
            n -= len(block)
            yield torch.from_numpy(block)


@lru_cache(maxsize=8)
def _mel(settings: FeatureSettings, center: bool) -> MelPower:
    return MelPower(settings, center)


@lru_cache(maxsize=8)
def _dct(n_mfcc: int, n_mels: int) -> Dct:
    return Dct(n_mfcc, n_mels)
