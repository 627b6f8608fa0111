"""What only a person can say of a released bundle."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """What only a person can say of a release.

    about: what it knows, as in 'environmental sounds, ten classes of ESC-10'; data: the source with its
    licence; command: the very command, without folders of this machine.
    """

    about: str
    data: str
    command: str
