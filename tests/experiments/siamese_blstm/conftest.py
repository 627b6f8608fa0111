"""Voices for the walk of siamese_blstm, made once a module."""

import pytest

import siamese_walk


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return siamese_walk.voices(tmp_path_factory.mktemp("voices"))


@pytest.fixture(scope="module")
def sounds(root):
    return siamese_walk.sounds(root)
