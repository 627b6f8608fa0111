"""The server of a listening report: every recording can be heard, and what is said of labels is kept in a file.

It is for one person on this machine: it listens on loopback, answers requests for its own names alone, asks for the
token of this start, and takes marks from its own page alone. No request names a file: recordings are numbers of the
report, and the report's paths must lie below the audio's folder.
"""

import datetime
import hmac
import json
import secrets
import socket
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from earmark.audio import ChannelFolder, Root
from earmark.data import manifest
from earmark.errors import EarmarkError
from earmark.evaluation.listening import clips, page
from earmark.evaluation.listening.marking import MarkFile

HOST = "127.0.0.1"
BODY = 16 * 1024  # bytes of a mark
HEARD_S = 600.0  # of a recording
TOKEN = "X-Earmark-Token"
NO_TOKEN = "The token of this `earmark listen` is missing; open the address that it printed."
LONGEST_S = 1e6  # of any recording
UNPRINTED = ("Cc", "Cs", "Zl", "Zp")  # control signs, halves of signs, ends of lines and paragraphs
UNMARKED = "A mark needs recording, start_s (seconds or null), status, corrected and note."
TEXTS = {"status": 20, "corrected": 200, "note": 1000}  # of a mark, and their most characters
SELF = "'self'"  # to whom the page may talk
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": page.policy(SELF) + "; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def serve(report: Mapping[str, Any], root: Root, kept: MarkFile, port: int, started: Callable[[str], None]) -> None:
    """Serve a report on a port of this machine until Ctrl-C. started: is told the page's address."""
    import uvicorn

    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        token, port = secrets.token_urlsafe(), listener.getsockname()[1]
        served = app(report, root, kept, port, token)
        config = uvicorn.Config(served, log_level="warning", access_log=False, server_header=False)
        listener.listen()  # whoever asks now is answered as soon as the server runs
        started(f"http://{HOST}:{port}/?token={token}")
        uvicorn.Server(config).run([listener])


def app(report: Mapping[str, Any], root: Root, kept: MarkFile, port: int, token: str) -> ASGIApp:
    """The server. root: the folder of the audio. kept: where marks go. token: what every request must know."""

    async def shown(request: Request) -> Response:
        if not _knows(token, request.query_params.get("token", "")):
            return PlainTextResponse("Open the address that `earmark listen` printed.", 403)
        try:
            marking = {"token": token, "file": kept.path.name, "marks": kept.shown()}
        except EarmarkError as e:  # somebody changed the file meanwhile
            return PlainTextResponse(str(e), 422)
        return HTMLResponse(page.page(report, marking, SELF))

    def clip(request: Request) -> Response:  # (not async: decoding goes to a thread of its own)
        place = request.path_params["place"]
        if not _knows(token, request.headers.get(TOKEN, "")):
            return PlainTextResponse(NO_TOKEN, 403)
        if place >= len(report["recordings"]):
            return PlainTextResponse("There is no such recording.", 404)
        try:
            files = [_inside(root, name) for name in report["recordings"][place]["files"]]
        except EarmarkError as e:
            return JSONResponse({"reason": str(e)})
        return JSONResponse(clips.clip(files, 0.0, HEARD_S, report["spectrogram"]))

    async def mark(request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return PlainTextResponse(f"A mark may have at most {BODY} bytes.", 413, {"Connection": "close"})
        try:
            place, start_s, said = _mark(body)
            kept.say(place, start_s, said, datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"))
        except EarmarkError as e:
            return PlainTextResponse(str(e), 422)
        return Response(status_code=204)

    routes = [Route("/", shown), Route("/clip/{place:int}", clip), Route("/mark", mark, methods=["POST"])]
    return Guarded(Starlette(routes=routes), port, token)


class Guarded:
    """An application that answers requests to its own names on loopback alone, and writes for its own page alone."""

    def __init__(self, inner: ASGIApp, port: int, token: str):
        self.inner, self.token = inner, token
        self.hosts = {f"{name}:{port}" for name in (HOST, "localhost", "[::1]")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refusal = self._refused(Headers(scope=scope), scope["method"]) if scope["type"] == "http" else None
        answer = PlainTextResponse(refusal, 403, {"Connection": "close"}) if refusal else self.inner
        await answer(scope, receive, guarded)

    def _refused(self, headers: Headers, method: str) -> str | None:
        if headers.get("host") not in self.hosts:
            return "This server answers only at 127.0.0.1 or localhost; open the address that `earmark listen` printed."
        if method in ("GET", "HEAD"):
            return None
        if headers.get("origin") not in {f"http://{host}" for host in self.hosts}:
            return "Marks are accepted only from this server's own page."
        if headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return "Marks are accepted only from this server's own page."
        if headers.get("content-type", "").partition(";")[0] != "application/json":
            return "A mark must be JSON."
        return None if _knows(self.token, headers.get(TOKEN, "")) else NO_TOKEN


def _knows(token: str, given: str) -> bool:
    return hmac.compare_digest(token.encode(), given.encode())


async def _body(request: Request) -> bytes | None:
    """The body of a request, None as soon as it is longer than BODY, whatever length it states."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > BODY:
            return None
    return body


def _mark(body: bytes) -> tuple[int, float | None, dict[str, str]]:
    """Recording, start of the segment and what is said of it. Raises EarmarkError for anything else."""
    try:
        given = json.loads(body)
        place = given["recording"]
        start_s = given["start_s"]
        said = {name: given[name].strip() for name in TEXTS}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise EarmarkError(UNMARKED) from None
    if type(place) is not int or not (start_s is None or (type(start_s) in (int, float) and abs(start_s) < LONGEST_S)):
        raise EarmarkError(UNMARKED)
    for name, most in TEXTS.items():
        if len(said[name]) > most or any(unicodedata.category(sign) in UNPRINTED for sign in said[name]):
            raise EarmarkError(
                f"The {name} is longer than {most} characters, or contains line breaks or other control characters."
            )
    return place, start_s, said


def _inside(root: Root, name: str) -> Any:
    """A recording that the report names, below the folder of the audio."""
    folder: Path = root.root if isinstance(root, ChannelFolder) else root
    return root / manifest.below(folder, name, "manifest.csv")
