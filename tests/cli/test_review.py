"""`earmark review`: a report's labels as a file, and the marks in it put into force."""

import pytest
import yaml
from typer.testing import CliRunner

from builders import data_settings, small_folder
from earmark.cli import app
from earmark.data import marks, review
from earmark.data.marks import Mark
from earmark.errors import EarmarkError
from earmark.evaluation.listening import page
from earmark.tasks.genre.corpora import CORPORA
from project import REPOSITORY

SHIPPED = (REPOSITORY / "params.yaml").read_text()


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A project whose genre is a folder, with the listening report of two recordings."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "params.yaml").write_text(SHIPPED)
    small_folder(tmp_path / "audio")
    monkeypatch.chdir(project)
    run("use", "genre", "../audio")
    path = project / "reports/genre/listening.html"
    path.parent.mkdir(parents=True)
    files = ["low/0.wav", "high/1.wav"]
    recordings = [page.ReportRecording(file, [file], file.partition("/")[0], 1.5) for file in files]
    rows = [page.ReportRow([i], "song", "low", "high", i == 0, 0.5, 0.5, doubt) for i, doubt in enumerate((0.1, 0.9))]
    kinds = {"song": "recordings"}
    page.write(
        path, page.ListeningReport("genre", "", [], [], kinds, recordings, rows, [], None, [], "label", "mel", "share")
    )
    return project


def run(*words: str) -> str:
    """stdout of a command; an EarmarkError is raised as it is."""
    done = CliRunner().invoke(app.app, words)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def data(project) -> dict:
    return yaml.safe_load((project / "params.yaml").read_text())["tasks"]["genre"]["data"]


def test_out_writes_every_label_most_doubtful_first(here):
    said = run("review", "genre", "--out", "review.csv")
    sha256 = review.fingerprint(CORPORA, data_settings(), here.parent / "audio")
    assert marks.read(here / "review.csv") == [
        Mark("high/1.wav", "high", manifest_sha256=sha256),
        Mark("low/0.wav", "low", manifest_sha256=sha256),
    ]
    assert "review.csv has 2 labels, the most doubtful first." in said
    assert "`earmark review genre --apply review.csv`" in said
    with pytest.raises(
        EarmarkError, match=r"^review\.csv already exists, and may contain marks; name another file with --out"
    ):
        run("review", "genre", "--out", "review.csv")


def marked(here, **said) -> None:
    """Somebody corrects the first label of the file."""
    run("review", "genre", "--out", "review.csv")
    first, *others = marks.read(here / "review.csv")
    marks.write(here / "review.csv", [Mark(**vars(first) | said), *others])


def test_apply_makes_a_manifest_and_points_params_at_it(here):
    before = (here / "params.yaml").read_text()
    marked(here, status="corrected", corrected="low", by="Ada", at="2026-01-02")
    said = run("review", "genre", "--apply", "review.csv")
    rows = (here.parent / "audio/manifest.reviewed-1.csv").read_text().splitlines()
    assert [row for row in rows if row.startswith("high/1.wav")] == [
        "high/1.wav,low,high0,corrected,Ada,2026-01-02,high"
    ]
    assert data(here)["manifest"] == "manifest.reviewed-1.csv"
    kept = (here / "params.yaml").read_text().splitlines()
    assert [line for line in kept if "manifest: manifest.reviewed" not in line] == before.splitlines()
    assert "1 label corrected; unchanged, for lack of a mark: 17 recordings." in said
    assert "params.yaml now has data.source: folder, data.manifest: manifest.reviewed-1.csv in tasks.genre." in said
    assert said.endswith("Next: `dvc repro publish@genre`, then `dvc metrics diff`.\n")
    with pytest.raises(EarmarkError, match="the manifest has changed since this review was written; write a new one"):
        run("review", "genre", "--apply", "review.csv")
    run("use", "genre", "../audio")
    assert (here / "params.yaml").read_text() == before


def test_what_prepare_would_refuse_by_what_was_dealt_is_not_applied(here):
    """The record has high's groups in val and test alone, so that nothing would be learnt of that label."""
    marked(here, status="corrected", corrected="low")
    before = (here / "params.yaml").read_text()
    deal = ",".join(str(data(here)[key]) for key in ("seed", "test_share", "val_share"))
    splits = {"low": ("val", "train", "test"), "high": ("test", "val", "test"), "noise": ("test", "val", "train")}
    rows = [f"{label}{i},{split},{deal}" for label, of in splits.items() for i, split in enumerate(of)]
    (here / "splits").mkdir()
    (here / "splits/genre.csv").write_text("\n".join(["group,split,seed,test_share,val_share", *rows]))
    with pytest.raises(
        EarmarkError,
        match=r"^The review was not applied, .*: According to splits/genre\.csv, no recording of 'high' is in train",
    ):
        run("review", "genre", "--apply", "review.csv")
    assert (here / "params.yaml").read_text() == before
    assert [path.name for path in (here.parent / "audio").glob("*.csv")] == ["manifest.csv"]


def test_what_is_refused_leaves_params_as_they_are(here):
    before = (here / "params.yaml").read_text()
    run("review", "genre", "--out", "review.csv")
    with pytest.raises(EarmarkError, match=r"^review.csv has no marks yet"):
        run("review", "genre", "--apply", "review.csv")
    assert (here / "params.yaml").read_text() == before


@pytest.mark.parametrize("words", [[], ["--out", "a.csv", "--apply", "b.csv"]])
def test_one_of_two_is_said(here, words):
    with pytest.raises(
        EarmarkError, match=r"^Give either --out FILE or --apply FILE, as in `earmark review genre --out FILE`.$"
    ):
        run("review", "genre", *words)


def test_a_task_that_there_is_not(here):
    with pytest.raises(EarmarkError, match="There is no task 'gender'; did you mean 'genre'"):
        run("review", "gender", "--out", "a.csv")


def test_the_demos_folder_is_refused_under_any_source(here):
    marked(here, status="wrong")
    text = SHIPPED.replace("source: demo", "source: folder")
    (here / "params.yaml").write_text(text)
    with pytest.raises(EarmarkError, match=r"^The demo's recordings are generated.* copy the folder"):
        run("review", "genre", "--apply", "review.csv")
    assert (here / "params.yaml").read_text() == text
