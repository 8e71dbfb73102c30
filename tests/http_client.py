"""A program that asks a bot over HTTP, as curl would."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

SECONDS = 30.0


@dataclass(frozen=True)
class Answered:
    """An answer; `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def code(self) -> str:
        """The word for programs of an error."""
        return str(self.json["error"]["code"])

    @property
    def ids(self) -> list[str]:
        """The rows that were found, as knowledge base and id."""
        return [f"{hit['knowledge_base']}/{hit['record']['id']}" for hit in self.json["hits"]]


@dataclass(frozen=True)
class Client:
    """Sends requests to HOST:PORT, with a token or without."""

    address: str
    token: str | None = None

    def __call__(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Answered:
        """Send one request; a `body` of bytes as it is, anything else as JSON."""
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        known = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        kind = {} if sent is None else {"Content-Type": "application/json"}
        connection = HTTPConnection(self.address, timeout=SECONDS)
        try:
            connection.request(method, path, sent, {**kind, **known, **(headers or {})})
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answered(answer.status, found, answer.read().decode())
        finally:
            connection.close()

    def search(self, query: str, **wanted: object) -> Answered:
        return self("POST", "/v1/search", {"query": query, **wanted})
