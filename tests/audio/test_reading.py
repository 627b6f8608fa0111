"""Decoding: what a file holds, why it is refused, and blocks that leave no trace of their edges."""

import contextlib
import io
import os

import numpy as np
import pytest
import soundfile as sf
import soxr

from builders import noise, tone
from earmark import audio
from earmark.audio import AudioError, check, quiet, read_blocks

RATE = 22050


def whole(source, rate: int, max_seconds: float | None = None) -> np.ndarray:
    return np.concatenate(list(read_blocks(source, rate, max_seconds)))


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
@pytest.mark.parametrize("channels", [1, 2])
def test_check_measures(tmp_path, suffix, channels):
    path = tone(tmp_path / f"a.{suffix}", seconds=1.5, rate=RATE, channels=channels)
    info = check(path)
    assert (info.duration_s, info.sample_rate, info.channels) == (1.5, RATE, channels)
    exact = float(np.abs(sf.read(path, dtype="float32")[0]).max())
    assert info.peak == pytest.approx(exact, abs=1e-6)
    assert info.peak == pytest.approx(0.5, abs=1e-4 if suffix in ("wav", "flac") else 0.05)
    assert check(path.read_bytes()) == info
    assert check(str(path)) == info
    checked = audio.CheckedRecording(path)
    passed = np.concatenate(list(read_blocks(checked, RATE // 2)))
    assert checked.info == info
    np.testing.assert_array_equal(passed, whole(path, RATE // 2))


def test_what_is_not_read_to_its_end_is_not_checked(tmp_path):
    checked = audio.CheckedRecording(tone(tmp_path / "a.wav", seconds=3, rate=RATE))
    list(read_blocks(checked, RATE, max_seconds=1))
    assert checked.info is None


def test_check_over_several_blocks(tmp_path):
    x = noise(2.5 * audio.BLOCK_S, 4000)
    x[-1] = 0.9
    sf.write(tmp_path / "a.wav", x, 4000, subtype="FLOAT")
    info = check(tmp_path / "a.wav")
    assert (info.duration_s, info.peak) == (2.5 * audio.BLOCK_S, np.float32(0.9))


def refused(source) -> str:
    """Why, by a check of its own and in the pass that reads it, as mono or stereo."""
    reasons = set()
    for read in (
        check,
        *(lambda s, f=f: list(f(audio.CheckedRecording(s), 16000)) for f in (read_blocks, audio.read_stereo)),
    ):
        with pytest.raises(AudioError) as error:
            read(source)
        reasons.add(str(error.value))
    (reason,) = reasons
    return reason


def test_empty_file(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"")
    assert refused(tmp_path / "a.wav") == "the file is empty"
    assert refused(b"") == "the file is empty"


@pytest.mark.parametrize("suffix", ["wav", "ogg", "aiff"])
def test_header_without_samples(tmp_path, suffix):
    sf.write(tmp_path / f"a.{suffix}", np.zeros(0, np.float32), RATE)
    assert refused(tmp_path / f"a.{suffix}") == "it holds no samples"


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
@pytest.mark.parametrize("as_bytes", [False, True])
def test_cut_in_half(tmp_path, suffix, as_bytes):
    path = tmp_path / f"a.{suffix}"
    sf.write(path, noise(3.0), RATE)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    reason = refused(path.read_bytes() if as_bytes else path)
    assert "truncated" in reason or "breaks off" in reason


@pytest.mark.parametrize("cut", [0.3, 0.9, 0.97])
def test_ogg_cut_anywhere(tmp_path, cut):
    sf.write(tmp_path / "a.ogg", noise(3.0), RATE)
    data = (tmp_path / "a.ogg").read_bytes()
    assert refused(data[: int(cut * len(data))])


@pytest.mark.parametrize("kind", ["WAVEX", "RF64", "W64", "AIFF", "AU"])
def test_other_uncompressed_formats_cut_in_half(tmp_path, kind):
    path = tmp_path / "a.bin"
    sf.write(path, noise(3.0), RATE, format=kind, subtype="PCM_16")
    assert check(path).duration_s == 3.0
    data = path.read_bytes()
    assert "truncated" in refused(data[: len(data) // 2])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite(tmp_path, value):
    x = noise(3.0)
    x[2 * RATE] = value
    sf.write(tmp_path / "a.wav", x, RATE, subtype="FLOAT")
    assert "not finite" in refused(tmp_path / "a.wav")


@pytest.mark.parametrize("suffix", ["wav", "mp3", "flac", "raw"])
def test_text_is_no_audio(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_text("not a sound\n" * 50)
    assert "cannot be decoded as audio" in refused(path)
    assert "cannot be decoded as audio" in refused(path.read_bytes())


def several(path, channels: int, rate: int = 8000) -> np.ndarray:
    """Write noise of its own in every channel; (n, channels)."""
    x = np.stack([noise(1.0, rate, seed=i) for i in range(channels)], 1)
    sf.write(path, x, rate, subtype="FLOAT")
    return x


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8])
def test_channels_are_mixed_or_one_is_read(tmp_path, channels):
    path = tmp_path / "a.wav"
    x = several(path, channels)
    assert check(path).channels == channels
    np.testing.assert_array_equal(whole(path, 8000), x.mean(1))
    for number in range(1, channels + 1):
        one = audio.folder(tmp_path, number) / "a.wav"
        assert one == audio.Channel(path, number)
        np.testing.assert_array_equal(whole(one, 8000), x[:, number - 1])
        pair = np.concatenate(list(audio.read_stereo(one, 8000)), 1)
        np.testing.assert_array_equal(pair, np.stack([x[:, number - 1]] * 2))
        np.testing.assert_array_equal(whole(audio.Channel(path.read_bytes(), number), 8000), x[:, number - 1])
    pair = np.concatenate(list(audio.read_stereo(path, 8000)), 1)
    np.testing.assert_array_equal(pair, x.T if channels == 2 else np.stack([x.mean(1)] * 2))
    assert audio.folder(tmp_path, "mix") == tmp_path
    missing = audio.Channel(path, channels + 1)
    assert refused(missing) == f"it has {channels} channel{'s' * (channels > 1)}, so there is no channel {channels + 1}"


def flat(x: np.ndarray, number: int | None = None) -> str:
    """Why nothing can be heard in samples (n, channels)."""
    file = io.BytesIO()
    sf.write(file, x.astype(np.float32), 8000, "FLOAT", format="WAV")
    data = file.getvalue()
    return check(audio.Channel(data, number) if number else data).flat


SILENT = "it is digital silence: every sample is zero"


def test_what_is_heard_decides_about_silence():
    voice, other = noise(1.0, 8000), noise(1.0, 8000, seed=1)
    stereo = lambda a, b: np.stack([a, b], 1)  # noqa: E731
    assert flat(np.zeros((8000, 2))) == SILENT
    assert flat(np.full((8000, 1), 0.25)) == "it is silent: every sample is 0.25"
    assert flat(stereo(np.full(8000, -0.6), np.full(8000, 0.6))) == "it is silent: every sample is 0"
    for fine in (voice[:, None], 0.9 + 0.001 * voice[:, None], 1e-4 * voice[:, None], stereo(voice, other)):
        assert flat(fine) == ""
    assert flat(stereo(voice, np.zeros(8000))) == ""  # one channel of a pair that was never plugged in
    assert flat(stereo(voice, -voice)) == audio.CANCELLED
    assert flat(stereo(0.3 + voice, 0.5 - voice)) == audio.CANCELLED
    assert flat(stereo(voice, -voice + 0.02 * other)) == audio.CANCELLED  # as a codec leaves it
    assert flat(np.stack([voice, voice, -2 * voice], 1)) == audio.CANCELLED
    assert flat(stereo(voice, -0.5 * voice)) == ""  # .25 of one channel is left
    assert flat(stereo(voice, -voice), 1) == flat(stereo(voice, -voice), 2) == ""
    assert flat(stereo(voice, np.zeros(8000)), 2) == SILENT
    assert flat(stereo(voice, np.full(8000, 0.1)), 2) == "it is silent: every sample is 0.1"


@pytest.mark.parametrize("factor", [1e11, 1e20, 1e30, 3e37])
def test_samples_beyond_all_measure(tmp_path, factor):
    x = noise(3.0)
    sf.write(tmp_path / "a.wav", x * np.float32(factor), RATE, subtype="FLOAT")
    assert refused(tmp_path / "a.wav").startswith("it holds samples as large as ")
    sf.write(tmp_path / "b.wav", x * 32768, RATE, subtype="FLOAT")  # of programs that forget to divide
    assert check(tmp_path / "b.wav").flat == ""


def test_names_that_are_not_utf8_and_what_is_no_file(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav")
    os.rename(tone(tmp_path / "a.wav"), path)
    assert check(path).duration_s == 1.0
    os.mkfifo(tmp_path / "pipe.wav")
    assert refused(tmp_path / "pipe.wav") == "it is not a file but a pipe, a socket or a device"
    assert refused(tmp_path) == "it is not a file but a folder"


def test_progress_and_other_lines_pass_while_the_decoder_is_kept_quiet(capfd):
    with quiet.decoder(), quiet.decoder():
        os.write(
            2, b"[src/libmpg123/layer3.c:do_layer3():1844] error: dequantization failed!\nNote: Trying to resync\n"
        )
        os.write(2, b"something else\n")
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "something else\nafterwards\n"


def test_damaged_frames_are_decoded_without_a_word_of_the_library(tmp_path, capfd):
    sf.write(tmp_path / "a.mp3", noise(3.0), RATE)
    data = bytearray((tmp_path / "a.mp3").read_bytes())
    for at in range(3000, len(data), 97):
        data[at] ^= 0x55
    with contextlib.suppress(AudioError):
        check(bytes(data))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_blocks_at_the_files_rate_are_its_samples(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    stereo = np.stack([noise(21.3, 8000, seed=1), noise(21.3, 8000, seed=2)], axis=1)
    sf.write(path, stereo, 8000)
    got = whole(path, 8000)
    assert got.dtype == np.float32
    rounding = 1e-6 if suffix == "mp3" else 0  # the decoder's, which depends on how much is asked for at once
    np.testing.assert_allclose(got, sf.read(path, dtype="float32")[0].mean(axis=1), rtol=0, atol=rounding)
    np.testing.assert_allclose(got, whole(path.read_bytes(), 8000), rtol=0, atol=rounding)


@pytest.mark.parametrize(("source_rate", "rate"), [(8000, 11025), (44100, 22050), (16000, 8000)])
def test_resampling_is_one_stream(tmp_path, source_rate, rate):
    x = noise(2.2 * audio.BLOCK_S, source_rate)
    sf.write(tmp_path / "a.wav", x, source_rate, subtype="FLOAT")
    expected = soxr.resample(x, source_rate, rate)
    got = whole(tmp_path / "a.wav", rate)
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, atol=1e-4)


@pytest.mark.parametrize("max_seconds", [0.25, 1.0, 20.0, 20.5, 99.0])
def test_max_seconds_cuts_exactly(tmp_path, max_seconds):
    x = noise(22.0, 8000)
    sf.write(tmp_path / "a.wav", x, 8000, subtype="FLOAT")
    np.testing.assert_array_equal(whole(tmp_path / "a.wav", 8000, max_seconds), x[: round(max_seconds * 8000)])
    n = len(whole(tmp_path / "a.wav", 4000, max_seconds))
    assert n == round(min(max_seconds, 22.0) * 4000)


@pytest.mark.parametrize("rate", [8000, 4000])
def test_blocks_stay_small(tmp_path, rate):
    sf.write(tmp_path / "a.wav", noise(5 * audio.BLOCK_S, 8000), 8000)
    lengths = [len(block) for block in read_blocks(tmp_path / "a.wav", rate)]
    assert len(lengths) >= 5
    assert max(lengths) <= audio.BLOCK_S * rate + 2000  # what the filter held back comes with the next block
    assert sum(lengths) == 5 * audio.BLOCK_S * rate
