"""What a speaker bundle says of itself: thresholds and figures, measured with the very file that is released."""

import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from earmark.errors import EarmarkError
from earmark.release import bundle
from earmark.tasks.speaker import metrics, predictions
from earmark.tasks.speaker.dataset import Material
from earmark.tasks.speaker.trials import exams
from earmark.tasks.speaker.trials.exams import Answers, Exam
from earmark.training import provenance
from earmark.training.model_files import ModelConfig

Say = Callable[[str], None]


def facts(config: ModelConfig, data: bytes, heard: Material, tests: dict[str, Material], root: Path, say: Say) -> dict:
    """What is measured with a bundle of these bytes, as `bundle.pack` gives them, for its card and config.json.

    heard: what the model learnt from, with the validation speakers whose thresholds it carries. tests: by name,
    materials on whose test speakers it is judged, beside baselines that learn from the same. root: the folder below
    which their paths are files. say: told what makes trials easy. Raises EarmarkError without validation speakers.
    """
    with tempfile.TemporaryDirectory() as folder:
        bundle.write(Path(folder), config, data, "")
        found = measured(predictions.Embedder(Path(folder)), heard, tests, root, say)
    train = heard.table[heard.table["split"] == "train"]
    found |= {"n_recordings": len(train), "n_speakers": int(train.label.nunique())}
    return found | {"commit": provenance.git_tags()["earmark.commit"]}


def measured(embedder: predictions.Embedder, heard: Material, tests: dict[str, Material], root: Path, say: Say) -> dict:
    """Thresholds that validation speakers speak for, and by name of a test what the model and the baselines reach."""
    chosen_on = heard.exam("val")
    if chosen_on is None:
        raise EarmarkError(
            "A released speaker model carries thresholds, which are chosen on validation speakers, and there are none: "
            "set data.val_share above 0 and train again."
        )
    val = _answers(embedder, chosen_on, heard)
    learnt = exams.learnt(heard.table, heard.judged, heard.given)
    figures = {}
    for name, part in tests.items():
        test = _answers(embedder, part.exam("test", say), heard)
        beside = metrics.baselines(learnt, val.exam, test.exam, root)
        figures[name] = metrics.figures(val, test, beside, heard.judged)
    return asdict(exams.carried(val)) | {"figures": figures}


def _answers(embedder: predictions.Embedder, exam: Exam, heard: Material) -> Answers:
    return Answers(exam, predictions.stored(embedder, exam.utterances, heard.store))
