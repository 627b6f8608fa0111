"""Recordings: what a file is, whether it is whole, and its samples in blocks."""

from earmark.audio.reading import (
    CANCELLED,
    CheckedRecording,
    Info,
    as_checked,
    check,
    read_blocks,
    read_rates,
    read_stereo,
)
from earmark.audio.sndfile import BLOCK_S
from earmark.audio.source import AudioError, Channel, ChannelFolder, File, Root, Source, folder

EXTENSIONS = (
    *(".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".mp2", ".mpga", ".aif", ".aiff", ".aifc", ".au"),
    *(".snd", ".caf", ".w64", ".rf64", ".bwf", ".nist", ".sph"),
    # with ffmpeg
    *(".m4a", ".m4b", ".mp4", ".aac", ".adts", ".wma", ".webm", ".mka", ".weba", ".amr", ".3gp", ".ac3", ".eac3"),
    *(".wv", ".ape", ".tta", ".mpc", ".dsf", ".dff", ".dts", ".ra"),
)

__all__ = [
    "BLOCK_S",
    "CANCELLED",
    "EXTENSIONS",
    "AudioError",
    "Channel",
    "ChannelFolder",
    "CheckedRecording",
    "File",
    "Info",
    "Root",
    "Source",
    "as_checked",
    "check",
    "folder",
    "read_blocks",
    "read_rates",
    "read_stereo",
]
