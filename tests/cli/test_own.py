"""`earmark use` and `earmark init`: one task pointed at a folder, a project of one's own."""

import re
import shutil
import subprocess
import sys

import pytest
import yaml
from typer.testing import CliRunner

from builders import small_folder, tone
from earmark.cli import app
from earmark.errors import EarmarkError
from earmark.pipeline import new_project
from project import REPOSITORY, Project
from voice_audio import voices

SHIPPED = (REPOSITORY / "params.yaml").read_text()


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A project's folder with the shipped params.yaml; recordings lie beside it."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "params.yaml").write_text(SHIPPED)
    small_folder(tmp_path / "audio")
    monkeypatch.chdir(project)
    return project


def run(*words: str) -> str:
    """stdout of a command; an EarmarkError is raised as it is."""
    done = CliRunner().invoke(app.app, words)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def changed(project) -> list[str]:
    """Lines of params.yaml that are not the shipped ones, without their comments."""
    lines = zip((project / "params.yaml").read_text().splitlines(), SHIPPED.splitlines(), strict=True)
    return [one.partition(" #")[0].strip() for one, other in lines if one != other]


def test_use_writes_source_and_an_absolute_root_and_nothing_else(here):
    said = run("use", "genre", "../audio")
    assert changed(here) == ["source: folder", f"root: {here.parent / 'audio'}"]
    assert f"params.yaml now has data.source: folder, data.root: {here.parent / 'audio'} in tasks.genre." in said
    assert "dvc repro publish@genre" in said
    assert "already" in run("use", "genre", "../audio")


def test_use_says_what_the_folder_holds(here):
    said = run("use", "genre", str(here.parent / "audio"))
    assert "18 recordings, 0.5 minutes in all: the shortest lasts 1.50 s" in said
    assert "Files: 18 WAV 8 kHz mono." in said
    assert "Groups: 9, for 18 recordings; " in said


def test_use_expands_the_home_folder(here, monkeypatch):
    monkeypatch.setenv("HOME", str(here.parent))
    run("use", "genre", "~/audio")
    assert f"root: {here.parent / 'audio'}" in changed(here)


def test_use_goes_back_to_the_demo(here):
    run("use", "genre", "../audio")
    run("use", "genre", "--source", "demo")
    assert (here / "params.yaml").read_text() == SHIPPED


def test_use_names_another_manifest_and_takes_it_away_again(here):
    rows = (here.parent / "audio/manifest.csv").read_text().splitlines()
    (here.parent / "audio/mine.csv").write_text("\n".join(rows[:-1]))
    said = run("use", "genre", "../audio", "--manifest", "mine.csv")
    assert "17 recordings" in said
    root = here.parent / "audio"
    assert (
        f"params.yaml now has data.source: folder, data.root: {root}, data.manifest: mine.csv in tasks.genre." in said
    )
    found = yaml.safe_load((here / "params.yaml").read_text())["tasks"]["genre"]["data"]
    shipped = yaml.safe_load(SHIPPED)["tasks"]["genre"]["data"]
    assert found == shipped | {"source": "folder", "root": str(here.parent / "audio"), "manifest": "mine.csv"}
    assert "18 recordings" in run("use", "genre", "../audio")
    assert changed(here) == ["source: folder", f"root: {here.parent / 'audio'}"]
    run("use", "genre", "../audio", "--manifest", "mine.csv")
    run("use", "genre", "--source", "demo")
    assert (here / "params.yaml").read_text() == SHIPPED


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["genre", "../nothing"], "There is no folder .*nothing; name the one that holds your recordings"),
        (["genre"], "Name the folder of your recordings"),
        (["genre", ".."], "holds this project itself"),
        (["genre", "../audio", "--source", "demo"], "The demo has its own folder"),
        (["genre", "../audio", "--source", "esc51"], "The source 'esc51' does not have a label"),
        (["gender", "../audio"], "There is no task 'gender'; did you mean 'genre'"),
        (["genre", "../audio", "--manifest", "mine.csv"], r"holds no mine.csv, which tasks\.\*\.data\.manifest names"),
        (["genre", "../audio", "--manifest", "low/mine.csv"], "manifest must be the plain name of a file in data.root"),
        (["genre", "--source", "demo", "--manifest", "a.csv"], "manifest applies to source folder alone; remove"),
        (["genre", "../empty"], "holds neither manifest.csv nor sub-folders with audio"),
    ],
)
def test_use_refuses_in_one_sentence_and_writes_nothing(here, words, says):
    (here.parent / "empty").mkdir()
    with pytest.raises(EarmarkError, match=says):
        run("use", *words)
    assert (here / "params.yaml").read_text() == SHIPPED


