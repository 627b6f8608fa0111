"""earmark's own recogniser: `--python earmark=PYTHON --model FOLDER`."""

PACKAGES = ("torch", "numpy")


def load(folder):
    from pathlib import Path

    import torch

    from earmark.tasks.chord.predictions import Recogniser

    torch.set_num_threads(1)
    recognise = Recogniser(Path(folder))
    return lambda path: [segment[:3] for segment in recognise(Path(path)).segments]
