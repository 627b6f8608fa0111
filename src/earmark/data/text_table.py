"""CSV as people's programs write it, read into rows, or refused by file and line.

Read are UTF-8 and, by their marks, UTF-16 and UTF-32; commas, semicolons, tabs or bars between the fields; any ends of
lines; blank lines and comments (#) before the header; names of columns in any case; an index without a name, as pandas
writes it, and empty columns at the end, as spreadsheets do.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from earmark.data.names import nfc
from earmark.errors import EarmarkError, nearest

# UTF-32's mark begins with that of UTF-16.
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
KNOWN = ("path", "label", "group", "split", "fold", "lab", "key", "key_lab", "utterance")
NAMELESS = re.compile(r"(Unnamed: \d+(\.\d+)?(_level_\d+)?)?")
LINE_END = re.compile(rb"\r\n|\r|\n")


def read(path: Path, required: tuple[str, ...]) -> tuple[list[str], dict[int, list[str]]]:
    """The names of the columns, and the fields of every row by its line.

    A column named as one that is `required` or known, but for its case, gets that name; those without a name are left
    out. Raises EarmarkError naming the line or the column.
    """
    lines = io.StringIO(_text(path), newline="").readlines()
    start, delimiter = _header(lines, required)
    rows = _rows(path, lines, start, delimiter)
    number, header = next(rows, (1, []))
    names = _names(path, number, header, required)
    kept = [i for i, name in enumerate(names) if name]
    fitted = {line: _fitted(path, line, fields, names, required, delimiter) for line, fields in rows}
    return [names[i] for i in kept], {line: [fields[i] for i in kept] for line, fields in fitted.items()}


def columns(path: Path, wanted: tuple[str, ...]) -> list[str]:
    """The names in the header alone, '' for a column without one; `wanted`: some that tell what stands between them."""
    lines = io.StringIO(_text(path), newline="").readlines()
    _, header = next(_rows(path, lines, *_header(lines, wanted)), (1, []))
    return _spelt(header, wanted)


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as e:
        raise EarmarkError(f"{path} cannot be read ({e.strerror}); put a readable table there.") from None
    encoding = next((name for mark, name in MARKS if raw.startswith(mark)), "utf-8")
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as e:
        line, byte = len(LINE_END.findall(raw[: e.start])) + 1, raw[e.start]
        was = f" ('{chr(byte)}' in Latin-1)" if encoding == "utf-8" and byte >= 0xA0 else ""
        raise EarmarkError(
            f"{path} cannot be read as CSV in UTF-8: line {line} holds the byte 0x{byte:02x}{was}; save it as UTF-8."
        ) from None
    if "\0" in text:
        line = len(LINE_END.findall(text.partition("\0")[0].encode())) + 1
        raise EarmarkError(f"{path} cannot be read as CSV in UTF-8: line {line} holds a NUL; save it as UTF-8.")
    return text


def _header(lines: list[str], required: tuple[str, ...]) -> tuple[int, str]:
    """The place of the header among the lines, and what stands between fields."""
    for place, line in enumerate(lines):
        if declared := re.fullmatch(r'"?sep=(.)"?\s*', line):  # as Excel has it
            return place + 1, declared[1]
        delimiter = max(DELIMITERS, key=lambda d: _found(line, d, required))
        comment = line.lstrip().startswith("#") and not _found(line, delimiter, required)[0]
        if line.strip(' \t\r\n"' + "".join(DELIMITERS)) and not comment:
            return place, delimiter
    return len(lines), ","


def _found(line: str, delimiter: str, required: tuple[str, ...]) -> tuple[int, int]:
    """How many of the required columns a header has with this delimiter, and how many columns."""
    names = {_plain(name).casefold() for name in line.split(delimiter)}
    return sum(name.casefold() in names for name in required), len(names)


def _plain(name: str) -> str:
    return nfc(name.strip(' \t\r\n\xa0"').lstrip("#").strip())


def _names(path: Path, line: int, header: list[str], required: tuple[str, ...]) -> list[str]:
    """The header's names, '' where a column has none. Refuses one that is there twice, and one that is missing."""
    names = _spelt(header, required)
    twice = next((name for i, name in enumerate(names) if name and name in names[:i]), None)
    if twice:
        raise EarmarkError(f"{path}, line {line} names the column '{twice}' twice; keep one.")
    for column in required:
        if column not in names:
            hint = nearest(column, filter(None, names)).rstrip(".")
            hint = f"its columns are{hint.removeprefix('known')}" if hint.startswith("known:") else hint
            raise EarmarkError(f"{path} has no column '{column}'; add it ({hint}).")
    while names and not names[-1]:
        names.pop()
    return names


def _spelt(header: list[str], required: tuple[str, ...]) -> list[str]:
    """The header's names, required and known ones as they are spelt here, '' where a column has none."""
    spelt = {name.casefold(): name for name in (*KNOWN, *required)}
    plain = ["" if NAMELESS.fullmatch(_plain(name)) else _plain(name) for name in header]
    return [spelt.get(name.casefold(), name) for name in plain]


def _rows(path: Path, lines: list[str], start: int, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """(line, fields) of every row that is not blank; the line is where it ends."""
    reader = csv.reader(lines[start:], delimiter=delimiter, strict=True, skipinitialspace=delimiter != "\t")
    line = start
    try:
        for fields in reader:
            line = start + reader.line_num
            if any(field.strip() for field in fields):
                yield line, [field.strip() for field in fields]
    except csv.Error as e:
        raise EarmarkError(
            f"{path} cannot be read as CSV: the row on line {line + 1} is broken ({e}); write quotes inside a quoted "
            "field twice."
        ) from None


def _fitted(
    path: Path, line: int, fields: list[str], names: list[str], required: tuple[str, ...], delimiter: str
) -> list[str]:
    """The fields of a row, one a column. Refuses more, unless they are empty, and fewer."""
    if any(fields[len(names) :]):
        between = DELIMITERS.get(delimiter, delimiter)
        raise EarmarkError(f"{path}, line {line} has more fields than the header; quote fields that hold a {between}.")
    missing = [name for name in names[len(fields) :] if name]
    if missing:
        name = next((name for name in missing if name in required), missing[0])
        raise EarmarkError(
            f"{path}, line {line}: '{name}' is empty, as the line has {len(fields)} of the header's {len(names)} "
            "fields; fill it in."
        )
    return fields[: len(names)]
