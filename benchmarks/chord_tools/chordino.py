"""Chordino (Mauch and Dixon, ISMIR 2010) through chord-extractor, which carries the compiled plug-in (Linux, x86-64).

pip install "setuptools<70" wheel "numpy<2"
pip install --no-build-isolation "vamp==1.1.0"
pip install "numpy<2" chord-extractor
"""

PACKAGES = ("chord-extractor", "vamp", "librosa", "numpy")
QUALITIES = {
    "": "maj",
    "m": "min",
    "dim": "dim",
    "aug": "aug",
    "6": "maj6",
    "m6": "min6",
    "7": "7",
    "maj7": "maj7",
    "m7": "min7",
    "m7b5": "hdim7",
    "dim7": "dim7",
}
NATURALS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
DEGREES = ("1", "b2", "2", "b3", "3", "4", "b5", "5", "b6", "6", "b7", "7")


def load():
    import soundfile
    from chord_extractor.extractors import Chordino

    chordino = Chordino(roll_on=1)  # as its README has it for pop songs

    def recognise(path):
        changes = chordino.extract(path)
        ends = [c.timestamp for c in changes[1:]] + [soundfile.info(path).duration]
        return [(c.timestamp, end, harte(c.chord)) for c, end in zip(changes, ends, strict=True)]

    return recognise


def harte(label):
    """Harte's spelling of Chordino's: 'Bbm7/F' is 'Bb:min7/5', an unaltered 'C' is 'C:maj'. Raises KeyError."""
    if label == "N":
        return label
    chord, _, bass = label.partition("/")
    root, quality = _root(chord)
    name = f"{root}:{QUALITIES[quality]}"
    degree = (_semitone(bass) - _semitone(root)) % 12 if bass else 0
    return f"{name}/{DEGREES[degree]}" if degree else name


def _root(chord):
    """The note a chord's name begins with, and the rest."""
    n = 2 if chord[1:2] in ("b", "#") else 1
    return chord[:n], chord[n:]


def _semitone(note):
    return NATURALS[note[0]] + note.count("#") - note.count("b")
