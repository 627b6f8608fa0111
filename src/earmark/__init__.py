"""earmark: audio models from a folder of recordings to a registry."""

__version__ = "0.1.0"
