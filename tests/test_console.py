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
