"""The page that plays what a model got wrong: one shell, table and player for every task, all inside one HTML file."""

import base64
import html
from collections.abc import Callable, Iterable
from pathlib import Path

from earmark.audio import AudioError


def write(path: Path, title: str, intro: str, body: str) -> None:
    """Write the page; title: text. intro, body: HTML."""
    path.write_text(_PAGE.format(title=html.escape(title), intro=intro, body=body), encoding="utf-8")


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; head: text, rows: HTML of their cells."""
    names = "".join(f"<th>{html.escape(name)}</th>" for name in head)
    lines = ["<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>" for cells in rows]
    return "\n".join([f"<table><tr>{names}</tr>", *lines, "</table>"])


def player(sound: Callable[[], bytes]) -> str:
    """A player of MP3 (`evaluation.sounds` makes it), or the reason why a recording cannot be played."""
    try:
        data = base64.b64encode(sound()).decode()
    except (AudioError, OSError) as e:
        return f"(not playable: {html.escape(str(e))})"
    return f'<audio controls preload="none" src="data:audio/mpeg;base64,{data}"></audio>'


def picture(png: bytes, alt: str) -> str:
    """A picture as wide as the page."""
    return f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{base64.b64encode(png).decode()}">'


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body{{font:15px sans-serif;margin:2em}}td,th{{padding:.4em .8em;text-align:left;vertical-align:top}}
tr:nth-child(even){{background:#f3f3f3}}img{{width:100%;max-width:1200px}}audio{{display:block}}
section{{margin-bottom:2em}}section h2{{font-size:1.1em;margin-bottom:0}}section p{{margin:.3em 0}}</style></head><body>
<h1>{title}</h1>
<p>{intro}</p>
{body}
</body></html>
"""
