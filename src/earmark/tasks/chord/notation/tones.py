"""The notes of a chord name of popular music: what stands behind its root, read from left to right.

`pop` says what the spellings mean.
"""

import re

MAJOR = r"(?:major|Major|MAJOR|maj|Maj|MAJ|ma(?!dd)|Ma(?!dd)|MA(?!DD)|M(?![Ii])|\^|j(?=\d))"
KINDS = {
    "major": MAJOR,
    "minor": r"minor|Minor|MINOR|min|Min|MIN|mi|Mi|MI|m|-(?!5)",
    "half": r"half-?dim(?:inished)?|hdim|ø",
    "dim": r"diminished|[Dd]im|DIM|o(?!mit)",
    "aug": r"augmented|[Aa]ug|AUG|\+(?!1[13])",
    "": r"dom(?=\d)",
}
TRIADS = {"minor": (3, 7), "half": (3, 6), "dim": (3, 6), "aug": (4, 8)}
SEVENTHS = {"major": 11, "dim": 9}
NATURAL = {"2": 2, "4": 5, "5": 7, "6": 9, "7": 10, "9": 2, "11": 5, "13": 9}
REST = re.compile(
    rf"""(?P<sus>(?:sus|Sus|SUS)(?P<to>2sus4|4sus2|24|2|4)?)(?P<then>7|9|13)?
    | (?:no|omit|Omit)(?P<gone>[35])(?:rd|th)?
    | (?:add|Add|ADD)(?P<add>[b#]?(?:13|11|9|7|6|4|2))
    | (?P<altered>[b#+-](?:13|11|9|7|6|5|4))
    | (?P<major>(?P<slash>/)?{MAJOR}(?P<up>7|9|11|13)?)
    | (?P<raised>\+|[Aa]ug)
    | (?P<open>[(\[]) | (?P<close>[)\]]) | (?P<number>13|11|9|7|6|4|2) | (?P<between>[,/])""",
    re.VERBOSE,
)


class Tones:
    """A chord's semitones above the root, while its name is read.

    thirds, fifths: what sounds of these, a suspension among the thirds; fifth: the kind's own. seventh: None where
    there is none. stack: what 9, 11 and 13 bring with them, by degree. more: others. changed: by an alteration or a
    suspension. depth: of brackets.
    """

    def __init__(self, kind: str):
        self.kind = kind
        third, self.fifth = TRIADS.get(kind, (4, 7))
        self.thirds, self.fifths = {third}, {self.fifth}
        self.seventh: int | None = None
        self.stack: dict[str, int] = {}
        self.more: set[int] = set()
        self.changed = False
        self.depth = 0

    @classmethod
    def of(cls, text: str) -> frozenset[int] | None:
        """The semitones of what stands behind the root; None where it cannot be understood."""
        kind, rest = _kind(text)
        found, at = cls(kind), 0
        if (rest := found._numbered(rest, text)) is None:
            return None
        while at < len(rest):
            token = REST.match(rest, at)
            if token is None or not found._take(token.groupdict()):
                return None
            at = token.end()
        return None if found.depth else found._all()

    def _all(self) -> frozenset[int]:
        eleventh = {"11"} if self.changed and "13" in self.stack else set()
        stack = {tone for degree, tone in self.stack.items() if degree not in eleventh}
        seventh = set() if self.seventh is None else {self.seventh}
        return frozenset({0} | self.thirds | self.fifths | seventh | stack | self.more)

    def _numbered(self, rest: str, text: str) -> str | None:
        """What is left behind the number that follows the kind."""
        if match := re.match(r"6(?:[/,]?9|\(9\)|add9)", rest):
            self.more |= {9, 2}
        elif match := re.match(r"(13|11|9|7)(M(?![Ii]))?", rest):  # 7M is what Brazil and France call maj7
            self._up_to(match[1], 11 if match[2] else SEVENTHS.get(self.kind, 10))
        elif match := re.match(r"[2456]", rest):
            return self._few(match[0], rest[1:])
        elif self.kind == "half" or text.startswith("^"):
            self._up_to("7", SEVENTHS.get(self.kind, 10))
        return rest[match.end() :] if match else rest

    def _few(self, number: str, rest: str) -> str | None:
        if number == "6":
            self.more.add(9)
        elif number == "5":
            if self.kind not in ("", "aug"):
                return None
            self.thirds = set() if self.kind == "" else self.thirds
        elif self.kind:
            return None
        elif number == "2":
            self.more.add(2)
        else:
            self.thirds = {5}
        return rest

    def _up_to(self, number: str, seventh: int) -> None:
        """The seventh, and what the number stacks upon it."""
        self.seventh = seventh
        for degree in ("9", "11", "13"):
            if int(degree) <= int(number):
                self.stack[degree] = NATURAL[degree]

    def _take(self, said: dict[str, str | None]) -> bool:
        """Count a token in; whether it can be understood."""
        if said["sus"]:
            return self._suspend(said["to"] or "4", said["then"])
        if said["gone"]:
            of = self.thirds if said["gone"] == "3" else self.fifths
            there = bool(of)
            of.clear()
            return there
        if said["add"]:
            self.more.add(_semitones(said["add"]))
            return True
        if said["altered"]:
            return self._alter(said["altered"])
        if said["major"]:
            return (self.kind == "minor" or not said["slash"]) and self._major(said["up"])
        return self._mark(said)

    def _mark(self, said: dict[str, str | None]) -> bool:
        """Brackets and what is between tones, a number in them, and a raised fifth without one."""
        if said["raised"]:
            return self._alter("#5")
        if said["number"]:
            return self._number(said["number"])
        if said["between"]:
            return self.depth > 0
        self.depth += 1 if said["open"] else -1
        return self.depth in (0, 1)

    def _number(self, number: str) -> bool:
        if self.depth == 0:
            return False
        if number == "7":
            self._up_to("7", SEVENTHS.get(self.kind, 10))
        else:
            self.more.add(NATURAL[number])
        return True

    def _suspend(self, to: str, then: str | None) -> bool:
        self.thirds = {{"2": 2, "4": 5}[digit] for digit in to if digit in "24"}
        self.changed = True
        if then and self.seventh is not None:
            return False
        if then:
            self._up_to(then, 10)
        return True

    def _major(self, up: str | None) -> bool:
        """`maj7` behind the kind: m(maj7), +maj7, dim(maj7)."""
        if self.seventh is not None or self.kind == "major":
            return False
        self._up_to(up or "7", 11)
        return True

    def _alter(self, text: str) -> bool:
        sign, degree = text[0].translate(str.maketrans("+-", "#b")), text[1:]
        tone = _semitones(sign + degree)
        if degree == "5":
            self.fifths = (self.fifths - {self.fifth}) | {tone}
        elif degree == "7":
            if self.seventh is not None:
                return False
            self.seventh = 11 if sign == "#" else 10
        else:
            self.stack.pop(degree, None)
            self.more.add(tone)
            self.changed = True
        return True


def _kind(text: str) -> tuple[str, str]:
    """Which kind of chord the text begins with, '' for none, and the rest."""
    for kind, pattern in KINDS.items():
        if match := re.match(pattern, text):
            return kind, text[match.end() :]
    return "", text


def _semitones(degree: str) -> int:
    return (NATURAL[degree.lstrip("b#")] + degree.count("#") - degree.count("b")) % 12
