"""The evaluate stage."""

import json
from pathlib import Path

import numpy as np
import torch
from earmark.tasks.linear import dataset
from earmark.tasks.linear.predictions import trained

from earmark.data import manifest
from earmark.evaluation import metrics, outcomes, pictures
from earmark.evaluation.listening import page
from earmark.evaluation.listening.clips import Clips
from earmark.features import store
from earmark.training import model_files

MODEL = Path("models/linear")


def run(settings, root, out, warn) -> dict:
    """Judge the test split; its figures."""
    heard, (config, layer) = dataset.load(settings), trained(MODEL)
    test = heard.rows("test")
    said = layer(torch.from_numpy(heard.x[test])).argmax(1).numpy()
    right, table = said == heard.y[test], heard.table.iloc[test]
    found = figures(table, right, MODEL, settings.evaluate)
    (out / "plots").mkdir(parents=True, exist_ok=True)
    shown = {"history": model_files.read_history(MODEL), "average": config.train["average"]}
    pictures.learning_curves(out / "plots/learning_curves.png", best_epoch=config.best_epoch, **shown)
    answers = table[["path", "label"]].assign(predicted=np.array(heard.classes)[said])
    answers.to_parquet(out / "predictions.parquet", index=False)
    page.write(out / "listening.html", heard_report(answers, table.duration_s, root))
    (out / "metrics.json").write_text(json.dumps(found, indent=2) + "\n")
    outcomes.write(out, of(table, right))
    return found


def heard_report(answers, durations, root):
    """Every recording with its sound, the mistakes first."""
    clips = Clips("mel")
    rows = []
    recordings = []
    order = (answers.label == answers.predicted).argsort(kind="stable")
    for i, (path, label, said) in enumerate(answers.iloc[order].itertuples(index=False)):
        clip, seconds = clips.place(path, [root / path], 0.0, 5.0), float(durations.iloc[order.iloc[i]])
        recordings.append(page.ReportRecording(path, [path], label, seconds, clip))
        rows.append(page.ReportRow([i], "recording", label, said, label == said, None, 0.0))
    kinds = {"recording": "test recordings"}
    return page.ListeningReport("linear", "Mistakes", [], [], kinds, recordings, rows, clips.made)


def of(table, right):
    """Outcomes of answers that are right or not."""
    rows = table.rename(columns={"path": "recording"})
    return outcomes.shares("accuracy", rows, right.astype(float), 1.0, rows.label)


def figures(table, right, model, settings) -> dict:
    """Of answers that are right or not, one a row."""
    draws = metrics.resamples(table.group.to_numpy(), settings.bootstrap, settings.seed)
    found = {"accuracy": float(right.mean()), "accuracy_ci95": metrics.interval(lambda r: right[r].mean(), draws)}
    found |= {"n_recordings": len(table), "test_manifest_sha256": manifest.digest(table)}
    return found | {"model_sha256": model_files.weights_sha256(model)}


def evaluate_model(model, table, features, settings) -> tuple:
    """Figures and outcomes of any model's folder on the rows of a table."""
    (config, layer), kept = trained(model), store.load(features)
    x = torch.from_numpy(np.concatenate([kept.frames(path) for path in table.path]))
    said = np.array(config.labels)[layer(x).argmax(1).numpy()]
    right = said == table.label.to_numpy()
    return figures(table, right, model, settings), of(table, right)
