"""torchaudio's Python transforms, also where its compiled library does not load.

The wheel's library links CUDA and cannot load beside a CPU build of torch. Log-mel, MFCC, resampling
and masking are plain Python, so a stub in the library's place is enough for them. (load, save,
forced_align and rnnt_loss need the library and are not used by earmark.)
"""

import sys
import types


def _import():
    try:
        import torchaudio
    except (OSError, ImportError):
        for name in [m for m in sys.modules if m.split(".")[0] == "torchaudio"]:
            del sys.modules[name]  # what the failed import left behind
        stub = types.ModuleType("torchaudio._extension")
        stub._IS_TORCHAUDIO_EXT_AVAILABLE = False
        stub._IS_ALIGN_AVAILABLE = False
        stub.fail_if_no_align = lambda function: function
        sys.modules["torchaudio._extension"] = stub
        import torchaudio
    return torchaudio


torchaudio = _import()
