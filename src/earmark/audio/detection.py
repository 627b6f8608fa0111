"""What a file is, by its first bytes; its name is not asked."""

from earmark.audio import flac, foreign, mpeg, ogg, pcm
from earmark.audio.layout import ASKED, Layout, LayoutPart
from earmark.audio.source import AudioError, Data

# By first bytes (at an offset): the format's name and ffmpeg's demuxer, for what libsndfile does not read.
FOREIGN = (
    (4, b"ftyp", "MP4 or M4A", "mov"),
    (4, b"moov", "QuickTime", "mov"),
    (4, b"mdat", "QuickTime", "mov"),
    (4, b"wide", "QuickTime", "mov"),
    (0, bytes.fromhex("3026b2758e66cf11"), "Windows Media", "asf"),
    (0, bytes.fromhex("1a45dfa3"), "Matroska or WebM", "matroska"),
    (0, b"#!AMR", "AMR", "amr"),
    (0, b"wvpk", "WavPack", "wv"),
    (0, b"MAC ", "Monkey's Audio", "ape"),
    (0, b"TTA1", "True Audio", "tta"),
    (0, b"MPCK", "Musepack", "mpc8"),
    (0, b"MP+", "Musepack", "mpc"),
    (0, b"DSD ", "DSD", "dsf"),
    (0, b"FRM8", "DSD", "iff"),
    (0, b"FLV\x01", "Flash video", "flv"),
    (0, b".RMF", "RealAudio", "rm"),
    (0, bytes.fromhex("7ffe8001"), "DTS", "dts"),
    (8, b"AVI ", "AVI", "avi"),
)
PLAYLISTS = (b"#EXTM3U", b"ffconcat", b"[playlist]", b"[Reference]", b"<?xml", b"<asx", b"<ASX", b"file ", b"http")


def layout(data: Data) -> Layout:
    """The layout of a file's bytes. Raises AudioError for what can be no recording."""
    start = mpeg.after_id3(data, 0)
    head = data[start : start + 16]
    if start == 0 and (found := pcm.layout(data)):
        return found
    if head[:4] == b"fLaC":
        return flac.layout(data, start)
    if head[:4] == b"OggS":
        return ogg.layout(data, start)
    for at, magic, name, demuxer in FOREIGN:
        if head[at : at + len(magic)] == magic:
            return foreign.layout(data, name, demuxer)
    if found := foreign.adts(data, start) or foreign.ac3(data, start) or mpeg.layout(data, start):
        return found
    if len(data) >= 377 and data[0] == data[188] == data[376] == 0x47:
        return foreign.layout(data, "an MPEG transport stream", "mpegts")
    if data[:64].lstrip(b"\xef\xbb\xbf\r\n\t ").startswith(PLAYLISTS):
        raise AudioError("it is a playlist or another text file, not audio; name the recordings themselves")
    return Layout("unknown", (LayoutPart(promised=ASKED),))
