"""The server of a listening report, asked as a browser asks, and as one that means ill."""

import base64
import io
import json
import socket
import time

import numpy as np
import pytest
import soundfile as sf

from earmark.data import marks
from earmark.evaluation.listening import page, server
from reports import MARK, SCRIPT, TOKEN, Served, report, sounds


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audio")
    sounds(folder)
    one = Served(folder, report())
    yield one
    one.end()


@pytest.fixture
def served(running):
    """The server without a mark."""
    running.file.unlink(missing_ok=True)
    return running


def test_the_page_is_served_with_the_token_of_this_start_alone(served):
    status, headers, body = served.ask("GET", f"/?token={TOKEN}")
    assert status == 200
    assert b'"token":"a-token-of-this-start"' in body
    policy = headers["content-security-policy"]
    assert policy == page.policy("'self'") + "; frame-ancestors 'none'"
    assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")
    assert headers["referrer-policy"] == "no-referrer"
    for path in ("/", "/?token=", "/?token=another", "/?token=%C3%A9"):
        status, _, body = served.ask("GET", path)
        assert (status, b"a-token-of-this-start" in body) == (403, False)


def test_every_recording_can_be_heard_by_its_number(served):
    status, headers, body = served.ask("GET", "/clip/1")
    assert (status, headers["content-type"]) == (200, "application/json")
    clip = json.loads(body)
    samples, rate = sf.read(io.BytesIO(base64.b64decode(clip["sound"])))
    assert clip["seconds"] == 2.0
    assert np.abs(np.fft.rfft(samples[: rate // 2])).argmax() * 2 == pytest.approx(220, abs=10)
    assert served.ask("GET", "/clip/2")[0] == 404
    assert served.ask("GET", "/clip/1", X_Earmark_Token=None)[0] == 403


@pytest.mark.parametrize(
    "path",
    ["/../review.csv", "/clip/../../etc/passwd", "/clip/..%2f..%2fetc%2fpasswd", "/clip/-1", "/a.wav", "//a.wav"],
)
def test_no_path_of_a_request_is_opened(served, path):
    status, _, body = served.ask("GET", path)
    assert (status, b"root:" in body) == (404, False)


def test_a_path_of_the_report_that_leaves_the_folder_is_not_opened(tmp_path):
    (tmp_path / "in").mkdir()
    sounds(tmp_path)
    one = Served(tmp_path / "in", report(recordings=[page.ReportRecording("x", ["../a.wav"], "low", 1.0)], rows=[]))
    try:
        clip = json.loads(one.ask("GET", "/clip/0")[2])
        assert clip.keys() == {"reason"}
        assert "lies outside" in clip["reason"]
    finally:
        one.end()


def test_a_mark_is_kept(served):
    assert served.mark() == 204
    (mark,) = marks.read(served.file)
    assert (mark.path, mark.label, mark.status, mark.corrected, mark.by) == ("b.wav", "low", "corrected", "high", "Ada")
    assert abs(time.time() - time.mktime(time.strptime(mark.at[:19], "%Y-%m-%dT%H:%M:%S")) + time.timezone) < 60
    assert b'"status":"corrected"' in served.ask("GET", f"/?token={TOKEN}")[2]


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:{port}"},
        {"Host": "127.0.0.1"},
        {"Host": None},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": None},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"X_Earmark_Token": None},
        {"X_Earmark_Token": "another"},
        {"Content_Type": "text/plain"},
        {"Content_Type": "application/x-www-form-urlencoded"},
    ],
)
def test_a_mark_from_elsewhere_is_refused(served, headers):
    given = {name: value and value.format(port=served.port) for name, value in headers.items()}
    assert served.mark(**given) in (400, 403)
    assert not served.file.exists()


def test_a_foreign_name_is_told_nothing(served):
    for path in (f"/?token={TOKEN}", "/clip/0"):
        status, headers, body = served.ask("GET", path, Host="evil.example")
        said = b"This server answers only at 127.0.0.1 or localhost; open the address that `earmark listen` printed."
        assert (status, body) == (403, said)
        assert "content-security-policy" in headers
    for name in ("localhost", "[::1]"):
        assert served.ask("GET", f"/?token={TOKEN}", Host=f"{name}:{served.port}")[0] == 200


def test_a_long_body_is_cut_off_while_it_is_read(served):
    """Its length is not stated: it comes in parts without end, and the server must not wait for the last."""
    own = f"{server.HOST}:{served.port}"
    head = (
        f"POST /mark HTTP/1.1\r\nHost: {own}\r\nOrigin: http://{own}\r\nX-Earmark-Token: {TOKEN}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with socket.create_connection((server.HOST, served.port), timeout=20) as client:
        client.sendall(head.encode())
        for _ in range(5):
            client.sendall(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")
        answer = client.recv(4096)
    assert answer.startswith(b"HTTP/1.1 413")
    assert served.mark({**MARK, "note": "x" * server.BODY}) == 413
    assert not served.file.exists()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"[" * 8000,
        {**MARK, "recording": "1"},
        {**MARK, "recording": True},
        {**MARK, "recording": 9},
        {**MARK, "recording": -1},
        {**MARK, "start_s": "0"},
        {**MARK, "start_s": 1.0},
        {**MARK, "status": "perhaps"},
        {**MARK, "corrected": ""},
        {**MARK, "corrected": 3},
        {**MARK, "corrected": "x" * 201},
        {**MARK, "note": "two\nlines"},
        {**MARK, "start_s": 10**400},
        {**MARK, "start_s": float("inf")},
        {k: v for k, v in MARK.items() if k != "note"},
    ],
)
def test_what_is_no_mark_is_refused(served, body):
    assert served.mark(body) == 422
    assert not served.file.exists()


def test_a_label_may_be_markup_and_stays_text(served):
    assert served.mark({**MARK, "corrected": SCRIPT}) == 204
    assert marks.read(served.file)[0].corrected == SCRIPT
    assert SCRIPT.encode() not in served.ask("GET", f"/?token={TOKEN}")[2]


def test_signs_that_have_no_shape_of_their_own_are_part_of_words(served):
    assert served.mark({**MARK, "corrected": "می\u200cخواهم\u00a0را"}) == 204
    assert marks.read(served.file)[0].corrected == "می\u200cخواهم\u00a0را"


def test_a_file_that_somebody_broke_meanwhile_is_said(served):
    served.file.write_text("path,label,status\nb.wav,low,perhaps\n")
    status, _, body = served.ask("GET", f"/?token={TOKEN}")
    assert (status, b"line 2: 'perhaps' is not a status" in body) == (422, True)
    assert served.mark() == 422
    assert served.file.read_text() == "path,label,status\nb.wav,low,perhaps\n"


def test_other_methods_and_addresses(served):
    assert served.ask("GET", "/mark")[0] == 405
    assert served.ask("POST", "/", MARK)[0] == 405
    assert served.ask("GET", "/docs")[0] == 404
