"""What headers say that is not so: lengths of programs that could not go back, tags, guesses, and other recordings."""

import io
import struct

import numpy as np
import pytest
import soundfile as sf

from codecs_of_audio import closeness, encoded, needs_ffmpeg, piped, signal
from earmark import audio
from earmark.audio import flac, layout, mpeg

RATE = 44100
X = signal(RATE)
MONO = X.mean(1)
ID3V2 = b"ID3\x04\x00\x00\x00\x00\x02\x00" + bytes(256)
ID3V1 = b"TAG" + b"a title".ljust(125)
APE = b"APETAGEX" + struct.pack("<IIII", 2000, 64 + 32, 1, 0) + bytes(8)
APE = bytes(64) + APE  # items, then the footer that counts both


def samples(source) -> np.ndarray:
    return np.concatenate(list(audio.read_blocks(audio.CheckedRecording(source), RATE)))


def why(source) -> str:
    with pytest.raises(audio.AudioError) as error:
        audio.check(source)
    return str(error.value)


def written(kind: str, codec: str = "PCM_16", x: np.ndarray = X, rate: int = RATE) -> bytearray:
    file = io.BytesIO()
    sf.write(file, x, rate, codec, format=kind)
    return bytearray(file.getvalue())


WAV = written("WAV")
DATA = WAV.find(b"data") + 4


@pytest.mark.parametrize(
    ("riff", "size"),
    [
        (0x7FFFF024, 0x7FFFF000),  # sox and eSpeak into a pipe
        (0x80000024, 0x80000000),  # arecord
        (0xFFFFFFF7, 0xFFFFFFD3),
        (0xFFFFFFFF, 0xFFFFFFFF),  # ffmpeg
        (0x7FFFFFFF, 0x7FFFFFFF - 36),
        (len(WAV), None),  # the size of the file
        (len(WAV) - 8 + 44, None),
        (len(WAV) - 9, None),
        (0, None),
        (0xFFFFFFFF, None),
        (36, 0),
        (0, 0),
    ],
)
@pytest.mark.parametrize("as_bytes", [False, True])
def test_wav_sizes(tmp_path, riff, size, as_bytes):
    changed = WAV.copy()
    changed[4:8] = struct.pack("<I", riff)
    if size is not None:
        changed[DATA : DATA + 4] = struct.pack("<I", size)
    (tmp_path / "a.wav").write_bytes(changed)
    np.testing.assert_array_equal(samples(bytes(changed) if as_bytes else tmp_path / "a.wav"), samples(bytes(WAV)))


