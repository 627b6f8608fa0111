"""The card of a version: what it states, that nothing in it acts, that it is made once and a person's words stay."""

import json
import platform
import re
import shutil
from dataclasses import replace
from importlib.metadata import version as installed
from pathlib import Path

import pandas as pd
import pytest
from markdown_it import MarkdownIt
from mlflow.exceptions import MlflowException
from scipy.stats import binomtest

from bundles import config, small_speaker_bundle, weights
from earmark.console import printable
from earmark.registry import cards, tracking
from earmark.registry.published import Published
from earmark.release.inert import APART
from earmark.tasks import catalog
from earmark.training import model_files
from stores import NAME, TASK, version

READER = MarkdownIt("commonmark", {"html": True}).enable("table")
NASTY = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "a|b `c` [x](javascript:alert(1))",
    "![x](https://a.example/p.png)\n# two",
]
CLASSES = ("high", "low", "noise")
PLACES = (Path("data/genre"), Path("models/genre"), Path("reports/genre"))
ROOT = "audio|of `me` <b>"
FIGURES = {
    "accuracy": 0.75,
    "accuracy_ci95": [0.4, 0.95],
    "ece": 0.1,
    "baseline_accuracy": 0.875,
    "ci95_methods": {"Gaffke's bound over groups": ["accuracy"], "bootstrap over groups": ["ece"]},
    "n_recordings": 8,
    "n_groups": 4,
    "test_manifest_sha256": "7" * 64,
    "model_sha256": "8" * 64,
}


def write_project(labels: list[str]) -> None:
    """What the stages leave for a genre model with these labels, in the present folder."""
    data, model, reports = PLACES
    settings = replace(config(), labels=labels, hashes={"train_key": "k" * 64, "code_sha256": "c" * 64})
    model_files.write(model, settings, weights(config()), [{"epoch": 1, "val/loss": 1.0}], "layers\n")
    rows = [
        (f"{label}/{i}.wav", label, f"g{i // 2}", 2.0 + i, 8000 if i else 16000, 1, 0.5 / (1 + i), str(i) * 4, split)
        for label in labels
        for i, split in enumerate(("train", "train", "val", "test", "test"))
    ]
    columns = ["path", "label", "group", "duration_s", "sample_rate", "channels", "peak", "sha256", "split"]
    data.mkdir(parents=True)
    pd.DataFrame(rows, columns=columns).to_csv(data / "manifest.csv", index=False)
    (reports / "plots").mkdir(parents=True)
    (reports / "plots/confusion.png").write_bytes(b"png")
    said = [(label, labels[0] if i else label) for label in labels for i in range(2)]
    table = pd.DataFrame(said, columns=["label", "recording_predicted"]).assign(window=0)
    table["group"] = [f"g{i}" for i in range(len(table))]
    table.to_parquet(reports / "predictions.parquet")


@pytest.fixture
def attach(project):
    """Gives version 1 its card, and returns (description, card, version)."""
    tracker = tracking.connect("genre")
    number = version(tracker)
    client = tracker.client

    def run(labels=CLASSES, found=FIGURES, dvc=None):
        if not PLACES[0].exists():
            write_project(list(labels))
        there = client.get_model_version(NAME, number)
        (PLACES[2] / "metrics.json").write_text(json.dumps(found))
        cards.attach(tracker, TASK, there, there.run_id, Published(*PLACES, {}, dvc or {}))
        now = client.get_model_version(NAME, number)
        text = Path(client.download_artifacts(now.run_id, "card/CARD.md", str(project))).read_text()
        return now.description, text, now

    run.tracker = tracker
    return run


def rows(text: str, heading: str) -> list[list[str]]:
    """Cells of the first table below a heading, without its head."""
    lines = text.split(f"\n## {heading}\n")[1].split("\n## ")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("|")][2:]


def numbers(cell: str) -> list[float]:
    """Those of a cell such as '0.500 [0.013, 0.987]'."""
    return [float(number) for number in re.findall(r"[\d.]+", cell)]


