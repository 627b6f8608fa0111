"""The evaluate stage."""

import json
from pathlib import Path

import numpy as np
import torch
from earmark.tasks.linear import dataset
from earmark.tasks.linear.predictions import trained

from earmark.data import manifest
from earmark.evaluation import listening, metrics, pictures
from earmark.training import model_files

MODEL = Path("models/linear")


def run(settings, root, out, warn) -> dict:
    """Judge the test split; its figures."""
    heard, (config, layer) = dataset.load(settings), trained(MODEL)
    test = heard.rows("test")
    said = layer(torch.from_numpy(heard.x[test])).argmax(1).numpy()
    right, table = said == heard.y[test], heard.table.iloc[test]
    draws = metrics.resamples(table.group.to_numpy(), settings.evaluate.bootstrap, settings.evaluate.seed)
    found = {"accuracy": float(right.mean()), "accuracy_ci95": metrics.interval(lambda r: right[r].mean(), draws)}
    found |= {"n_recordings": len(test), "test_manifest_sha256": manifest.digest(table)}
    found |= {"model_sha256": model_files.weights_sha256(MODEL)}
    (out / "plots").mkdir(parents=True, exist_ok=True)
    pictures.learning_curves(out / "plots/learning_curves.png", model_files.read_history(MODEL), config.best_epoch)
    answers = table[["path", "label"]].assign(predicted=np.array(heard.classes)[said])
    answers.to_parquet(out / "predictions.parquet", index=False)
    rows = answers[~right].itertuples(index=False)
    listening.write(out / "listening.html", "Mistakes", "", listening.table(answers.columns, rows))
    (out / "metrics.json").write_text(json.dumps(found, indent=2) + "\n")
    return found
