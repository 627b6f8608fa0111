"""`earmark listen`: which report and which file of marks, who makes them, and how it ends."""

import socket

import pytest

from builders import small_folder
from earmark.cli import listen
from earmark.data import marks
from earmark.data.marks import Mark
from earmark.evaluation.listening import page, server
from project import write_params
from reports import report


@pytest.fixture
def evaluated(workplace, monkeypatch):
    """A project with a report; `earmark listen` serves nothing, and gives what it would serve."""
    write_params(workplace, **{"data.root": str(small_folder(workplace / "audio"))})
    page.write(workplace / "reports/genre/listening.html", report())
    served = []

    def serve(report, root, kept, port, started):
        served.append((report, root, kept, port))
        started("http://127.0.0.1:1/?token=x")
        raise KeyboardInterrupt

    monkeypatch.setattr(server, "serve", serve)
    return served


def test_it_serves_the_report_until_it_is_ended(evaluated, earmark, workplace):
    code, out, _ = earmark("listen", "genre", "--by", "Ada")
    assert code == 0
    assert out.splitlines() == [
        "Open http://127.0.0.1:1/?token=x (Ctrl-C ends it). Marks go into review/genre.csv.",
        "`earmark review genre --apply review/genre.csv` makes a new manifest of them.",
        "The page is closed.",
    ]
    ((found, root, kept, port),) = evaluated
    assert (found["title"], root, port) == ("What the model heard", workplace / "audio", 5002)
    assert (kept.by, len(kept.manifest_sha256)) == ("Ada", 64)


def test_marks_of_another_manifest_stay_in_their_file(evaluated, earmark, workplace):
    earmark("listen", "genre")
    sha256 = evaluated[0][2].manifest_sha256
    marks.write(workplace / "review/genre.csv", [Mark("a.wav", "low", manifest_sha256="0" * 64)])
    assert "Marks go into review/genre-2.csv." in earmark("listen", "genre")[1]
    marks.write(workplace / "review/genre-2.csv", [Mark("a.wav", "low", manifest_sha256=sha256)])
    assert "Marks go into review/genre-2.csv." in earmark("listen", "genre")[1]
    code, _, (sentence,) = earmark("listen", "genre", "--out", "review/genre.csv")
    assert (code, sentence) == (
        1,
        "earmark: review/genre.csv is a review of another manifest; name another file with --out.",
    )


def test_what_is_missing_is_said(evaluated, earmark, workplace):
    (workplace / "reports/genre/listening.html").unlink()
    code, _, (sentence,) = earmark("listen", "genre")
    assert (code, "run `dvc repro` first" in sentence) == (1, True)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, _, (sentence,) = earmark("listen", "genre", "--port", str(port))
        assert (code, f"Port {port} of this machine is in use" in sentence) == (1, True)
    assert earmark("listen", "genres")[0] == 1


def test_who_is_git_s_name_or_the_login_s(monkeypatch, tmp_path):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "none"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setenv("LOGNAME", "ada")
    monkeypatch.chdir(tmp_path)
    assert listen.who() == "ada"
    (tmp_path / "none").write_text("[user]\n\tname = Ada Lovelace\n")
    assert listen.who() == "Ada Lovelace"
    (tmp_path / "none").write_text("")
    monkeypatch.setattr(listen.getpass, "getuser", lambda: {}["no such login"])
    assert listen.who() == "somebody"
