"""Voices for the walk of seed 004, made once a module."""

import pytest

import seed004_walk


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return seed004_walk.voices(tmp_path_factory.mktemp("voices"))


@pytest.fixture(scope="module")
def sounds(root):
    return seed004_walk.sounds(root)
