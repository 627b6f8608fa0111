"""Answers from a model folder."""

from pathlib import Path

import torch
from earmark.tasks.linear.networks import Layer
from earmark.tasks.linear.settings import LayerSettings, StatisticsSettings

from earmark.audio import Source
from earmark.features.statistics import mfcc_statistics
from earmark.training import model_files


def trained(folder: Path):
    """The settings of a model folder and its layer."""
    config = model_files.read_config(folder, StatisticsSettings, LayerSettings)
    layer = Layer(len(config.labels), config.model.bias)
    layer.load_state_dict(model_files.read_weights(folder))
    return config, layer.eval()


def answering(folder: Path):
    """What the model of a folder says of one recording."""
    config, layer = trained(folder)

    def answer(source: Source) -> dict[str, str]:
        x = torch.from_numpy(mfcc_statistics(source, config.features.max_seconds)).float()
        return {"label": config.labels[int(layer(x[None]).argmax())]}

    return answer
