"""Speech from eSpeak NG (https://github.com/espeak-ng/espeak-ng, GPL-3), which `espeakng_loader` brings as a library.

The library keeps its state in globals, for the whole process: one `Espeak` a process, one thread, and what it says
depends a little (flutter, breath) on all it said before. A fresh process that says the same in the same order makes
the same samples; so whoever wants the same bytes again speaks in a process of its own.
"""

import ctypes
from pathlib import Path

import numpy as np

from earmark.errors import EarmarkError

SYNCHRONOUS = 2  # of espeak_AUDIO_OUTPUT in speak_lib.h: samples go to the callback, no sound card is touched
UTF8 = 1
PARAMETERS = {"rate": 1, "pitch": 3, "range": 4, "gap": 7}  # of espeak_PARAMETER
Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Espeak:
    """The synthesiser of this process; `sample_rate` is in Hz."""

    def __init__(self, seed: int = 0):
        self._library, data = _load()
        self._variants = Path(data, "voices/!v")
        self._blocks: list[np.ndarray] = []
        self._callback = Callback(self._receive)  # the library keeps its address alone: it must live as long as we do
        self.sample_rate = self._library.espeak_Initialize(SYNCHRONOUS, 0, data.encode(), 0)
        if self.sample_rate <= 0:
            raise EarmarkError(f"eSpeak NG cannot read its data in {data}; reinstall espeakng-loader.")
        self._library.espeak_SetSynthCallback(self._callback)
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(seed))  # else the time of day

    def say(self, text: str, voice: str, pitch: int, range: int, rate: int, gap: int) -> np.ndarray:
        """A text in a voice, as in 'en-us+f2': float32 samples (n,) at `sample_rate`.

        pitch, range: 0 to 99, the voice's own at 50. rate: words a minute. gap: added between words, about 10 ms
        each at 170 words a minute.
        Raises ValueError for a voice that eSpeak NG does not have.
        """
        variant = voice.partition("+")[2]  # eSpeak takes its plain voice where it lacks a variant, and does not say so
        known = not variant or (self._variants / variant).is_file()
        if not known or self._library.espeak_SetVoiceByName(voice.encode()):
            raise ValueError(f"eSpeak NG has no voice '{voice}'")
        for name, value in (("rate", rate), ("pitch", pitch), ("range", range), ("gap", gap)):
            self._library.espeak_SetParameter(PARAMETERS[name], value, 0)
        self._blocks.clear()
        raw = text.encode()
        self._library.espeak_Synth(raw, ctypes.c_size_t(len(raw) + 1), 0, 0, 0, UTF8, None, None)
        self._library.espeak_Synchronize()
        return np.concatenate([np.zeros(0, np.int16), *self._blocks]).astype(np.float32) / 32768

    def _receive(self, samples, n: int, events) -> int:
        if samples and n:
            self._blocks.append(np.ctypeslib.as_array(samples, (n,)).copy())
        return 0


def _load() -> tuple[ctypes.CDLL, str]:
    """The library and the folder of its data."""
    try:
        import espeakng_loader

        return ctypes.CDLL(espeakng_loader.get_library_path()), espeakng_loader.get_data_path()
    except ImportError:
        raise EarmarkError("Demo voices need eSpeak NG: `pip install '.[demo]'` in earmark's clone.") from None
    except (OSError, RuntimeError) as e:
        raise EarmarkError(f"eSpeak NG cannot be loaded ({e}); reinstall espeakng-loader.") from None
