"""The train stage, by earmark's own loop."""

from dataclasses import asdict

import torch
from earmark.tasks.linear.networks import Layer
from torch.nn.functional import cross_entropy

from earmark.nn import describe
from earmark.training import key, loop, model_files


def hashes(dataset, model, settings) -> dict[str, str]:
    """The train key and what it is made of."""
    rows = dataset.table[["path", "label", "split"]]
    return key.hashes("earmark.tasks.linear.train", [model, settings], dataset.store_sha256, rows)


class Batches:
    """The whole training split at every step."""

    def __init__(self, dataset, model, settings):
        self.dataset = dataset
        self.train = dataset.rows("train")
        self.val = dataset.rows("val")
        self.x, self.y = torch.from_numpy(dataset.x), torch.from_numpy(dataset.y)
        torch.manual_seed(settings.seed)
        self.model = Layer(len(dataset.classes), model.bias)
        self.model.mean[:] = self.x[self.train].mean(0)
        self.model.deviation[:] = self.x[self.train].std(0).clamp_min(1e-6)

    def batches(self):
        yield torch.from_numpy(self.train)

    def steps(self) -> int:
        return 1

    def loss(self, batch):
        return cross_entropy(self.model(self.x[batch]), self.y[batch]), len(batch)

    def names(self, batch) -> list[str]:
        return list(self.dataset.table.path.iloc[batch.tolist()])

    @torch.no_grad()
    def validate(self, model) -> dict[str, float]:
        said = model(self.x[self.val])
        right = (said.argmax(1) == self.y[self.val]).double().mean()
        return {"val/loss": cross_entropy(said, self.y[self.val]).item(), "val/accuracy": right.item()}


def run(dataset, model, settings, out, checkpoint=None, on_start=None, on_epoch=None):
    """Train, and write the model folder."""
    batches = Batches(dataset, model, settings)
    fit = loop.fit(batches, settings, checkpoint, on_start, on_epoch)
    size = describe.count(batches.model)
    found = hashes(dataset, model, settings)
    features = {"max_seconds": 60.0}
    config = model_files.ModelConfig(
        "linear", dataset.classes, features, asdict(model), asdict(settings), found, int(fit.best_epoch), size
    )
    model_files.write(out, config, fit.weights, fit.history, f"{batches.model}\n")
    return batches, fit