def test_use_recognises_a_public_corpus(here):
    """Folders of official folds with a table elsewhere: ESC-50's own layout."""
    corpus = here.parent / "ESC-50"
    for name in ("meta", "audio"):
        (corpus / name).mkdir(parents=True)
    small_folder(corpus / "scratch")
    sounds = sorted((corpus / "scratch").rglob("*.wav"))
    rows = ["filename,fold,target,category,esc10,src_file,take"]
    for i, sound in enumerate(sounds):
        sound.rename(corpus / "audio" / f"{i}.wav")
        rows.append(f"{i}.wav,{1 + i % 3},0,{'dog' if i % 2 else 'cat'},True,{i},A")
    (corpus / "meta/esc50.csv").write_text("\n".join(rows))
    shutil.rmtree(corpus / "scratch")
    with pytest.raises(EarmarkError, match=r"test_fold to one of fold1, fold2, fold3.*--test-fold"):
        run("use", "genre", str(corpus), "--source", "esc50")
    run("use", "genre", str(corpus), "--source", "esc50", "--test-fold", "fold1")
    assert changed(here) == ["source: esc50", f"root: {corpus}", "test_fold: fold1"]


def test_use_says_which_public_corpus_a_folder_may_be(here):
    """The layout of Ballroom has no sub-folders of labels at the top, and its list names the recordings."""
    corpus = here.parent / "ballroom"
    (corpus / "BallroomData/Tango").mkdir(parents=True)
    tone(corpus / "BallroomData/Tango/one.wav")
    (corpus / "BallroomData/allBallroomFiles").write_text("./Tango/one.wav\n")
    (corpus / "manifest.csv").write_text("path,label\n")
    with pytest.raises(EarmarkError, match=r"a public corpus: `earmark use genre .*ballroom --source ballroom`"):
        run("use", "genre", str(corpus))


def test_use_outside_of_a_project_says_how_to_start_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EarmarkError, match="start a project with `earmark init FOLDER`"):
        run("use", "genre", ".")


def test_a_recipe_brings_features_network_and_training(here):
    """Blocks are taken over whole, the data's keys one by one; other tasks stay as they are."""
    recipe = REPOSITORY / "recipes/speaker.yaml"
    voices(here.parent / "voices", 12)
    said = run("use", "speaker", "../voices", "--recipe", str(recipe))
    asked, found = yaml.safe_load(recipe.read_text()), yaml.safe_load((here / "params.yaml").read_text())
    shipped = yaml.safe_load(SHIPPED)
    task = found["tasks"]["speaker"]
    assert {name: task[name] for name in ("features", "model", "train")} == {
        name: asked[name] for name in ("features", "model", "train")
    }
    wanted = shipped["tasks"]["speaker"]["data"] | {
        "source": "folder",
        "root": str(here.parent / "voices"),
        "trials": 5000,
    }
    assert task["data"] == wanted
    assert found["tasks"]["chord"] == shipped["tasks"]["chord"]
    assert f"The settings of {recipe} are now in params.yaml: features, model, train of tasks.speaker." in said


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("task: chord\n", "small.yaml is not a recipe for genre: its task is chord; name another file."),
        ("features: {}\n", "small.yaml is not a recipe for genre: it has no key 'task'"),
        ("task: genre\nmodel: cnn\n", "small.yaml: model must hold keys and values, not 'cnn'."),
        ("task: genre\nmodels: {}\n", "small.yaml: unknown key 'models'; did you mean 'model'?"),
        ("task: genre\nfeatures: {hop: 3}\n", "small.yaml: unknown key 'tasks.genre.features.hop'"),
        ("task: [\n", "small.yaml is not valid YAML"),
    ],
)
def test_what_is_no_recipe_is_refused_before_anything_is_written(here, text, sentence):
    (here / "small.yaml").write_text(text)
    with pytest.raises(EarmarkError, match=re.escape(sentence)):
        run("use", "genre", "../audio", "--recipe", "small.yaml")
    with pytest.raises(EarmarkError, match=r"There is no file none.yaml; name a recipe, such as recipes/chord.yaml"):
        run("use", "genre", "../audio", "--recipe", "none.yaml")
    assert changed(here) == []


def test_init_makes_a_project_of_one_task_without_earmarks_source(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = run("init", "mine", "--task", "speaker")
    assert "earmark use speaker FOLDER" in said
    found = yaml.safe_load((tmp_path / "mine/params.yaml").read_text())
    assert found == {
        "demo": new_project.shipped_params()["demo"],
        "tasks": {"speaker": new_project.shipped_params()["tasks"]["speaker"]},
    }
    stages = yaml.safe_load((tmp_path / "mine/dvc.yaml").read_text())["stages"]
    assert stages["code"] == {
        "desc": "Hash the source that every stage runs, and see which demo data is used.",
        "cmd": "earmark code",
        "always_changed": True,
        "outs": ["code.json"],
    }
    assert {k: v for k, v in stages.items() if k != "code"} == {
        k: v for k, v in yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"].items() if k != "code"
    }
    assert (tmp_path / "mine/.git").is_dir()
    assert not (tmp_path / "mine/src").exists()


def test_init_keeps_the_plots_and_artifacts_of_its_tasks(tmp_path):
    new_project.make(tmp_path / "mine", ["speaker"])
    shipped = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())
    found = yaml.safe_load((tmp_path / "mine/dvc.yaml").read_text())
    assert found["plots"] == [part for part in shipped["plots"] if "speaker" in str(part)]
    assert len(found["plots"]) == 4
    assert found["artifacts"] == {"speaker": shipped["artifacts"]["speaker"]}
    assert (tmp_path / "mine/.dvc/plots.html").read_bytes() == (REPOSITORY / ".dvc/plots.html").read_bytes()


