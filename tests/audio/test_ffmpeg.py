"""ffmpeg on its leash: what it may read, how long it may be silent, and what is said where it is not installed."""

import os
import stat
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from codecs_of_audio import encoded, needs_ffmpeg, signal
from earmark import audio
from earmark.audio import ffmpeg

RATE = 44100


def why(source) -> str:
    with pytest.raises(audio.AudioError) as error:
        audio.check(source)
    return str(error.value)


def program(folder: Path, monkeypatch, script: str) -> None:
    """A program named ffmpeg that stands before any other."""
    path = folder / "bin" / "ffmpeg"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def m4a(tmp_path: Path) -> Path:
    """The beginning of an MP4 file."""
    path = tmp_path / "a.m4a"
    path.write_bytes(b"\0\0\0\x18ftypM4A " + bytes(12) + b"\0\0\0\x08free")
    return path


def test_without_ffmpeg_the_remedy_is_named(m4a, monkeypatch):
    monkeypatch.setenv("PATH", "")
    for source in (m4a, m4a.read_bytes()):
        assert why(source) == "it is MP4 or M4A, which needs ffmpeg; install ffmpeg, or convert it to FLAC or WAV"


def test_a_name_says_nothing(tmp_path, monkeypatch, m4a):
    monkeypatch.setenv("PATH", "")
    sf.write(tmp_path / "a.wav", signal(RATE), RATE)
    os.rename(tmp_path / "a.wav", tmp_path / "wav.m4a")
    assert audio.check(tmp_path / "wav.m4a").duration_s == 2.3
    os.rename(m4a, tmp_path / "really_m4a.mp3")
    assert "it is MP4 or M4A" in why(tmp_path / "really_m4a.mp3")


@needs_ffmpeg
@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXTINF:1,\nfile://{other}\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3.0,\n{other}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile {other}\n",
        "file '{other}'\n",
        "[playlist]\nFile1={other}\n",
        '<?xml version="1.0"?><MPD><BaseURL>{other}</BaseURL></MPD>',
        "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n",
        "concat:{other}|{other}",
        "\ufeff#EXTM3U\n{other}\n",
    ],
)
@pytest.mark.parametrize("suffix", ["m4a", "aac", "mp3", "wma"])
def test_playlists_and_scripts_do_not_lead_to_other_files(tmp_path, text, suffix):
    other = tmp_path / "other.wav"
    sf.write(other, signal(RATE), RATE)
    path = tmp_path / f"a.{suffix}"
    path.write_text(text.format(other=other))
    for source in (path, path.read_bytes()):
        said = why(source)
        assert "it is a playlist or another text" in said or "Format not recognised" in said


@needs_ffmpeg
def test_a_playlist_behind_the_first_bytes_of_another_format_reads_nothing(tmp_path):
    sf.write(tmp_path / "other.wav", signal(RATE), RATE)
    for head in (b"\0\0\0\x18ftypM4A " + bytes(12), bytes.fromhex("3026b2758e66cf11"), b"#!AMR\n", b"wvpk"):
        (tmp_path / "a.m4a").write_bytes(head + f"#EXTM3U\n{tmp_path / 'other.wav'}\n".encode())
        assert any(
            word in why(tmp_path / "a.m4a") for word in ("cannot be decoded", "truncated", "breaks off after 0.0")
        )


def test_what_it_may_do(m4a, tmp_path, monkeypatch):
    program(tmp_path, monkeypatch, f'printf "%s\\n" "$@" > {tmp_path}/arguments; exit 1')
    why(m4a)
    given = (tmp_path / "arguments").read_text().splitlines()
    before, _, after = "\n".join(given).partition("\n-i\n")
    assert before.splitlines()[:4] == ["-nostdin", "-hide_banner", "-v", "error"]
    assert before.endswith("-protocol_whitelist\nfile\n-f\nmov")
    assert after.splitlines()[0] == f"file:{m4a}"
    assert after.splitlines()[-1] == "pipe:1"
    (tmp_path / "a.wma").write_bytes(bytes.fromhex("3026b2758e66cf11") + bytes(30))
    why(tmp_path / "a.wma")
    given = (tmp_path / "arguments").read_text()
    assert "-protocol_whitelist\npipe\n-f\nasf\n-i\npipe:0\n" in given


def test_a_silent_program_is_ended(m4a, tmp_path, monkeypatch):
    program(tmp_path, monkeypatch, f"echo $$ > {tmp_path}/pid; exec sleep 60")
    monkeypatch.setattr(ffmpeg, "PATIENCE_S", 0.5)
    assert why(m4a) == "ffmpeg has given no output for 0.5 s; convert the recording to FLAC or WAV"
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_its_reason_is_told(m4a, tmp_path, monkeypatch):
    program(
        tmp_path, monkeypatch, 'echo "[mov @ 0x55] moov atom not found" >&2; echo "x.m4a: Invalid data" >&2; exit 1'
    )
    assert why(m4a) == "it cannot be decoded as audio (Invalid data)"


def test_a_program_that_fails_on_the_way(m4a, tmp_path, monkeypatch):
    head = r"\056snd\000\000\000\030\377\377\377\377\000\000\000\006\000\000\037\100\000\000\000\001"
    program(tmp_path, monkeypatch, f"printf '{head}'; head -c 32000 /dev/zero; echo 'worn out' >&2; exit 3")
    assert why(m4a) == "it breaks off after 1.00 s (worn out)"


@needs_ffmpeg
def test_reading_may_end_early(tmp_path):
    path = encoded(tmp_path / "a.m4a", signal(RATE, 2, 60.0), RATE)
    got = np.concatenate(list(audio.read_blocks(path, RATE, 1.5)))
    assert len(got) == 1.5 * RATE
    blocks = audio.read_blocks(path, RATE)
    next(blocks)
    blocks.close()


@needs_ffmpeg
@pytest.mark.parametrize("name", ["-a.m4a", "a b'c%20d.m4a", "http:x.m4a", "ü?#.m4a"])
def test_names_that_look_like_something_else(tmp_path, monkeypatch, name):
    path = encoded(tmp_path / "a.m4a", signal(RATE), RATE)
    monkeypatch.chdir(tmp_path)
    os.rename(path, name)
    assert audio.check(name).sample_rate == RATE


@pytest.mark.parametrize("text", ["#EXTM3U\na.wav\n", "ffconcat version 1.0\n", "[playlist]\n", "\ufeff#EXTM3U\n"])
def test_a_playlist_is_called_one(text):
    said = "it is a playlist or another text file, not audio; name the recordings themselves"
    assert why(text.encode()) == said
