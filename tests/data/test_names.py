"""Names in one Unicode form, and what they name on the disk."""

import os

from earmark.data.names import Paths, name_matcher, nfc

NFC, NFD = "Caf\u00e9", "Cafe\u0301"


def test_one_form():
    assert nfc(NFD) == NFC
    assert nfc("a") == "a"


def test_a_list_means_the_very_name_before_another_form():
    meant = name_matcher([f"{NFD}/0.wav", "b", NFC, NFD])
    assert [meant(name) for name in (NFC, NFD, f"{NFC}/0.wav", f"{NFC}\\0.wav", "c")] == [
        NFC,
        NFD,
        f"{NFD}/0.wav",
        f"{NFD}/0.wav",
        "c",
    ]


def test_each_part_of_a_path_is_looked_up(tmp_path):
    (tmp_path / f"{NFD}/{NFC}").mkdir(parents=True)
    (tmp_path / f"{NFD}/{NFC}/{NFD}.wav").touch()
    paths = Paths(tmp_path)
    assert paths.below(f"{NFC}/{NFD}/{NFC}.wav") == f"{NFD}/{NFC}/{NFD}.wav"
    assert paths.below(f"{NFC}/none/{NFC}.wav") == f"{NFD}/none/{NFC}.wav"
    assert paths.below(f"{NFC}\\{NFD}\\{NFC}.wav") == f"{NFD}/{NFC}/{NFD}.wav"
    assert paths.below(str(tmp_path / f"{NFC}/{NFD}/{NFC}.wav")) == f"{NFD}/{NFC}/{NFD}.wav"
    assert paths.below("a\0.wav") == "a\0.wav"
    assert paths.below(300 * "a") == 300 * "a"


def test_outside(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    paths = Paths(root)
    for said in ("..", "../x", "a/../../x", "/etc/passwd", str(tmp_path), f"{root}x/a.wav", f"{root}/../x"):
        assert paths.below(said) is None, said
    assert paths.below(f"{root}/./a/../b.wav") == "b.wav"
    assert Paths(root.relative_to(tmp_path)).below("a.wav") == "a.wav"
    os.symlink(root, tmp_path / "link")
    assert paths.below(str(tmp_path / "link/a.wav")) == "a.wav"
