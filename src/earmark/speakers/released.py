"""What a speaker bundle says of itself: thresholds and figures, measured with the very file that is released."""

import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from earmark import bundle, tracking
from earmark.errors import EarmarkError
from earmark.model_files import ModelConfig
from earmark.speakers import embed, evaluate, exams
from earmark.speakers.exams import Answers, Exam
from earmark.speakers.material import Material

Say = Callable[[str], None]


def facts(config: ModelConfig, data: bytes, heard: Material, tests: dict[str, Material], root: Path, say: Say) -> dict:
    """What is measured with a bundle of these bytes, as `bundle.pack` gives them, for its card and config.json.

    heard: what the model learnt from, with the validation speakers whose thresholds it carries. tests: by name,
    materials on whose test speakers it is judged, beside baselines that learn from the same. root: the folder below
    which their paths are files. say: told what makes trials easy. Raises EarmarkError without validation speakers.
    """
    with tempfile.TemporaryDirectory() as folder:
        bundle.write(Path(folder), config, data, "")
        found = measured(embed.Embedder(Path(folder)), heard, tests, root, say)
    train = heard.table[heard.table["split"] == "train"]
    found |= {"n_recordings": len(train), "n_speakers": int(train.label.nunique())}
    return found | {"commit": tracking.git_tags()["earmark.commit"]}


def measured(embedder: embed.Embedder, heard: Material, tests: dict[str, Material], root: Path, say: Say) -> dict:
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
        beside = evaluate.baselines(learnt, val.exam, test.exam, root)
        figures[name] = evaluate.figures(val, test, beside, heard.judged)
    return asdict(exams.carried(val)) | {"figures": figures}


def _answers(embedder: embed.Embedder, exam: Exam, heard: Material) -> Answers:
    return Answers(exam, embed.stored(embedder, exam.utterances, heard.store))
