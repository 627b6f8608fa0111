"""What one entry of the ledger says, checked as it is read: a promotion, a rollback, a refusal, a sync or an import."""

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

SCHEMA: Literal[1] = 1
AT = "%Y%m%dT%H%M%S.%fZ"
Kind = Literal["promotion", "rollback", "refusal", "sync", "imported"]
# A refusal, or a dry run that is kept as one, says nothing of who is champion.
DECIDING = ("promotion", "rollback", "sync", "imported")
Hash = Annotated[str, StringConstraints(pattern=r"^[\w.-]{1,64}$")]
Md5 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}(\.dir)?$")]
# Of the files of a version alone: a path is written to where a version is restored.
Output = Annotated[str, StringConstraints(pattern=r"^(data|models|reports)(/(?!\.\.?(/|$))[^/\\\0]+)+$")]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, regex_engine="python-re")


class Identity(_Strict):
    """A version, whatever its number in some store: two are the same by weights and train key.

    commit, dirty: of the run that trained it (see `training.provenance`). dvc: DVC's hashes of its files, by path.
    number: of the version in the store where the entry was made; None where it has none there. features_code: hash of
    the code that computed its features (see `versions.FEATURES_CODE`).
    """

    train_key: Hash
    model_sha256: Hash
    commit: str = "none"
    dirty: str = "none"
    dvc: dict[Output, Md5] = Field(default_factory=dict)
    number: int | None = None
    features_code: Hash | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What it is known by."""
        return self.train_key, self.model_sha256

    def same(self, other: "Identity | None") -> bool:
        """Whether the other is this very model."""
        return other is not None and self.key == other.key

    @property
    def tags(self) -> dict[str, str]:
        """The tags by which a version of a store has it."""
        return {"earmark.model_sha256": self.model_sha256, "earmark.train_key": self.train_key}


class Tested(_Strict):
    """The test recordings that a decision was made on: hash of their manifest, and how many."""

    sha256: Hash
    n_recordings: int | None = None


class LedgerEntry(_Strict):
    """One event. follows: ids of the entries whose state it changes; before: who was champion.

    figures: what it was decided on, for people and programs. level: of the intervals, as the gate tightened it.
    version is None in a sync alone, which then says that there is no champion.
    """

    schema_: Literal[1] = Field(SCHEMA, alias="schema")
    kind: Kind
    task: str
    at: str = Field(default_factory=lambda: now())
    by: str = ""
    follows: list[str] = Field(default_factory=list)
    version: Identity | None = None
    before: Identity | None = None
    test: Tested | None = None
    figures: dict[str, Any] = Field(default_factory=dict)
    verdict: Literal["yes", "no", "cannot tell", "forced"] | None = None
    reason: str | None = None
    why: str | None = None
    level: float | None = None

    @field_validator("at")
    @classmethod
    def _is_a_time(cls, value: str) -> str:
        if not re.fullmatch(r"\d{8}T\d{6}\.\d{6}Z", value):
            raise ValueError("is not a time such as 20261128T153100.000000Z")
        datetime.strptime(value, AT)
        return value

    @property
    def text(self) -> str:
        """The file's content. What is None is left out, so that a later release can add a field and finds old ids."""
        content = json.dumps(self.model_dump(by_alias=True, exclude_none=True), indent=2, ensure_ascii=False) + "\n"
        return content.encode("utf-8", "backslashreplace").decode()  # \udc80, of a name that is no UTF-8, is JSON too

    @property
    def id(self) -> str:
        """The file's name without .json: its end is a hash of the content, so that no two clones write one name."""
        return f"{self.at}-{self.kind}-{hashlib.sha256(self.text.encode()).hexdigest()[:8]}"

    @property
    def decides(self) -> bool:
        """Whether it says who is champion."""
        return self.kind in DECIDING


def now() -> str:
    """The time for `at`, UTC to the microsecond."""
    return datetime.now(UTC).strftime(AT)


def parse(text: str) -> LedgerEntry:
    """An entry from a file's content. Raises ValueError in words about the first key that is wrong."""
    try:
        raw = json.loads(text)
    except ValueError as e:
        raise ValueError(f"it is not JSON ({e})") from None
    if not isinstance(raw, dict) or "schema" not in raw:
        raise ValueError("it has no key 'schema', which every entry needs")
    if raw["schema"] != SCHEMA:
        raise ValueError(
            f"its schema is {raw['schema']!r:.20}, but this version of earmark knows only {SCHEMA}: update earmark"
        )
    try:
        return LedgerEntry.model_validate(raw)
    except ValidationError as e:
        first = e.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{f'{where}: ' if where else ''}{first['msg'][0].lower()}{first['msg'][1:]}") from None
