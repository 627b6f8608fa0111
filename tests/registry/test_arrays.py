"""Samples in memory as a recording: not one changed, and refused where their scale, axes or rate is not clear."""

import io

import numpy as np
import pytest
import soundfile as sf
import torch

from builders import noise, sines
from earmark import audio
from earmark.audio import AudioError
from earmark.registry import arrays

RATE = 16000
MONO = sines(440.0, 0.1, RATE)
STEREO = np.stack([MONO, noise(0.1, RATE)])


def read(data: bytes) -> np.ndarray:
    """What the models read of a recording, float32 (n,)."""
    return np.concatenate(list(audio.read_blocks(data, RATE)))


def reason(array, rate=RATE) -> str:
    with pytest.raises(AudioError) as error:
        arrays.wav(array, rate)
    return str(error.value)


@pytest.mark.parametrize(
    "array",
    [
        MONO,
        MONO[:, None],
        MONO[None],
        MONO[::-1][::-1],
        MONO.astype(np.float64),
        MONO.astype(">f4"),
        MONO.tolist(),
        torch.from_numpy(MONO),
        torch.from_numpy(MONO)[None],
    ],
    ids=lambda a: f"{type(a).__name__}{getattr(a, 'dtype', '')}{np.shape(a)}",
)
def test_mono_samples_are_read_as_they_are(array):
    np.testing.assert_array_equal(read(arrays.wav(array, RATE)), MONO)


@pytest.mark.parametrize("array", [STEREO, STEREO.T, np.asfortranarray(STEREO), STEREO.tolist()])
def test_channels_are_the_short_axis(array):
    left_and_right = np.concatenate(list(audio.read_stereo(arrays.wav(array, RATE), RATE)), axis=1)
    np.testing.assert_array_equal(left_and_right, STEREO)


@pytest.mark.parametrize(
    ("array", "scale"),
    [
        (np.array([-32768, -1, 0, 1, 32767] * 400, np.int16), 2.0**15),
        (np.array([-32768, -1, 0, 1, 32767] * 400, ">i2"), 2.0**15),
        (np.array([-(2**31), -(2**8), 0, 2**8, 2**31 - 2**8] * 400, np.int32), 2.0**31),
    ],
)
def test_integers_have_the_full_scale_of_their_type(array, scale):
    np.testing.assert_array_equal(read(arrays.wav(array, RATE)), (array / scale).astype(np.float32))


def test_eight_bits_are_unsigned():
    samples = np.array([0, 127, 128, 129, 255] * 400, np.uint8)
    np.testing.assert_array_equal(read(arrays.wav(samples, RATE)), ((samples - 128.0) / 128).astype(np.float32))


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_it_is_read_as_the_file_that_it_was_taken_from(tmp_path, subtype):
    sf.write(tmp_path / "a.wav", STEREO.T, RATE, subtype=subtype)
    for dtype in ("float32", "float64", "int32"):
        if subtype in ("FLOAT", "DOUBLE") and dtype == "int32":
            continue
        taken, rate = sf.read(tmp_path / "a.wav", dtype=dtype)
        np.testing.assert_array_equal(read(arrays.wav(taken, rate)), read((tmp_path / "a.wav").read_bytes()))


@pytest.mark.parametrize(
    "rate", [RATE, float(RATE), np.int64(RATE), np.float32(RATE), np.array(RATE), np.array([RATE])]
)
def test_a_rate_is_a_whole_number_however_it_is_held(rate):
    assert sf.info(io.BytesIO(arrays.wav(MONO, rate))).samplerate == RATE


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        ("16000", "its 'sample_rate' must be a number of Hz, not '16000'"),
        (True, "its 'sample_rate' must be a number of Hz, not True"),
        (None, "its 'sample_rate' must be a number of Hz, not None"),
        (float("inf"), "its 'sample_rate' must be a number of Hz, not inf"),
        ([RATE, RATE], "its 'sample_rate' must be a number of Hz, not [16000, 16000]"),
        (16, "its 'sample_rate' must be a whole number of Hz from 1000 to 1000000, not 16"),
        (0, "its 'sample_rate' must be a whole number of Hz from 1000 to 1000000, not 0"),
        (-RATE, "its 'sample_rate' must be a whole number of Hz from 1000 to 1000000, not -16000"),
        (22050.5, "its 'sample_rate' must be a whole number of Hz from 1000 to 1000000, not 22050.5"),
        (2_000_000, "its 'sample_rate' must be a whole number of Hz from 1000 to 1000000, not 2e+06"),
    ],
)
def test_what_is_no_rate(rate, said):
    assert reason(MONO, rate) == said


SCALE = "whose full scale is not known; give int16, int32 or uint8, or floats up to 1.0"


@pytest.mark.parametrize(
    ("array", "said"),
    [
        ([], "its 'array' holds no samples"),
        (np.zeros((2, 0), np.float32), "its 'array' holds no samples"),
        (np.ones(1600, np.int64), f"its 'array' is int64, {SCALE}"),
        ([1, -3, 5] * 400, f"its 'array' is int64, {SCALE}"),
        (np.ones(1600, np.uint16), f"its 'array' is uint16, {SCALE}"),
        (np.ones(1600, np.int8), f"its 'array' is int8, {SCALE}"),
        (np.ones(1600, bool), "its 'array' holds bool, not samples"),
        (np.ones(1600, complex), "its 'array' holds complex128, not samples"),
        (["a", "b"], "its 'array' holds text, not samples"),
        ([0.5, None], "its 'array' holds object, not samples"),
        ([[0.5, 0.5], [0.5]], "its 'array' is not an array of numbers: its parts differ in length or kind"),
        ([MONO, MONO], "its 'array' is a list of arrays; give one array per recording"),
        (
            np.zeros((1, 2, 1600), np.float32),
            "its 'array' is 1 x 2 x 1600; it must have one axis, or two, one of them for channels",
        ),
        (
            np.zeros((128, 400), np.float32),
            "its 'array' is 128 x 400, so it is not clear which axis holds the channels (at most 16)",
        ),
        (
            np.zeros((2, 16), np.float32),
            "its 'array' is 2 x 16, so it is not clear which axis holds the channels (at most 16)",
        ),
        (
            32768.0 * MONO,
            "its 'array' has a peak of 1.638e+04, where 1.0 is full scale; divide by the full scale of its integers",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_recording(array, said):
    assert reason(array) == said


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_sample_that_is_not_finite(broken, dtype):
    array = MONO.astype(dtype)
    array[700] = broken
    assert reason(array) == "its 'array' holds samples that are not finite"
    assert reason(np.stack([MONO, array])) == "its 'array' holds samples that are not finite"


def test_what_is_louder_than_full_scale_is_left_so():
    np.testing.assert_array_equal(read(arrays.wav(200 * MONO, RATE)), 200 * MONO)


def test_more_than_a_wav_file_holds(monkeypatch):
    monkeypatch.setattr(arrays, "LARGEST_WAV", 4 * len(MONO) - 1)
    data = arrays.wav(MONO, RATE)
    assert data[:4] == b"RF64"
    np.testing.assert_array_equal(read(data), MONO)
