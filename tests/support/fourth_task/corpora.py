"""Folders of recordings with a label."""

from earmark.data import folder
from earmark.data.corpus import Corpora

CORPORA = Corpora({"folder": folder.read, "demo": folder.read}, "label")
