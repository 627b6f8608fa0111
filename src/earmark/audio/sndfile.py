"""Decoding by libsndfile, part by part."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import soundfile as sf

from earmark.audio import quiet
from earmark.audio.layout import ASKED, Layout, LayoutPart
from earmark.audio.pieces import SplicedFile
from earmark.audio.source import AudioError, Data, File

BLOCK_S = 2.5  # a recording of any length then takes little more memory than one of 2 s
ENDLESS = 2**60  # sample frames; what libsndfile says of a length that it does not know is more


class Sndfile:
    """An open recording. sample_rate: Hz; missing: what its parts promise and lack, once they are read."""

    def __init__(self, file: File, data: Data, layout: Layout):
        self.file = file
        self.data = data
        self.layout = layout
        self.first = self._open(layout.parts[0])
        self.sample_rate = self.first.samplerate
        self.channels = self.first.channels
        self.missing = layout.missing
        self.notes = list(layout.notes)

    def _quietly(self) -> AbstractContextManager[None]:
        prints = self.layout.name.startswith(("MPEG", "unknown"))
        return quiet.decoder() if prints else nullcontext()

    def close(self) -> None:
        """Close the file that is open."""
        self.first.close()

    def _open(self, part: LayoutPart) -> sf.SoundFile:
        if part.spans is not None or isinstance(self.file, bytes):
            source = SplicedFile(self.data, part.spans or (range(len(self.data)),))
        else:  # a descriptor: soundfile would read a name, its ending among others
            source = os.open(self.file, os.O_RDONLY)
        try:
            with self._quietly():
                return sf.SoundFile(source, closefd=True)
        except sf.SoundFileError as e:
            raise AudioError(f"it cannot be decoded as audio ({reason(e)})") from None

    def blocks(self, limit: int | None) -> Iterator[np.ndarray]:
        """Blocks (n, channels) of float32, at most `limit` frames in all."""
        done = 0
        for i, part in enumerate(self.layout.parts):
            file = self._open(part) if i else self.first
            with file:
                self._refuse_other(file)
                for block in self._part(file, part, None if limit is None else limit - done, done):
                    done += len(block)
                    yield block
            if limit is not None and done >= limit:
                return

    def _part(self, file: sf.SoundFile, part: LayoutPart, limit: int | None, before: int) -> Iterator[np.ndarray]:
        most = min(n for n in (limit, part.most, ENDLESS) if n is not None)
        size, n = max(1, int(BLOCK_S * self.sample_rate)), 0
        promised = file.frames if part.promised == ASKED else part.promised
        while n < most:
            try:
                with self._quietly():
                    block = file.read(min(size, most - n), dtype="float32", always_2d=True)
            except sf.SoundFileError as e:
                at = (before + n) / self.sample_rate
                raise AudioError(f"it breaks off after {at:.2f} s ({reason(e)})") from None
            if not len(block):
                if n < promised < ENDLESS and not self.missing:
                    self.missing = f"the header promises {promised / self.sample_rate:.2f} s"
                return
            n += len(block)
            yield block

    def _refuse_other(self, file: sf.SoundFile) -> None:
        mine, its = (self.sample_rate, self.channels), (file.samplerate, file.channels)
        if its != mine:
            forms = " and ".join(f"{rate} Hz with {n} channel{'s' * (n > 1)}" for rate, n in (mine, its))
            raise AudioError(f"it joins recordings of {forms}; split it, or convert it to one format")


def reason(error: Exception) -> str:
    """What the library says, without the file's name."""
    return str(error).split(": ", 1)[-1].strip().rstrip(".") or type(error).__name__