def test_a_card_states_figures_data_and_lineage(attach):
    attach.tracker.client.set_tag(attach()[2].run_id, "earmark.commit", "f" * 40)
    attach.tracker.client.set_tag(attach()[2].run_id, "earmark.dirty", "true")
    _, card, _ = attach(dvc={"models/genre": "d" * 32 + ".dir"})
    assert card.startswith("# earmark-genre version 1\n\nA model of genres or classes of sounds. It tells 3 classes")
    assert "**Accuracy, by recording: 0.750 [0.400, 0.950]** on 8 test recordings of 4 groups;" in card
    assert "Baselines: a logistic regression on MFCC statistics 0.875." in card
    assert "**A baseline is better than the model: a logistic regression on MFCC statistics has accuracy 0.875" in card
    assert "Intervals: 95 %, Gaffke's bound over groups; of ece: bootstrap over groups." in card
    assert ["accuracy, by recording", "0.750", "0.400 to 0.950"] in rows(card, "Figures")
    for cells, name, right, others in zip(
        rows(card, "By class"), CLASSES, (2, 1, 1), ("", "high 1", "high 1"), strict=True
    ):
        assert [*cells[:2], cells[3]] == [name, "2", others]
        exact = binomtest(right, 2).proportion_ci(method="exact")
        assert numbers(cells[2]) == pytest.approx([right / 2, exact.low, exact.high], abs=0.02)
    assert rows(card, "Data") == [
        ["train", "6", "1", "3", "0.2"],  # 2 and 3 s of three labels
        ["val", "3", "1", "3", "0.2"],
        ["test", "6", "2", "3", "0.6"],
    ]
    assert "the shortest lasts 2.00 s, the median 2.50 s, the longest 3.00 s." in card
    assert "Peaks lie from -12.0 to -6.0 dBFS" in card  # 20 log10 of 1/4 and 1/2
    assert rows(card, "What it was trained on") == [["16,000 Hz", "1", "3"], ["8,000 Hz", "1", "3"]]
    lineage = dict(rows(card, "Lineage"))
    assert lineage["commit"] == f"`{'f' * 40}`, with changes that are in no commit"
    made = ", ".join(f"{name} {installed(name)}" for name in ("earmark", "torch", "numpy", "mlflow"))
    assert lineage["made with"] == f"{made}, python {platform.python_version()}"
    assert (lineage["train key"], lineage["DVC: models/genre"]) == (f"`{'k' * 64}`", f"`{'d' * 32}.dir`")
    assert "](confusion.png)" in card
    assert 'mlflow.pyfunc.load_model("models:/earmark-genre/1")' in card


def test_the_description_is_what_is_read_first(attach):
    description, _, made = attach()
    what, figure, link, *_ = description.split("\n\n")
    assert what == "A model of genres or classes of sounds. It tells 3 classes apart: high, low, noise."
    assert figure.startswith("**Accuracy, by recording: 0.750 [0.400, 0.950]** on 8 test recordings of 4 groups")
    place = f"#/experiments/{attach.tracker.experiment_id}/runs/{made.run_id}/artifacts/card/CARD.md"
    assert link == f"[The whole card]({place}?workflowType=machine_learning)"
    assert made.tags["earmark.card"] == f"runs:/{made.run_id}/card/CARD.md"


def test_a_description_fits_where_there_are_many_labels(attach):
    description, card, _ = attach(labels=[f"label_{i:04d}" for i in range(600)])
    assert len(description) < 5000
    assert ", and more.\n\n**Accuracy" in description
    assert r"label\_0599" in card


def test_nothing_in_a_card_acts(attach):
    description, card, _ = attach(labels=NASTY)
    for text in (description, card):
        tokens = [t for block in READER.parse(text) for t in (block, *(block.children or ()))]
        assert not [t.content for t in tokens if t.type in ("html_inline", "html_block")]
        links = [t.attrs["href"] for t in tokens if t.type == "link_open"]
        pictures = [t.attrs["src"] for t in tokens if t.type == "image"]
        assert all(link.startswith("#/experiments/") for link in links)
        assert set(pictures) <= {"confusion.png"}
    shown = "".join(t.content for block in READER.parse(card) for t in block.children or ()).replace(APART, "")
    for label in NASTY:
        assert printable(label) in shown
    headings = [line for line in card.splitlines() if line.startswith("#")]
    assert not [line for line in headings if "two" in line]


def test_a_folder_s_name_does_nothing_either(attach, project):
    run_id = attach()[2].run_id
    attach.tracker.client.log_param(run_id, "data.root", ROOT)
    attach.tracker.client.log_param(run_id, "data.source", "folder")
    (project / ROOT).mkdir()
    (project / ROOT / "LICENSE.txt").write_text("\n<script>CC BY 4.0</script>\nmore\n")
    card = attach()[1]
    assert r"folder audio\|of \`me\` &lt;b&gt;; recordings: their folder's licence file begins with" in card
    assert "“&lt;script&gt;CC BY 4.0&lt;/script&gt;”" in card
    assert "<b>" not in card.split("```yaml")[0]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"data.source": "demo", "data.root": "audio"}, "generated by earmark, free of other people's rights"),
        ({"data.source": "folder", "data.root": "nowhere"}, "licence not stated"),
        ({}, "licence not stated"),
    ],
)
def test_licences_are_what_is_known(project, params, said):
    assert cards.licence(params).startswith(said)


