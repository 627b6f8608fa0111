"""One signal in many containers, codecs, widths, rates and channels: whole ones are read whole, cut ones are named."""

import numpy as np
import pytest
import soundfile as sf

from codecs_of_audio import SECONDS, closeness, encoded, needs_ffmpeg, signal
from earmark import audio

# By libsndfile: container, codec, rates, channels, and the largest difference or, negative, the least decibels.
BIT = {bits: 2.0 ** (1 - bits) for bits in (8, 16, 24)}
WRITTEN = [
    ("WAV", "PCM_U8", (8000, 44100), (1, 2), BIT[8]),
    ("WAV", "PCM_16", (8000, 22050, 44100, 96000), (1, 2, 6), BIT[16]),
    ("WAV", "PCM_24", (44100,), (1, 2), BIT[24]),
    ("WAV", "PCM_32", (48000,), (1, 2), 1e-6),
    ("WAV", "FLOAT", (44100,), (1, 2), 0),
    ("WAV", "DOUBLE", (16000,), (1, 2), 1e-7),
    ("WAV", "ULAW", (8000,), (1, 2), -30),
    ("WAV", "ALAW", (8000,), (1, 2), -30),
    ("WAV", "IMA_ADPCM", (22050,), (1, 2), -15),
    ("WAV", "MS_ADPCM", (22050,), (1, 2), -15),
    ("WAVEX", "PCM_24", (48000,), (2, 4), BIT[24]),
    ("RF64", "PCM_16", (44100,), (1, 2), BIT[16]),
    ("RF64", "FLOAT", (44100,), (2,), 0),
    ("W64", "PCM_16", (44100,), (1, 2), BIT[16]),
    ("W64", "PCM_24", (48000,), (2,), BIT[24]),
    ("AIFF", "PCM_16", (44100,), (1, 2), BIT[16]),
    ("AIFF", "PCM_24", (48000,), (1, 3), BIT[24]),
    ("AIFF", "FLOAT", (22050,), (2,), 0),
    ("AU", "PCM_16", (8000, 44100), (1, 2), BIT[16]),
    ("AU", "ULAW", (8000,), (1,), -30),
    ("CAF", "PCM_16", (44100,), (1, 2), BIT[16]),
    ("CAF", "PCM_24", (48000,), (2,), BIT[24]),
    ("CAF", "ALAC_16", (44100,), (1, 2), BIT[16]),
    ("NIST", "PCM_16", (16000,), (1, 2), BIT[16]),
    ("FLAC", "PCM_16", (8000, 44100), (1, 2, 4), BIT[16]),
    ("FLAC", "PCM_24", (48000, 96000), (1, 2), BIT[24]),
    ("OGG", "VORBIS", (22050, 44100), (1, 2), -10),
    ("OGG", "OPUS", (48000,), (1, 2), -10),
    ("MP3", "MPEG_LAYER_III", (16000, 22050, 44100, 48000), (1, 2), -10),
]
# By ffmpeg: the file's name, options, rates, channels, seconds that the codec adds at most, and the least decibels.
ENCODED = [
    ("a.m4a", ("-c:a", "aac", "-b:a", "160k"), (22050, 44100), (1, 2), 0.1, 15),
    ("a.m4a", ("-c:a", "aac", "-b:a", "160k", "-movflags", "+faststart"), (44100,), (2,), 0.1, 15),
    ("a.mp4", ("-c:a", "aac", "-b:a", "160k", "-movflags", "frag_keyframe+empty_moov"), (44100,), (2,), 0.1, 15),
    ("a.m4a", ("-c:a", "alac"), (44100, 48000), (1, 2), 0, 80),
    ("a.aac", ("-b:a", "160k"), (22050, 44100), (1, 2), 0.1, 15),
    ("a.wma", ("-b:a", "192k"), (44100,), (1, 2), 0.1, 10),
    ("a.webm", ("-c:a", "libopus", "-b:a", "128k"), (48000,), (1, 2), 0.03, 10),
    ("a.mka", ("-c:a", "flac"), (44100,), (1, 2), 0, 80),
    ("a.mka", ("-c:a", "libvorbis", "-q:a", "8"), (44100,), (1, 2), 0.03, 15),
    ("a.mp2", ("-b:a", "192k"), (32000, 44100, 48000), (1, 2), 0.06, 15),
    ("a.mp2", ("-b:a", "96k"), (16000, 22050), (1, 2), 0.16, 10),
    ("a.ac3", ("-b:a", "192k"), (44100, 48000), (1, 2), 0.06, 15),
    ("a.wv", (), (44100,), (1, 2), 0, 80),
    ("a.tta", (), (44100,), (1, 2), 0, 80),
    ("a.oga", ("-c:a", "flac"), (44100,), (1, 2), 0, 80),
    ("a.ogg", ("-c:a", "libspeex"), (16000,), (1,), 0.05, 3),
    ("a.caf", ("-c:a", "alac"), (44100,), (1, 2), 0, 80),
    ("a.wav", ("-c:a", "wmav2", "-b:a", "192k"), (44100,), (1, 2), 0.1, 10),
    ("a.wav", ("-c:a", "libmp3lame", "-b:a", "160k"), (44100,), (1, 2), 0.06, 15),
    ("a.ts", ("-c:a", "mp2", "-b:a", "192k"), (48000,), (2,), 0.1, 15),
]
WHOLE = [(kind, codec, r, n, error) for kind, codec, rates, counts, error in WRITTEN for r in rates for n in counts]
BY_FFMPEG = [(*row[:2], r, n, *row[4:]) for row in ENCODED for r in row[2] for n in row[3]]


