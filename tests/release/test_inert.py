"""Text that shows itself and does nothing, by an independent reader of CommonMark and GitHub's tables."""

import html
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from earmark.console import printable
from earmark.release import inert

READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
NASTY = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>.wav",
    "a|b",
    "`rm -rf`",
    "[x](javascript:alert(1))",
    "![x](https://a.example/pixel.png)",
    "**bold** _it_ ~~gone~~",
    "&lt;b&gt; &#42;",
    "\\<b\\>",
    "# heading",
    "    code",
    "1. list",
    "---",
    "http://a.example and www.a.example and me@a.example",
    "one\ntwo\r\n\n# three\ttab",
    "$x$",
)


def shown(text: str) -> str:
    """What a reader sees of rendered inline Markdown that has to be text alone."""
    (inline,) = [token for token in READER.parse(text) if token.type == "inline"]
    assert {child.type for child in inline.children} <= {"text", "text_special"}, text
    return "".join(child.content for child in inline.children).replace(inert.APART, "")


@pytest.mark.parametrize("text", NASTY)
def test_nasty_text_is_shown_as_it_is(text):
    assert shown(f"A {inert.markdown(text)} here.") == f"A {printable(text)} here."
    assert shown(inert.markdown(text)).strip() == printable(text).strip()
    assert [t.type for t in READER.parse(inert.markdown(text)) if t.nesting == 1] == ["paragraph_open"]


SIGNS = st.text(st.sampled_from(list("\\`*_{}[]()<>#+-.!|~&;:=/\"'$@ \n\tab1")), max_size=30)


@given(SIGNS | st.text(max_size=30))
@example("1)")
@example("www.x")
@example("a\u202egnp.exe")
def test_any_text_is_one_paragraph_or_cell_of_text(text):
    made = inert.markdown(text)
    assert "\n" not in made
    assert not re.search(r"<|[a-z]://|www\.|\w@", made)
    assert shown(f"A {made}.") == f"A {expected(text)}.".replace(inert.APART, "")
    head, cells = "| a | b |\n|---|---|\n", f"| {made} | c |\n"
    kinds = [t.type for t in READER.parse(head + cells)]
    assert (kinds.count("tr_open"), kinds.count("td_open")) == (2, 2)


def expected(text: str) -> str:
    return re.sub("[\u200e\u200f\u061c\u2028-\u202e\u2066-\u2069]", lambda c: f"\\u{ord(c[0]):04x}", printable(text))


def test_names_read_well_in_the_file_itself():
    assert inert.markdown("hip-hop & r'n'b (1990s)") == "hip-hop &amp; r'n'b (1990s)"
    assert inert.markdown("audio/blues_001.flac") == r"audio/blues\_001.flac"
    assert inert.markdown("a\u202egnp.wav") == r"a\\u202egnp.wav"


@pytest.mark.parametrize("text", ["a", "```\n<b>", "a ```` b\n```", "~~~\n```yaml"])
def test_code_ends_where_it_is_meant_to(text):
    (token,) = READER.parse(inert.code(text, "yaml"))
    assert (token.type, token.info, token.content) == ("fence", "yaml", f"{text}\n")
    assert html.escape(text, quote=False) in READER.render(inert.code(text))


def test_an_address_is_text():
    for text, made in (
        ("http://a.example", "http:{}//a.example"),
        ("HTTPS://a", "HTTPS:{}//a"),
        ("www.a.example", "www{}.a.example"),
        ("me@a.example", "me{}@a.example"),
    ):
        assert inert.markdown(text) == made.format(inert.APART)


def test_a_sign_before_a_number_stays_readable():
    assert [inert.markdown(text) for text in ("+0.300", "-5 dB", "2.5 s")] == ["+0.300", "-5 dB", "2.5 s"]
