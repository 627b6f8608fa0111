"""A labelled folder from elsewhere, generated sounds say, judged by a trained model; real test figures beside it."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from earmark import manifest, metrics, model_folder
from earmark.audio import AudioError
from earmark.datasets import folder
from earmark.errors import EarmarkError, nearest
from earmark.predict import Answer, Predictor
from earmark.resolve import Chosen

BOOTSTRAP, SEED = 1000, 1
COMPARED = ("accuracy", "macro_f1", "ece")


def recordings(root: Path, labels: list[str], warn: Callable[[str], None]) -> pd.DataFrame:
    """The manifest of a labelled folder. Raises EarmarkError for a label that a model of `labels` cannot give."""
    if not root.is_dir():
        raise EarmarkError(f"There is no folder {root}; name one with a sub-folder a label, or with manifest.csv.")
    table = folder.read(root, warn)
    unknown = sorted(set(table.label) - set(labels))
    if unknown:
        n, hint = int((table.label == unknown[0]).sum()), nearest(unknown[0], labels)
        known = "" if hint.startswith("known") else f" Known are: {', '.join(labels)}."
        raise EarmarkError(
            f"{root} has {n} recording{'s' * (n != 1)} of '{unknown[0]}', which the model does not know; {hint}{known}"
        )
    return table


def judge(
    table: pd.DataFrame, root: Path, predictor: Predictor, progress: Callable
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Answers for a manifest's recordings, and those that cannot be used.

    Returns (predictions, unusable): the first with one row a window and the columns of `evaluate.predict`, the
    second with path and reason. Raises EarmarkError when nothing can be used.
    """
    files = {line: manifest.inside(root, path, line) for line, path in table.path.items()}
    answered, unusable = [], []
    for row in progress(table.itertuples(), len(table), "judging recordings"):
        try:
            answered.append(_rows(row, predictor(files[row.Index])))
        except FileNotFoundError:
            unusable.append({"path": row.path, "reason": "the file does not exist"})
        except (AudioError, OSError) as e:
            unusable.append({"path": row.path, "reason": getattr(e, "strerror", None) or str(e)})
    if not answered:
        first = unusable[0]
        raise EarmarkError(f"No recording of {root} can be used; the first is {first['path']}: {first['reason']}.")
    return pd.concat(answered, ignore_index=True), pd.DataFrame(unusable, columns=["path", "reason"])


def _rows(row, answer: Answer) -> pd.DataFrame:
    by_window, by_song = answer.window_probabilities, answer.probabilities
    labels = np.array(answer.labels)
    columns = {
        "recording": row.path,
        "window": np.arange(len(by_window)),
        "start_s": answer.starts_s,
        "label": row.label,
        "group": row.group,
        "predicted": labels[by_window.argmax(1)],
        "probability": by_window.max(1),
        "recording_predicted": answer.label,
        "recording_probability": by_song.max(),
    }
    columns |= {f"p_{c}": by_window[:, i] for i, c in enumerate(labels)}
    columns |= {f"recording_p_{c}": by_song[i] for i, c in enumerate(labels)}
    return pd.DataFrame(columns)


def figures(predictions: pd.DataFrame, classes: list[str]) -> dict:
    """Accuracy, macro F1 and calibration error by recording, with intervals by bootstrap over groups."""
    songs = predictions[predictions["window"] == 0]
    y, answer = (songs[c].map(classes.index).to_numpy() for c in ("label", "recording_predicted"))
    confidence = songs.recording_probability.to_numpy()
    of = {
        "accuracy": lambda r: np.mean(answer[r] == y[r]),
        "macro_f1": lambda r: metrics.macro_f1(answer[r], y[r]),
        "ece": lambda r: metrics.ece(confidence[r], answer[r] == y[r]),
    }
    draws = metrics.resamples(songs.group.to_numpy(), BOOTSTRAP, SEED)
    out = {}
    for name, figure in of.items():
        out[name] = float(figure(np.arange(len(songs))))
        out[f"{name}_ci95"] = metrics.interval(figure, draws)
    return out | {"n_recordings": len(songs), "n_groups": int(songs.group.nunique())}


def by_class(predictions: pd.DataFrame) -> dict[str, dict]:
    """Of every label that occurs: n recordings, recall, and `taken_for`: wrong answers by number, most first."""
    songs = predictions[predictions["window"] == 0]
    out = {}
    for label, rows in songs.groupby("label"):
        wrong = rows.recording_predicted[rows.recording_predicted != label].value_counts()
        taken_for = dict(sorted(wrong.items(), key=lambda kn: (-kn[1], kn[0])))
        out[label] = {"n": len(rows), "recall": 1 - len(rows[rows.recording_predicted != label]) / len(rows)}
        out[label] |= {"taken_for": {k: int(n) for k, n in taken_for.items()}}
    return out


