"""A speaker bundle: thresholds and figures are measured with the very file that is written."""

import tempfile
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from earmark import bundle, tracking
from earmark.errors import EarmarkError
from earmark.model_files import ModelConfig
from earmark.speakers import embed, evaluate, exams
from earmark.speakers.exams import Answers, Exam
from earmark.speakers.material import Material

Say = Callable[[str], None]


def write(
    out: Path,
    config: ModelConfig,
    data: bytes,
    heard: Material,
    tests: dict[str, Material],
    root: Path,
    said: dict,
    card: Callable[[ModelConfig], str],
    say: Say,
) -> dict:
    """Write the bundle `out` of a model's bytes, as `bundle.pack` gives them. Returns the facts that its card states.

    heard: what it learnt from, with the validation speakers whose thresholds it carries. tests: by name, materials on
    whose test speakers it is judged, beside baselines that learn from the same. root: the folder below which their
    paths are files. said: facts that people state, as `about`. card: CARD.md of a config that has all facts. say: told
    what makes trials easy. Nobody's name goes into the file. Raises EarmarkError without validation speakers.
    """
    anonymous = replace(config, labels=[])
    with tempfile.TemporaryDirectory() as folder:
        bundle.write(Path(folder), anonymous, data, "")
        found = measured(embed.Embedder(Path(folder)), heard, tests, root, say)
    train = heard.table[heard.table["split"] == "train"]
    facts = {k: found[k] for k in ("threshold", "cluster_threshold")} | said
    facts |= {"commit": tracking.git_tags()["earmark.commit"]}
    facts |= {"n_recordings": len(train), "n_speakers": int(train.label.nunique()), "figures": found["figures"]}
    released = replace(anonymous, release=facts)
    bundle.write(out, released, data, card(released))
    return facts


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