def test_init_keeps_the_text_of_the_blocks_it_takes(tmp_path):
    new_project.make(tmp_path / "all", ["chord", "genre", "speaker"])
    assert (tmp_path / "all/params.yaml").read_text() == SHIPPED
    new_project.make(tmp_path / "one", ["chord"])
    text = (tmp_path / "one/params.yaml").read_text()
    start, end = SHIPPED.index("  chord:"), SHIPPED.index("  speaker:")
    assert text == SHIPPED[: SHIPPED.index("  genre:")] + SHIPPED[start:end]


def test_init_from_a_clone_with_settings_of_its_own_says_so(tmp_path, monkeypatch):
    mine = yaml.safe_load(SHIPPED)
    mine["tasks"]["speaker"]["data"]["source"] = "folder"
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(mine, sort_keys=False))
    kept = new_project._file
    monkeypatch.setattr(
        new_project, "_file", lambda name, *at: tmp_path / name if name == "params.yaml" else kept(name, *at)
    )
    assert new_project.make(tmp_path / "mine", ["speaker"])[-1] == (
        f"The settings of speaker are those that {tmp_path}/params.yaml has now, not the ones that were shipped."
    )
    assert "not the ones that were shipped" not in "".join(new_project.make(tmp_path / "other", ["genre"]))


def test_init_within_a_repository_uses_it(tmp_path):
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    new_project.make(tmp_path / "sub/mine", ["genre"])
    assert (tmp_path / "sub/mine/.dvc").is_dir()
    assert not (tmp_path / "sub/mine/.git").exists()


def test_init_refuses_a_folder_that_is_a_project_and_an_unknown_task(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run("init", "mine")
    with pytest.raises(EarmarkError, match=r"mine/params.yaml exists: there is a project already"):
        run("init", "mine")
    with pytest.raises(EarmarkError, match="There is no task 'genres'"):
        run("init", "other", "--task", "genres")
    assert not (tmp_path / "other").exists()


def test_what_init_needs_is_in_the_wheel(tmp_path):
    """Built by the project's own configuration, installed elsewhere, found there."""
    (tmp_path / ".dvc").mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "params.yaml", "dvc.yaml", ".dvc/plots.html"):
        (tmp_path / name).write_bytes((REPOSITORY / name).read_bytes())
    (tmp_path / "src/earmark").mkdir(parents=True)
    (tmp_path / "src/earmark/__init__.py").write_text("")
    build = "from setuptools import build_meta; print(build_meta.build_wheel('.'))"
    done = subprocess.run([sys.executable, "-c", build], cwd=tmp_path, capture_output=True, text=True, check=True)
    wheel = tmp_path / done.stdout.splitlines()[-1]
    target = tmp_path / "elsewhere"
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        "--target",
        str(target),
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True)
    ask = (
        "from importlib import metadata; "
        "print([str(f.locate()) for f in metadata.files('earmark') if 'share/earmark' in f.as_posix()])"
    )
    env = {"PYTHONPATH": str(target)}
    found = subprocess.run(
        [sys.executable, "-S", "-c", ask], env=env, capture_output=True, text=True, check=True
    ).stdout
    assert "params.yaml" in found
    assert "dvc.yaml" in found
    assert "plots.html" in found


@pytest.mark.pipeline
def test_a_project_of_ones_own_runs_without_earmarks_source(tmp_path):
    """The demo is not generated, nothing runs twice, and changed parameters are seen. (A guide's test goes further.)"""
    small_folder(tmp_path / "audio")
    new_project.make(tmp_path / "mine", ["genre"])
    project = Project(tmp_path / "mine")
    project.run("earmark", "use", "genre", "../audio")
    assert sorted(project.repro("prepare@genre", "demo")) == ["code", "demo", "prepare@genre"]
    assert list((tmp_path / "mine/data/demo").iterdir()) == []
    assert project.repro("prepare@genre", "demo") == ["code"]
    project.set(**{"data.seed": 2})
    assert project.repro("prepare@genre", "demo") == ["code", "prepare@genre"]
