"""One finished pipeline a task, shared by every test that needs one."""

import pytest

from builders import small_folder
from chord_audio import songs
from project import REPOSITORY, Project, commit, make
from voice_audio import voices

AUDIO = {"genre": small_folder, "chord": songs, "speaker": lambda root: voices(root, 14)}


@pytest.fixture(scope="session")
def small(request, tmp_path_factory) -> Project:
    """A project whose pipeline for one task has run once on a few small recordings; tests build on the state they find.

    Every stage writes down which modules it had loaded: `seen`.
    """
    base = tmp_path_factory.mktemp(request.param)
    project = make(base / "project", AUDIO[request.param](base / "audio"), request.param)
    project.audio, project.seen = base / "audio", base / "seen"
    project.seen.mkdir()
    spy = {"PYTHONPATH": str(REPOSITORY / "tests/support/seen_modules"), "EARMARK_TEST_SEEN": str(project.seen)}
    project.ran = project.repro(**spy)
    commit(project, "first repro")
    return project