@pytest.mark.parametrize("riff", [len(WAV) - 8, 0xFFFFFFFF, 0])
@pytest.mark.parametrize("lost", [1, 2, 1000, len(WAV) // 2])
def test_wav_that_lacks_what_its_data_chunk_promises(riff, lost):
    changed = WAV[:-lost]
    changed[4:8] = struct.pack("<I", riff)
    assert why(bytes(changed)).startswith(
        f"it is truncated: the header promises {2 * len(X)} bytes of samples, the file"
    )


def test_wav_chunks_around_the_samples():
    chunk = b"LIST" + struct.pack("<I", 6) + b"INFOab"
    behind = bytes(WAV) + chunk
    before = bytes(WAV[: DATA - 4]) + chunk + bytes(WAV[DATA - 4 :])
    for data in (behind, before):
        np.testing.assert_array_equal(samples(data), samples(bytes(WAV)))


def test_wav_without_samples_before_another_chunk_is_empty():
    head = WAV[: DATA + 4]
    head[DATA : DATA + 4] = bytes(4)
    assert why(bytes(head) + b"LIST" + struct.pack("<I", 4) + b"INFO") == "it holds no samples"


UNKNOWN32 = (0, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0x7FFFF000, 0xFFFFFFD3)
UNKNOWN64 = (0, 2**64 - 1, 2**63 - 1, 2**63, 2**63 - 4096)
FRAMES_AT = 10  # in AIFF's COMM chunk, from its name on


def place(kind: str, whole: bytearray) -> tuple[int, int, str]:
    """Where a container states the size of its samples: offset, bytes, order."""
    find = {
        "RF64": lambda: (whole.find(b"ds64") + 16, 8, "little"),
        "W64": lambda: (whole.find(b"data", 16) + 16, 8, "little"),
        "AIFF": lambda: (whole.find(b"SSND") + 4, 4, "big"),
        "AU": lambda: (8, 4, "big"),
        "CAF": lambda: (whole.find(b"data") + 4, 8, "big"),
    }
    return find[kind]()


def stating(kind: str, whole: bytearray, size: int) -> bytes:
    at, n, order = place(kind, whole)
    changed = whole.copy()
    changed[at : at + n] = size.to_bytes(n, order)
    return bytes(changed)


SIZES = [(kind, size) for kind in ("AIFF", "AU") for size in UNKNOWN32]
SIZES += [(kind, size) for kind in ("RF64", "W64", "CAF") for size in UNKNOWN64]


@pytest.mark.parametrize(("kind", "size"), SIZES)
@pytest.mark.parametrize("codec", ["PCM_16", "PCM_24", "FLOAT"])
def test_other_containers_that_could_not_go_back(kind, size, codec):
    whole = written(kind, codec, signal(RATE, 2))
    changed = bytearray(stating(kind, whole, size))
    assert changed != whole
    if kind == "AIFF":
        changed[4:8] = bytes(4)
        at = whole.find(b"COMM") + FRAMES_AT
        changed[at : at + 4] = min(size, 2**31 - 1).to_bytes(4, "big")
    np.testing.assert_array_equal(samples(bytes(changed)), samples(bytes(whole)))


@pytest.mark.parametrize("kind", ["RF64", "W64", "AIFF", "AU", "CAF"])
@pytest.mark.parametrize("more", [2, 44, 10**6])
def test_other_containers_that_promise_more_than_there_is(kind, more):
    whole = written(kind)
    at, n, order = place(kind, whole)
    stated = int.from_bytes(whole[at : at + n], order)
    assert why(stating(kind, whole, stated + more)).startswith("it is truncated: the header promises ")


@needs_ffmpeg
@pytest.mark.parametrize("kind", ["wav", "aiff", "au", "caf", "w64", "flac", "matroska"])
def test_what_ffmpeg_writes_into_a_pipe(kind):
    got = samples(
        piped(X, RATE, "-f", kind, "-c:a", {"wav": "pcm_s16le", "w64": "pcm_s16le"}.get(kind, "flac"))
        if kind in ("wav", "w64", "flac", "matroska")
        else piped(X, RATE, "-f", kind)
    )
    assert len(got) == len(X)
    np.testing.assert_allclose(got, MONO, rtol=0, atol=2.0**-15)


def test_nist_that_lacks_samples():
    whole = written("NIST", rate=16000)
    assert audio.check(bytes(whole)).duration_s == len(X) / 16000
    assert "truncated" in why(bytes(whole[:-2000]))


FLAC = written("FLAC")


def test_flac_without_a_stated_length():
    changed = FLAC.copy()
    changed[21] &= 0xF0
    changed[22:26] = bytes(4)
    assert flac.layout(bytes(changed), 0).parts[0].promised == len(X)
    np.testing.assert_array_equal(samples(bytes(changed)), samples(bytes(FLAC)))
    assert "breaks off" in why(bytes(changed[: len(changed) // 2]))


@needs_ffmpeg
@pytest.mark.parametrize("size", ["192", "1152", "4096", "5000"])
def test_flac_of_other_block_sizes_without_a_stated_length(size):
    data = piped(X, RATE, "-f", "flac", "-frame_size", size)
    assert flac.layout(data, 0).parts[0].promised == len(X)
    assert len(samples(data)) == len(X)


@pytest.mark.parametrize("kind", ["FLAC", "MP3"])
@pytest.mark.parametrize("around", [(ID3V2, b""), (b"", ID3V1), (ID3V2 + ID3V2, APE + ID3V1), (b"", APE)])
def test_tags_around_the_frames(kind, around):
    whole = bytes(written(kind, "PCM_16" if kind == "FLAC" else "MPEG_LAYER_III"))
    checked = audio.CheckedRecording(around[0] + whole + around[1])
    got = np.concatenate(list(audio.read_blocks(checked, RATE)))
    np.testing.assert_array_equal(got, samples(whole))
    assert checked.info.note == ""


def mp3(rate: int = RATE, channels: int = 1, *options: str, tmp_path, name: str = "a.mp3") -> bytes:
    return encoded(tmp_path / name, signal(rate, channels), rate, *options).read_bytes()


@needs_ffmpeg
@pytest.mark.parametrize("rate", [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("options", [("-b:a", "64k"), ("-q:a", "4")])
def test_mp3_without_a_stated_length(tmp_path, rate, channels, options):
    data = mp3(rate, channels, "-write_xing", "0", *options, tmp_path=tmp_path)
    frames = list(mpeg.Scan(data, mpeg.after_id3(data, 0), len(data)))
    checked = audio.CheckedRecording(data)
    got = np.concatenate(list(audio.read_blocks(checked, rate)))
    assert len(got) == sum(frame.samples for _, frame in frames)
    assert 0 <= len(got) / rate - 2.3 < 4 * 1152 / rate
    assert closeness(got, signal(rate, channels).mean(1)) > 10
    assert checked.info.note == ""
    inside = frames[len(frames) // 2][0] + 30
    cut = audio.check(data[:inside])
    assert cut.duration_s == len(frames) // 2 * frames[0][1].samples / rate
    assert cut.note == f"its last frame is incomplete; {cut.duration_s:.2f} s were read"


def xing(data: bytes) -> int:
    return max(data.find(b"Xing"), data.find(b"Info"))


@needs_ffmpeg
def test_mp3_whose_header_states_nothing_or_too_little_or_too_much(tmp_path):
    data = mp3(tmp_path=tmp_path)
    at, whole = xing(data), audio.check(data).duration_s
    n = int.from_bytes(data[at + 8 : at + 12], "big")
    assert whole == len(X) / RATE

    def stating(frames: int, flags: int = 1) -> bytes:
        return data[: at + 4] + struct.pack(">II", flags, frames) + data[at + 12 :]

    exact = n * 1152 / RATE  # nothing is known of what to leave out at both ends
    assert audio.check(stating(n, 0)).duration_s == pytest.approx(exact)
    assert audio.check(stating(0)).duration_s == pytest.approx(exact)
    assert audio.check(stating(n - 1)).duration_s == pytest.approx(exact)
    assert audio.check(stating(n + 1, 3)).duration_s == pytest.approx(exact)  # all bytes are there
    assert f"the header promises {n + 5} frames, the file has {n}" in why(stating(n + 5))
    assert f"the header promises {n} frames, the file has {n - 1}" in why(data[:-30])


@needs_ffmpeg
def test_mp3_with_a_vbri_header(tmp_path):
    data = mp3(RATE, 1, "-write_xing", "0", "-b:a", "64k", tmp_path=tmp_path)
    start = mpeg.after_id3(data, 0)
    frames = list(mpeg.Scan(data, start, len(data)))
    first = bytearray(data[start : frames[1][0]])
    first[4:] = bytes(len(first) - 4)
    first[36:54] = b"VBRI" + struct.pack(">HHHII", 1, 0, 75, len(data) - start + len(first), len(frames))
    tagged = bytes(first) + data[start:]
    assert audio.check(tagged).duration_s == audio.check(data).duration_s == len(frames) * 1152 / RATE
    assert f"the header promises {len(frames)} frames" in why(tagged[:-3000])


@needs_ffmpeg
@pytest.mark.parametrize("layer", ["mp2", "mp3"])
def test_mpeg_that_begins_or_breaks_within_a_frame(tmp_path, layer):
    name = f"a.{layer}"
    data = mp3(RATE, 1, *(("-write_xing", "0") if layer == "mp3" else ()), "-b:a", "64k", tmp_path=tmp_path, name=name)
    frames = list(mpeg.Scan(data, mpeg.after_id3(data, 0), len(data)))
    late = audio.check(data[frames[3][0] + 20 :])
    assert late.duration_s == (len(frames) - 4) * 1152 / RATE
    hole = audio.check(data[: frames[20][0] + 20] + data[frames[30][0] + 50 :])
    assert hole.duration_s == (len(frames) - 11) * 1152 / RATE
    assert "bytes between its frames are not audio and are skipped" in hole.note


@needs_ffmpeg
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp3", ()),
        ("a.mp3", ("-write_xing", "0")),
        ("a.mp2", ()),
        ("a.ogg", ("-c:a", "libvorbis")),
        ("a.opus", ("-ar", "48000")),
        ("a.oga", ("-c:a", "flac")),
        ("a.flac", ()),
        ("a.aac", ()),
        ("a.ac3", ()),
    ],
)
def test_recordings_joined_byte_by_byte_are_read_one_after_the_other(tmp_path, name, options):
    rate = 48000 if name.endswith("opus") else RATE
    one = encoded(tmp_path / name, X, RATE, *options).read_bytes()
    single, double = audio.check(one).duration_s, audio.CheckedRecording(one + one)
    got = np.concatenate(list(audio.read_blocks(double, rate)))
    assert len(got) / rate == pytest.approx(2 * single, abs=1 / rate)
    assert double.info.note == ""
    assert closeness(got[len(got) // 2 :], np.concatenate(list(audio.read_blocks(one, rate)))) > 12


@needs_ffmpeg
@pytest.mark.parametrize("name", ["a.wav", "a.aiff", "a.w64", "a.caf", "a.au", "a.m4a", "a.mka", "a.wma"])
def test_recordings_joined_byte_by_byte_that_are_refused(tmp_path, name):
    one = encoded(tmp_path / name, X, RATE).read_bytes()
    assert audio.check(one).duration_s > 2
    assert why(one + one) == layout.JOINED


@needs_ffmpeg
@pytest.mark.parametrize("name", ["a.mp3", "a.flac", "a.ogg"])
@pytest.mark.parametrize("other", [(22050, 1), (44100, 2)])
def test_joined_recordings_of_two_forms_are_refused(tmp_path, name, other):
    rate, channels = other
    one = encoded(tmp_path / name, X, RATE).read_bytes()
    two = encoded(tmp_path / name, signal(rate, channels), rate).read_bytes()
    said = f"{rate} Hz with {channels} channel"
    assert f"it joins recordings of 44100 Hz with 1 channel and {said}" in why(one + two)


def test_max_seconds_runs_over_joined_recordings():
    one = bytes(written("FLAC"))
    whole = samples(one)
    got = np.concatenate(list(audio.read_blocks(one + one, RATE, 3.0)))
    np.testing.assert_array_equal(got, np.concatenate([whole, whole])[: 3 * RATE])


@pytest.mark.parametrize("flag", [b"", b"junk behind it", ID3V1])
def test_ogg_with_something_behind_it(flag):
    whole = bytes(written("OGG", "VORBIS"))
    np.testing.assert_array_equal(samples(whole + flag), samples(whole))


@pytest.mark.parametrize(("codec", "rate"), [("VORBIS", RATE), ("OPUS", 48000)])
def test_ogg_that_stops_between_two_pages(codec, rate):
    whole = bytes(written("OGG", codec, signal(rate, 1, 6.0), rate))
    last = whole.rfind(b"OggS")
    info = audio.check(whole[:last])
    assert 3 < info.duration_s < 6
    assert info.note.startswith("its last page is not marked as the last")
    assert why(whole[: last + 30]).startswith("it is truncated: the last Ogg page is incomplete; ")


@needs_ffmpeg
def test_mp3_without_a_stated_length_behind_one_with_it(tmp_path):
    stated = mp3(tmp_path=tmp_path)
    plain = mp3(RATE, 1, "-write_xing", "0", tmp_path=tmp_path)
    both = audio.check(stated).duration_s + audio.check(plain).duration_s
    assert audio.check(stated + plain).duration_s == pytest.approx(both, abs=1e-9)
    assert audio.check(plain + stated).duration_s == pytest.approx(both, abs=1e-9)


@needs_ffmpeg
@pytest.mark.parametrize("name", ["a.mp4", "a.m4a", "a.webm", "a.mka", "a.wma"])
def test_containers_that_end_before_what_they_promise(tmp_path, name):
    options = {"a.m4a": ("-movflags", "+faststart"), "a.webm": ("-c:a", "libopus", "-ar", "48000")}.get(name, ())
    whole = encoded(tmp_path / name, X, RATE, *options).read_bytes()
    for share in (0.5, 0.95):
        cut = whole[: int(share * len(whole))]
        assert why(cut).startswith("it is truncated: the header promises ")
        assert f"bytes, the file has {len(cut)}" in why(cut)
