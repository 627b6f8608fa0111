"""Decoding by ffmpeg, where it is installed: a program of its own, held on a short leash.

Its demuxer is named, by the file's first bytes, so that it never reads a playlist or a script; it may open the pipe
that it is given, or that one file; it runs on one thread, within bounds of memory and of what it writes, and it is
ended when it says nothing for a minute.
"""

import os
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from earmark.audio.layout import Layout
from earmark.audio.sndfile import BLOCK_S
from earmark.audio.source import AudioError, File

SEEKING = ("mov", "caf", "ape", "mpc", "mpc8", "aiff", "avi", "iff", "dsf")  # their index may stand at the end
PATIENCE_S = 60.0
LARGEST_BLOCK = 2**28  # bytes: one allocation, all of it, written to files
MEMORY = 2**31
MESSAGES = 2**20


def installed() -> str | None:
    """The program, None where there is none."""
    return shutil.which("ffmpeg")


class Ffmpeg:
    """An open recording. sample_rate: Hz; missing: what the container promises and lacks."""

    def __init__(self, file: File, layout: Layout):
        program = installed()
        if program is None:
            raise AudioError(f"it is {layout.name}, which needs ffmpeg; install ffmpeg, or convert it to FLAC or WAV")
        self.layout = layout
        self.missing = layout.missing
        self.notes = list(layout.notes)
        self.done = 0
        self._held = ExitStack()
        try:
            self._said = self._held.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 (closed by close)
            self._start(program, file)
            self.sample_rate, self.channels = self._header()
        except BaseException:
            self.close()
            raise

    def _start(self, program: str, file: File) -> None:
        given, protocol, source = self._given(file)
        command = [
            *(program, "-nostdin", "-hide_banner", "-v", "error", "-threads", "1", "-max_alloc", str(LARGEST_BLOCK)),
            *("-protocol_whitelist", protocol, "-f", self.layout.demuxer, "-i", source),
            *("-map", "0:a:0", "-threads", "1", "-protocol_whitelist", "pipe", "-f", "au", "-c:a", "pcm_f32be"),
            "pipe:1",
        ]
        streams = {"stdin": given, "stdout": subprocess.PIPE, "stderr": self._said}
        self._process = self._held.enter_context(_Ended(command, **streams))
        if sys.platform == "linux":
            import resource

            for kind, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_FSIZE, MESSAGES)):
                try:
                    resource.prlimit(self._process.pid, kind, (most, most))
                except ProcessLookupError:  # it has ended already
                    break

    def _given(self, file: File) -> tuple[int, str, str | bytes]:
        """What its standard input is, the protocol it may use, and what it opens."""
        if self.layout.demuxer not in SEEKING:
            if isinstance(file, bytes):
                return self._held.enter_context(_file_of(file)).fileno(), "pipe", "pipe:0"
            return self._held.enter_context(Path(file).open("rb")).fileno(), "pipe", "pipe:0"
        if isinstance(file, bytes):
            file = self._held.enter_context(_file_of(file)).name
        return subprocess.DEVNULL, "file", b"file:" + os.fsencode(os.path.abspath(file))

    def _header(self) -> tuple[int, int]:
        """Sample rate and channels, of the AU file that it writes."""
        head = self._read(24)
        if len(head) < 24 or head[:4] != b".snd":
            raise AudioError(f"it cannot be decoded as audio ({self._reason()})")
        start, _, _, rate, channels = (int.from_bytes(head[at : at + 4], "big") for at in range(4, 24, 4))
        self._read(start - 24)
        return rate, channels

    def blocks(self, limit: int | None) -> Iterator[np.ndarray]:
        """Blocks (n, channels) of float32, at most `limit` frames in all."""
        size = max(1, int(BLOCK_S * self.sample_rate))
        while limit is None or self.done < limit:
            wanted = size if limit is None else min(size, limit - self.done)
            data = self._read(wanted * self.channels * 4)
            n = len(data) // (4 * self.channels)
            if n:
                block = np.frombuffer(data, ">f4", n * self.channels).reshape(n, self.channels).astype(np.float32)
                self.done += n
                yield block
            if n < wanted:
                self._finish()
                return

    def _finish(self) -> None:
        if not self._process.wait():
            promised = self.layout.parts[0].promised
            if self.done < promised and not self.missing:
                self.missing = f"the header promises {promised / self.sample_rate:.2f} s"
            if (said := self._last_words()) and self.done != promised:  # behind all that was promised stand tags
                self.notes.append(f"ffmpeg reports: {said}")
        else:
            at = f"it breaks off after {self.done / self.sample_rate:.2f} s"
            raise AudioError(f"{at} ({self._reason()})" if self.done else f"it cannot be decoded ({self._reason()})")

    def _read(self, n: int) -> bytes:
        """n bytes of what it writes, fewer at the end."""
        parts, stdout = [], self._process.stdout
        while n > 0:
            if not select.select([stdout], [], [], PATIENCE_S)[0]:
                raise AudioError(
                    f"ffmpeg has given no output for {PATIENCE_S:g} s; convert the recording to FLAC or WAV"
                )
            data = os.read(stdout.fileno(), min(n, 2**20))
            if not data:
                break
            parts.append(data)
            n -= len(data)
        return b"".join(parts)

    def _last_words(self) -> str:
        """The last thing it said, '' when it said nothing."""
        self._said.seek(0)
        lines = [line for line in self._said.read().decode(errors="replace").splitlines() if line.strip()]
        return lines[-1].rpartition("] ")[2].rpartition(": ")[2].strip().rstrip(".") if lines else ""

    def _reason(self) -> str:
        ended = self._process.wait()
        return self._last_words() or f"ffmpeg exited with code {ended}"

    def close(self) -> None:
        """Let go of what it holds."""
        self._held.close()


class _Ended(subprocess.Popen):
    """A process that does not outlive its reader."""

    def __exit__(self, *failure: object) -> None:
        self.kill()
        super().__exit__(*failure)


def _file_of(data: bytes):
    """A temporary file of some bytes, which lie in memory and so bound it."""
    file = tempfile.NamedTemporaryFile(suffix=".audio")  # noqa: SIM115 (closed by the caller)
    file.write(data)
    file.flush()
    file.seek(0)
    return file