def real(model: Path, reports: Path, tracker=None) -> dict | None:
    """Figures of the same weights on their real test set, with `from`: where they were found; None when unknown.

    Looked for in `reports`/metrics.json, in the released bundle's config.json, and in the tracker's runs.
    """
    sha256 = model_folder.weights_sha256(model)
    if (reports / "metrics.json").exists():
        found = json.loads((reports / "metrics.json").read_text())
        if found.get("model_sha256") == sha256:
            return _compared(found) | {"from": f"the test set of {reports / 'metrics.json'}"} | _recall(reports)
    if released := model_folder.read_config(model).release.get("figures"):
        return _compared(released) | {"from": "the recipe's cross-validation, as the bundle's card says"}
    runs = tracker.find({"earmark.model_sha256": sha256, "earmark.kind": "pipeline"}) if tracker else []
    logged = next((r.data.metrics for r in runs if "test/accuracy" in r.data.metrics), None)
    return logged and _from_run(logged)


def _compared(found: dict) -> dict:
    names = [n for n in COMPARED if n in found]
    return {n: found[n] for n in names} | {f"{n}_ci95": found[f"{n}_ci95"] for n in names}


def _recall(reports: Path) -> dict:
    path = reports / "predictions.parquet"
    if not path.exists():  # DVC's cache holds it; metrics.json alone is committed
        return {}
    return {"recall": {label: row["recall"] for label, row in by_class(pd.read_parquet(path)).items()}}


def _from_run(logged: dict) -> dict:
    found = {}
    for name in (n for n in COMPARED if f"test-ci95/{n}_low" in logged):
        found[name] = logged[f"test/{name}"]
        found[f"{name}_ci95"] = [logged[f"test-ci95/{name}_{end}"] for end in ("low", "high")]
    return found | {"from": "the test set that its MLflow run was evaluated on"}


def differences(found: dict, beside: dict) -> dict:
    """Figures less the real ones, with intervals; the recordings differ, so nothing is paired."""
    out = {}
    for name in (n for n in COMPARED if n in beside):
        ours, theirs = found[f"{name}_ci95"], beside[f"{name}_ci95"]
        out[name] = found[name] - beside[name]
        out[f"{name}_ci95"] = metrics.difference_interval(found[name], ours, beside[name], theirs)
    return out


def summary(
    table: pd.DataFrame, root: Path, chosen: Chosen, predictions: pd.DataFrame, unusable: pd.DataFrame, beside: dict
) -> dict:
    """What score.json says: figures, classes, what was left out, the model, and the real figures beside (or None)."""
    usable = table[~table.path.isin(unusable.path)]
    found = figures(predictions, model_folder.read_config(chosen.folder).labels)
    found |= {"by_class": by_class(predictions), "unusable": unusable.to_dict("records")}
    found |= {"score_manifest_sha256": digest(usable, root)}
    found |= {"model": chosen.name, "model_sha256": model_folder.weights_sha256(chosen.folder)}
    return found | ({"real": beside, "difference": differences(found, beside)} if beside else {})


def digest(table: pd.DataFrame, root: Path) -> str:
    """The hash of a scored set: every usable recording's content, label and group (`manifest.digest`)."""
    sums = []
    for path in table.path:
        with (root / path).open("rb") as file:
            sums.append(hashlib.file_digest(file, "sha256").hexdigest())
    return manifest.digest(table.assign(sha256=sums))


def write(out: Path, predictions: pd.DataFrame, found: dict, classes: list[str]) -> None:
    """score.json, predictions.parquet and confusion.png below `out`."""
    from earmark import report

    out.mkdir(parents=True, exist_ok=True)
    predictions.to_parquet(out / "predictions.parquet", index=False)
    (out / "score.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    report.confusion(out / "confusion.png", predictions, classes)


def log(tracker, out: Path, found: dict, source: Path) -> str:
    """A finished run of kind `score` with the figures and the files below `out`; its id."""
    from earmark import tracking

    facts = {k: found[k] for k in ("model_sha256", "score_manifest_sha256")}
    params = {"folder": str(source), "model": found["model"]}
    run_id = tracker.create(f"score-{source.resolve().name}", tracking.run_tags("score", facts), params)
    tracker.log(run_id, tracking.numbers("score", found))
    if "difference" in found:
        tracker.log(run_id, tracking.numbers("score-minus-test", found["difference"]))
    for name in ("score.json", "predictions.parquet", "confusion.png"):
        tracker.client.log_artifact(run_id, str(out / name))
    tracker.client.set_terminated(run_id, "FINISHED")
    return run_id
