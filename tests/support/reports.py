"""A small listening report, recordings to hear in it, and its server."""

import http.client
import json
import socket
import threading
from dataclasses import asdict
from pathlib import Path

import numpy as np
import soundfile as sf
import uvicorn

from builders import sines
from earmark.evaluation.listening import marking, page, server

SCRIPT = "</script><script>window.broken = 1</script>"
TOKEN = "a-token-of-this-start"
MARK = {"recording": 1, "start_s": None, "status": "corrected", "corrected": "high", "note": ""}
PICTURE = "<img src=x onerror='window.broken = 1'>.wav"


def sounds(root: Path, names: tuple[str, ...] = ("a.wav", "b.wav")) -> None:
    """Recordings of two seconds, 220 Hz and then 1760."""
    for name in names:
        sf.write(root / name, np.concatenate([sines(220, 1.0), sines(1760, 1.0)]), 22050)


def report(**changes) -> page.ListeningReport:
    """Two recordings, the second taken for something else; neither is among the clips."""
    recordings = [page.ReportRecording(name, [name], "low", 2.0) for name in ("a.wav", "b.wav")]
    rows = [
        page.ReportRow([0], "recording", "low", "low", True, 0.9, 0.9, 0.1, (1, 1)),
        page.ReportRow([1], "recording", "low", "high", False, 0.8, 0.8, 0.8, (1, 0)),
    ]
    matrix = {"title": "Confusion", "rows": ["high", "low"], "columns": ["high", "low"], "values": [[0, 0], [1, 1]]}
    facts = {
        "task": "genre",
        "title": "What the model heard",
        "intro": ["Two recordings."],
        "figures": [("accuracy", 0.5, 0.1, 0.9)],
        "kinds": {"recording": "test recordings"},
        "recordings": recordings,
        "rows": rows,
        "clips": [],
        "matrix": matrix | {"unit": "recordings"},
        "labels": ["high", "low"],
    }
    return page.ListeningReport(**{**facts, **changes})


def chords(**changes) -> page.ListeningReport:
    """One song of two chords, the second heard as the first."""
    lanes = [
        {"name": "true", "segments": [[0.0, 1.0, "C:maj"], [1.0, 2.0, "A:min"]]},
        {"name": "heard", "segments": [[0.0, 2.0, "C:maj"]]},
        {"name": "differs", "segments": [[1.0, 2.0, ""]]},
    ]
    rows = [
        page.ReportRow([0], "song", "key C:maj", "key C:maj", None, 0.5, 0.5, 0.5),
        page.ReportRow([0], "chord", "A:min", "C:maj", False, 0.7, 0.7, 0.7, (1, 0), (1.0, 2.0)),
    ]
    matrix = {"title": "Confusion of qualities", "rows": ["maj", "min"], "columns": ["maj", "min"]}
    facts = {
        "task": "chord",
        "kinds": {"song": "test recordings", "chord": "stretches"},
        "recordings": [page.ReportRecording("a.wav", ["a.wav"], "", 2.0, lanes=lanes)],
        "rows": rows,
        "matrix": matrix | {"values": [[1.0, 0.0], [1.0, 0.0]], "unit": "s"},
        "labels": ["A:min", "C:maj"],
        "corrects": "segment",
        "spectrogram": "cqt",
    }
    return report(**{**facts, **changes})


class Served:
    """A server in a thread, and the requests of a page that it served."""

    def __init__(self, folder, of: page.ListeningReport):
        self.file = folder / "review.csv"
        self.socket = socket.create_server((server.HOST, 0))
        self.port = self.socket.getsockname()[1]
        self.kept = marking.MarkFile(self.file, asdict(of), "f" * 64, "Ada")
        app = server.app(asdict(of), folder, self.kept, self.port, TOKEN)
        self.server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        self.thread = threading.Thread(target=self.server.run, args=([self.socket],))
        self.thread.start()

    def end(self):
        self.server.should_exit = True
        self.thread.join()
        self.socket.close()

    def ask(self, method: str, path: str, body=None, **headers: str | None):
        """Status, headers and body of the answer; headers are as the page sends them, but those that are given."""
        own = f"{server.HOST}:{self.port}"
        sent = {"Host": own, "X-Earmark-Token": TOKEN}
        if method == "POST":
            sent |= {"Origin": f"http://{own}", "Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection(server.HOST, self.port, timeout=20)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in sent.items():
            if value is not None:
                connection.putheader(name, value)
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        if isinstance(data, bytes):
            connection.putheader("Content-Length", str(len(data)))
        connection.endheaders(data if isinstance(data, bytes) else None)
        answer = connection.getresponse()
        found = answer.status, dict(answer.getheaders()), answer.read()
        connection.close()
        return found

    def mark(self, body=MARK, **headers):
        return self.ask("POST", "/mark", body, **headers)[0]