def heard(source, rate: int) -> np.ndarray:
    """The decoded mean of the channels (n,), checked on its way."""
    checked = audio.CheckedRecording(source)
    x = np.concatenate(list(audio.read_blocks(checked, rate)))
    assert (checked.info.sample_rate, checked.info.note, checked.info.flat) == (rate, "", "")
    assert checked.info.duration_s == len(x) / rate
    return x


def refused_or_noted(data: bytes) -> str:
    try:
        return audio.check(data).note
    except audio.AudioError as e:
        return str(e)


@pytest.mark.parametrize(("kind", "codec", "rate", "channels", "error"), WHOLE)
def test_written_by_libsndfile(tmp_path, kind, codec, rate, channels, error):
    x, path = signal(rate, channels), tmp_path / "any.name"
    sf.write(path, x, rate, codec, format=kind)
    data, got = path.read_bytes(), heard(path, rate)
    np.testing.assert_array_equal(heard(data, rate), got)
    wanted = x.mean(1)
    if error < 0:
        assert len(got) / rate == pytest.approx(SECONDS, abs=0.06)
        assert closeness(got, wanted) > -error
    else:
        assert len(got) == len(wanted)
        np.testing.assert_allclose(got, wanted, rtol=0, atol=error)
    for share in (0.3, 0.77):
        said = refused_or_noted(data[: int(len(data) * share)])
        assert "truncated" in said or "breaks off" in said or "cannot be decoded" in said
    assert refused_or_noted(data[: -(len(data) // 50)])


@needs_ffmpeg
@pytest.mark.parametrize(("name", "options", "rate", "channels", "longer", "least_db"), BY_FFMPEG)
def test_written_by_ffmpeg(tmp_path, name, options, rate, channels, longer, least_db):
    x = signal(rate, channels)
    path = encoded(tmp_path / name, x, rate, *options)
    got = heard(path, rate)
    assert SECONDS - longer - 1e-6 <= len(got) / rate <= SECONDS + longer + 1e-6
    assert closeness(got, x.mean(1)) > least_db
    data = path.read_bytes()
    np.testing.assert_array_equal(heard(data, rate), got)
    for cut in (0.3, 0.77, 0.98):
        # A transport stream and frames of MP2 promise nothing; one of several bytes is no frame's edge.
        if name != "a.ts":
            assert refused_or_noted(data[: int(len(data) * cut) // 7 * 7 + 1])
