"""What is printed: names and signs that a terminal cannot show never end a command."""

import io
import os
import subprocess
import sys

import pytest

from earmark import console


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"caf\xe9.wav", r"caf\xe9.wav"),
        (b"\xff\xfe", r"\xff\xfe"),
        ("café.wav".encode(), "café.wav"),
        ("日本.wav".encode(), "日本.wav"),
        (b"two\nlines.wav", r"two\nlines.wav"),
        (b"\x1b[31mred.wav", r"\x1b[31mred.wav"),
        (b"a b\\c.wav", r"a b\c.wav"),
    ],
)
def test_a_name_becomes_showable(name, shown):
    assert console.printable(os.fsdecode(name)) == shown
    console.printable(os.fsdecode(name)).encode()


def test_a_surrogate_of_no_byte_is_escaped():
    assert console.printable("a\ud800b") == r"a\ud800b"


def test_everything_is_shown_on_a_terminal_of_ascii(monkeypatch):
    """As in LANG=C, where stdout and stderr take ASCII alone."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "ascii") for _ in range(2))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    monkeypatch.setenv("COLUMNS", "60")
    name = os.fsdecode(b"caf\xe9.wav")
    console.never_fail()
    console.warn(f"é {name}")
    console.say(f"♭ {name}")
    console.table(("é",), [(name,)], title=name)
    list(console.progress([1], 1, "é"))
    with console.bar("é", 1) as advance:
        advance()
    assert written(err).startswith("earmark: \\xe9 caf\\xe9.wav\n")
    assert written(out).startswith("\\u266d caf\\xe9.wav\n")
    assert written(out).count(r"caf\xe9.wav") == 3


def written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode("ascii")


def test_streams_that_cannot_be_changed_are_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    console.never_fail()
    console.say("é")
    assert sys.stdout.getvalue() == "é\n"


def test_our_words_pass_while_a_library_is_kept_quiet():
    program = """if True:
        import os
        from earmark import console
        from earmark.audio import quiet
        console.never_fail()
        with quiet.decoder():
            os.write(2, b"[src/libmpg123/layer3.c] error: dequantization failed!\\n")
            console.warn("progress")
            os.write(2, b"another library\\n")
            console.warn("more progress")
    """
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stderr == "earmark: progress\nearmark: more progress\nanother library\n"


ROWS = [("a.wav", "dog", "0.5"), ("folder/with/a/long/name.wav", "fire_crackling", "0.25")]


def test_a_table_that_no_terminal_reads_is_as_wide_as_it_needs(monkeypatch, capsys):
    monkeypatch.delenv("COLUMNS", raising=False)
    console.table(("file", "label", "p"), [*ROWS, (90 * "n", "[b]", "1")], "a title")
    assert capsys.readouterr().out.splitlines() == [
        "a title",
        "file" + 88 * " " + "label           p",
        90 * "-" + "  --------------  ----",
        "a.wav" + 87 * " " + "dog             0.5",
        "folder/with/a/long/name.wav" + 65 * " " + "fire_crackling  0.25",
        90 * "n" + "  [b]             1",
    ]


def test_a_table_that_is_too_wide_keeps_names_whole(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "49")  # that is what the widest row takes
    console.table(("file", "label", "p"), ROWS)
    assert capsys.readouterr().out.splitlines()[-1] == "folder/with/a/long/name.wav  fire_crackling  0.25"
    monkeypatch.setenv("COLUMNS", "48")
    console.table(("file", "label", "p"), ROWS)
    assert capsys.readouterr().out.splitlines() == [
        "file",
        "  label           p",
        "  --------------  ----",
        "a.wav",
        "  dog             0.5",
        "folder/with/a/long/name.wav",
        "  fire_crackling  0.25",
    ]


def test_a_long_last_column_is_wrapped_between_words(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "40")
    console.table(("label", "n", "taken for"), [("dog", 3, "cat 4, horse 3, a_name_without_a_gap 2, cow 1")])
    assert capsys.readouterr().out.splitlines() == [
        "label  n  taken for",
        "-----  -  ------------------------------",
        "dog    3  cat 4, horse 3,",
        "          a_name_without_a_gap 2, cow 1",
    ]


def test_wide_characters_take_two_columns(monkeypatch, capsys):
    monkeypatch.delenv("COLUMNS", raising=False)
    console.table(("a", "b"), [("日本", "x"), ("two\nlines", "y")])
    assert capsys.readouterr().out.splitlines()[2:] == ["日本        x", "two\\nlines  y"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *((0.001, "0.001"), (0.0003, "0.0003"), (3e-5, "3e-05"), (0.0042, "0.0042"), (0.0, "0.000")),
        *((0.12345, "0.123"), (12.3456, "12.346"), (-0.00012, "-0.00012"), (float("nan"), "nan")),
    ],
)
def test_figures_never_hide_behind_zeros(value, shown):
    assert console.figure(value) == shown
