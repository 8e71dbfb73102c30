"""`kotae.toml`: its keys, their types and their defaults."""

import difflib
import hashlib
import json
import re
from pathlib import Path
from typing import Annotated, Self
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_serializer,
    field_validator,
    model_validator,
)

from handlers.channel_rules import HELPER, HELPERS, MOST_PROMISED, AutoReply
from handlers.features import BY_CHANNEL, Feature
from indexes.confidence.proof import PROMISE
from indexes.encoder import DEFAULT_MODEL

DURATION = re.compile(r"([0-9]{1,5})([dw])")
DAYS_A_WEEK = 7
MOST_DAYS = 3660
"""Ten years: what is to be checked later need not be checked."""
MOST_MINUTES = 7 * 24 * 60
DIGITS = 12
"""Of a digest: enough to tell some files apart."""
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Promise = Annotated[float, Field(ge=0.0, le=MOST_PROMISED)]
"""A precision that can be proved; 0 asks for no proof."""


def _is_helper(id_: str) -> str:
    if not HELPER.fullmatch(id_):
        raise ValueError("is no Slack id of a person (U012AB3CD) or of a user group (S012AB3CD)")
    return id_


Helpers = Annotated[tuple[Annotated[str, AfterValidator(_is_helper)], ...], Field(max_length=HELPERS)]


def _belongs_to_a_channel(feature: Feature) -> Feature:
    if feature not in BY_CHANNEL:
        raise ValueError("can't be switched off in one channel; write it into features_off above all sections")
    return feature


class ChannelSection(BaseModel):
    """`[channels.NAME]` of kotae.toml; NAME is a channel's name or id."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    knowledge_bases: tuple[str, ...] | None = None
    auto_reply: AutoReply | None = None
    threshold: Probability | None = None
    promise: Promise | None = None
    ask: Helpers | None = None
    features_off: frozenset[Annotated[Feature, AfterValidator(_belongs_to_a_channel)]] | None = None


def _in_days(value: object) -> object:
    """Read 180d or 26w."""
    found = DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError('must be a number of days or weeks, such as "180d" or "26w"')
    return int(found[1]) * (DAYS_A_WEEK if found[2] == "w" else 1)


def _in_days_or_never(value: object) -> object:
    return None if value == "never" else _in_days(value)


Days = Annotated[int, Field(ge=1, le=MOST_DAYS)]
VariableName = Annotated[str, Field(pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")]
"""A variable of the environment or of .env."""
ColumnName = Annotated[str, Field(min_length=1)]


class ColumnsSection(BaseModel):
    """`[knowledge_bases.NAME.columns]` of kotae.toml: the header of the column for each role."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: ColumnName | None = None
    answer: ColumnName | None = None
    id: ColumnName | None = None
    category: ColumnName | None = None
    url: ColumnName | None = None
    keywords: ColumnName | None = None
    aliases: ColumnName | None = None
    updated: ColumnName | None = None
    owner: ColumnName | None = None
    review_by: ColumnName | None = None
    image: ColumnName | None = None

    @model_validator(mode="after")
    def _differ(self) -> Self:
        named = list(self.by_role.values())
        if twice := next((title for title in named if named.count(title) > 1), None):
            raise ValueError(f"{twice!r} is named for two roles; each needs a column of its own")
        return self

    @property
    def by_role(self) -> dict[str, str]:
        """The headers by role, without roles that aren't named."""
        return self.model_dump(exclude_none=True)


class KnowledgeBaseSection(BaseModel):
    """`[knowledge_bases.NAME]` of kotae.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Path | None = None
    url: SecretStr | None = None
    url_env: VariableName = ""
    header_env: VariableName = ""
    edit_url: str = ""
    poll_minutes: Annotated[int, Field(ge=1, le=MOST_MINUTES)] = 5
    sheet: str = Field(default="", pattern=r"^[^\x00]*$")
    columns: ColumnsSection = ColumnsSection()
    public: bool = False
    review_after: Annotated[Days | None, BeforeValidator(_in_days)] = None

    @property
    def is_fetched(self) -> bool:
        """Whether the knowledge base is a copy of what is elsewhere."""
        return self.url is not None or bool(self.url_env)

    @field_serializer("url", when_used="json")
    def _without_secret(self, url: SecretStr | None) -> str | None:
        """Let `ConfigFile.digest` tell addresses apart, and nothing that is written down hold one."""
        return hashlib.sha256(url.get_secret_value().encode()).hexdigest() if url else None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        given = [self.file is not None, self.url is not None, bool(self.url_env)]
        if sum(given) > 1:
            raise ValueError("has more than one of file, url and url_env; keep the one where the knowledge base is")
        if not self.is_fetched and (self.header_env or self.edit_url):
            raise ValueError("has header_env or edit_url without url or url_env, which say where to fetch it")
        return self

    @field_validator("edit_url")
    @classmethod
    def _is_a_link(cls, url: str) -> str:
        if url and not url.startswith("https://"):
            raise ValueError("must begin with https://: people are sent there to edit the knowledge base")
        return url


class ConfigFile(BaseModel):
    """`kotae.toml`: every key is optional, and so is the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = DEFAULT_MODEL
    revision: str | None = None
    synonyms: Path | None = None
    auto_reply: AutoReply = AutoReply.OFF
    threshold: Probability | None = None
    promise: Promise = PROMISE
    ask: Helpers = ()
    features_off: frozenset[Feature] = frozenset()
    watch: bool = False
    digest_channel: str | None = None
    timezone: str | None = None
    confirmations: Annotated[int, Field(ge=2)] = 2
    overdue_limit: Annotated[Days | None, BeforeValidator(_in_days_or_never)] = 30
    keep_questions_days: Annotated[int, Field(ge=1)] = 90
    keep_audit_days: Annotated[int, Field(ge=1)] = 730
    private_hosts: tuple[str, ...] = ()
    channels: dict[str, ChannelSection] = {}
    knowledge_bases: dict[str, KnowledgeBaseSection] = {}

    @property
    def digest(self) -> str:
        """What tells whether two replicas were given the same: order, comments and spelled-out defaults don't count."""
        chosen = self.model_dump(mode="json", exclude_defaults=True)
        return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()[:DIGITS]

    @field_validator("timezone")
    @classmethod
    def _is_a_time_zone(cls, name: str | None) -> str | None:
        if name is not None and name not in available_timezones():
            raise ValueError(f"no time zone has that name; {_near_zones(name)}")
        return name


def _near_zones(name: str) -> str:
    """Say which time zones are called alike, by their whole name or by the city alone."""
    called = {part.casefold(): zone for zone in sorted(available_timezones()) for part in (zone.split("/")[-1], zone)}
    near = [called[each] for each in difflib.get_close_matches(name.casefold(), called)]
    if not near:
        return "write one of IANA's list, such as Asia/Tokyo or Europe/Berlin"
    return f"did you mean {' or '.join(dict.fromkeys(near))}?"