def test_the_same_card_is_written_once(attach, monkeypatch):
    before = attach()
    tracker = attach.tracker
    monkeypatch.setattr(tracker.client, "log_text", lambda *args: pytest.fail("written again"))
    assert attach()[:2] == before[:2]


def test_another_evaluation_and_a_deleted_card_are_made_anew(attach, project):
    _, _, made = attach()
    description, card, _ = attach(found=FIGURES | {"accuracy": 0.5})
    assert "0.500" in description
    assert "0.500 [0.400, 0.950]" in card
    shutil.rmtree(next((project / "mlartifacts").rglob("card")))
    with pytest.raises((MlflowException, OSError)):
        attach.tracker.client.download_artifacts(made.run_id, "card/CARD.md")
    assert attach(found=FIGURES | {"accuracy": 0.5})[1] == card


def test_what_a_person_wrote_stays(attach):
    _, _, made = attach()
    attach.tracker.client.update_model_version(NAME, made.version, "Ours, for the festival.")
    description, card, _ = attach(found=FIGURES | {"accuracy": 0.5})
    assert description == "Ours, for the festival."
    assert "0.500 [0.400, 0.950]" in card


def test_an_evaluation_of_an_earlier_release_has_a_card(attach):
    attach()
    shutil.rmtree(PLACES[0])
    PLACES[0].mkdir()
    (PLACES[0] / "manifest.csv").write_text("x")
    (PLACES[2] / "predictions.parquet").unlink()
    found = {"accuracy": 0.75, "accuracy_ci95": [0.4, 0.95], "test_manifest_sha256": "7" * 64}
    card = attach(found=found)[1]
    assert "## By class" not in card
    assert "| split |" not in card
    assert "**Accuracy, by recording: 0.750 [0.400, 0.950]**;" in card
    assert "## Calibration\n\nIt was not measured." in card


def test_a_speaker_card_has_trials_lengths_and_thresholds(tmp_path):
    small_speaker_bundle(tmp_path / "model", ("a", "b"), threshold=0.5, cluster_threshold=0.25)
    plots = tmp_path / "reports/plots"
    plots.mkdir(parents=True)
    (plots / "eer_by_duration.csv").write_text("from_s,to_s,same,different,eer\n1.0,2.5,8,9,0.125\n")
    found = {"n_speakers": 2, "n_utterances": 5, "n_same_trials": 8, "n_different_trials": 9, "eer": 0.1}
    task = catalog.task("speaker")
    from earmark.tasks import model_folder

    said = task.room("card").said(model_folder.read_config(tmp_path / "model"), tmp_path / "reports", found)
    assert said.what.startswith("A speaker model, trained on 2 speakers.")
    assert said.measured == "2 speakers, 5 utterances, 8 trials of one speaker and 9 of two."
    assert "| 1 to 2.5 s | 8 | 9 | 0.125 |" in said.tables[0]
    assert said.calibration.startswith("Two utterances are said to be of one speaker from a cosine of 0.500 on")


def test_a_chord_card_has_a_row_a_quality(tmp_path):
    from earmark.tasks.chord import card

    rows = [("7(*5,b5)", 12.4, 0.5, 0.25, float("nan"), 1.0)]
    found = pd.DataFrame(rows, columns=["quality", "seconds", "root", "majmin", "tetrads", "bass"])
    assert card.by_quality(found).splitlines()[-1] == r"| 7(\*5,b5) | 12 | 0.500 | 0.250 |  | 1.000 |"
    facts = {"figure": "tetrads", "part": ["7(*5,b5)", "7(*5,b5)", "maj"], "group": list("aab")}
    shares = pd.DataFrame(facts | {"right": [1.0, 2.0, 9.0], "weight": [4.0, 8.0, 9.0]})
    cell = card.by_quality(found, shares).splitlines()[-1].split(" | ")[4]
    assert numbers(cell)[0] == 0.25
    assert numbers(cell)[1] < 0.25 < numbers(cell)[2]


def test_a_task_of_ones_own_without_a_card_has_one(attach, monkeypatch):
    monkeypatch.setattr(cards, "find_spec", lambda name: None)
    _, card, _ = attach()
    assert "A model of the task genre." in card
    assert ["accuracy", "0.750", "0.400 to 0.950"] in rows(card, "Figures")
