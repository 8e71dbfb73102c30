"""Requests over HTTP and MCP without a token, or with one that is wrong, expired, revoked or for others.

Everything a program sends is forged: the token, the address, names, numbers, headers, bodies. What it must not see are
the rows of a knowledge base that is neither public nor its token's, and that there is such a knowledge base.
"""

import json
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException

from bot.app import Bot
from bot.config_file import ConfigFile, KnowledgeBaseSection
from bot.playground import sample_workspace
from handlers.store.tokens import Tokens
from tests.faults import agents
from tests.faults.row import Row
from tests.faults.world import world
from tests.http_client import Client

PROBES = 10_000
SECRET_BASE = "keiri"
SECRETS = {"a question": "監査4402", "an answer": "火曜7391", "a category": "部門8253", "a detail": "備考5518"}
"""What must not reach whoever has no token for it; none of it stands in a request."""
ROWS = (
    "id,質問,回答,カテゴリ,備考\n"
    f"kansa,監査はいつですか？{SECRETS['a question']},{SECRETS['an answer']}です。,{SECRETS['a category']},"
    f"{SECRETS['a detail']}\n"
    f"place,監査の資料はどこですか？,{SECRETS['an answer']}の棚です。,{SECRETS['a category']},{SECRETS['a detail']}\n"
)
PUBLIC = "it-help"
CONFIG = ConfigFile(promise=0.0, knowledge_bases={PUBLIC: KnowledgeBaseSection(public=True)})
QUESTIONS = ("監査はいつですか？", "監査の資料はどこですか？", "kansa", "監査", "VPNにつながりません。", "id", "?", "")
NAMES = (
    *(
        SECRET_BASE,
        "KEIRI",
        "ｋｅｉｒｉ",
        "keiri.csv",
        "*keiri*",
        "../keiri",
        "keiri\u0000",
        " keiri ",
        "keiri,it-help",
    ),
    *(PUBLIC, "dev-faq", "_shared", "*", "", "all", "keiri" * 60),
)
PATHS = (
    *("/v1/search", "/v1/search", "/v1/search", "/v1/unanswered", "/v1/knowledge-bases", "/metrics", "/readyz"),
    *(
        "/healthz",
        "/openapi.json",
        "/v1/search/",
        "//v1/search",
        "/v1/search?token=x",
        "/v1/keiri",
        "/docs",
        "/",
        "/mcp",
    ),
    *("/v1/../v1/search", "/v1/knowledge-bases/keiri", "/metrics?name=keiri", "/.kotae/state.db", "/%2e%2e/knowledge"),
)
Request = tuple[str, str, object, dict[str, str]]
"""Method, path, body, headers."""
SENSIBLE = 0.6
"""The share of requests in which the token alone is wrong."""
METHODS = ("POST", "POST", "POST", "GET", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH")


@dataclass(frozen=True)
class Keys:
    """The tokens that probes send, by what is wrong with them; and one with which the secret is there to be seen."""

    wrong: Mapping[str, str | None]
    right: str


def keys(bot: Bot) -> Keys:
    """Make the tokens."""
    database = bot.services.database
    tokens = Tokens(database)
    right, foreign = tokens.create("right", [SECRET_BASE], None), tokens.create("foreign", ["dev-faq", "gone"], None)
    revoked = tokens.create("revoked", [SECRET_BASE], None)
    tokens.revoke("revoked")
    expired = Tokens(database, lambda: 1_000_000_000.0).create("expired", [SECRET_BASE], 1)
    return Keys({"none": None, "foreign": foreign, "revoked": revoked, "expired": expired}, right)


def run(share: float, seed: int = 0) -> Row:
    """Send the probes, and look for secrets in everything that is answered."""
    wanted = max(round(PROBES * share), 50)
    with world(sample_workspace(), {f"{SECRET_BASE}.csv": ROWS}, (), CONFIG, api_bind="127.0.0.1:0") as here:
        known, chance = keys(here.bot), random.Random(seed)
        found = probe(here.bot, known, chance, wanted - wanted // 2) + probe_mcp(here.bot, known, chance, wanted // 2)
    worst = found.most_common(1)[0][0] if found else "no secret in any status, header or body"
    return Row(wanted, sum(found.values()), worst)


def probe_mcp(bot: Bot, known: Keys, chance: random.Random, count: int) -> Counter[str]:
    """Send random requests to `/mcp`; return what leaked, failed or was held, by how."""
    assert bot.api is not None
    good = [known.wrong["none"], known.wrong["foreign"]]
    return agents.probe(bot.api.address, [*good * 3, *known.wrong.values()], [*SECRETS.values()], chance, count)


def probe(bot: Bot, known: Keys, chance: random.Random, count: int) -> Counter[str]:
    """Send random requests; return what leaked, by how. Raises LookupError when there was nothing to leak."""
    assert bot.api is not None
    address, found = bot.api.address, Counter[str]()
    for _ in range(count):
        kind, sent = _token(known, chance)
        client = Client(address, sent)
        method, path, body, headers = _sensible(chance) if chance.random() < SENSIBLE else _odd(chance)
        try:
            answer = client(method, path, body, headers)
        except (HTTPException, OSError) as error:
            found[f"no answer to {method} {path}: {type(error).__name__}"] += 1
            continue
        told = "\n".join([answer.text, *(f"{name}: {value}" for name, value in answer.headers.items())])
        found.update(f"{what}, {kind} token, {method} {path}" for what, secret in SECRETS.items() if secret in told)
        found.update([f"a failure, {kind} token, {method} {path}"] if answer.status == 500 else [])
        said = told.replace(json.dumps(body, ensure_ascii=False) if not isinstance(body, bytes) else "", "")
        found.update([f"the name, {kind} token, {path}"] if path == "/metrics" and SECRET_BASE in said else [])
    if SECRETS["an answer"] not in Client(address, known.right).search("監査はいつですか？").text:
        raise LookupError("the right token did not open the knowledge base: nothing could have leaked")
    return found


def _token(known: Keys, chance: random.Random) -> tuple[str, str | None]:
    """Return a token that opens nothing secret, and what is wrong with it."""
    kind = chance.choice([*known.wrong, "forged", "forged"])
    if kind in known.wrong:
        return kind, known.wrong[kind]
    head, secret = known.right.rsplit("_", 1)
    at = chance.randrange(len(secret))
    forged = (
        f"{head}_{secret[:at]}{'1' if secret[at] == '0' else '0'}{secret[at + 1 :]}",
        *(f"{head}_{'0' * 64}", head, secret, known.right[:-1], known.right + "0", known.right.upper()),
        *("", "null", "' OR 1=1 --", "kotae_000000000000_" + "0" * 64, f"{known.wrong['foreign']}, {known.right}"),
    )
    return kind, chance.choice(forged)


def _sensible(chance: random.Random) -> Request:
    """Return a request that would be answered if the token were right."""
    path = chance.choices(["/v1/search", "/v1/knowledge-bases", "/metrics", "/v1/unanswered"], (8, 1, 1, 1))[0]
    question = chance.choice(QUESTIONS[:4])
    if path in {"/v1/knowledge-bases", "/metrics"}:
        return "GET", path, None, {}
    if path == "/v1/unanswered":
        return "POST", path, {"question": question}, {}
    names = {"knowledge_bases": chance.choices(NAMES, k=chance.randint(1, 2))} if chance.random() < 0.5 else {}
    least = {"min_k": chance.choice([1, 50])} if chance.random() < 0.5 else {}
    return "POST", path, {"query": question, "top_k": chance.choice([1, 3, 50]), **names, **least}, {}


def _odd(chance: random.Random) -> Request:
    """Return a request in which anything may be wrong."""
    return chance.choice(METHODS), chance.choice(PATHS), _body(chance), _headers(chance)


def _headers(chance: random.Random) -> dict[str, str]:
    every = {
        "Host": chance.choice(["127.0.0.1", "localhost:1", "kotae.example.com", "[::1]", ""]),
        "Origin": chance.choice(["null", "http://127.0.0.1", "https://evil.example", ""]),
        "X-Forwarded-For": chance.choice(["127.0.0.1", "10.0.0.1, 127.0.0.1"]),
        "Accept-Language": chance.choice(["ja", "en", "ja;q=0.5", "*"]),
        "Content-Type": chance.choice(["text/plain", "application/json; charset=utf-7", "multipart/form-data"]),
        "Cookie": "token=right",
        "X-Api-Key": "right",
    }
    return {name: value for name, value in every.items() if chance.random() < 0.08}


def _body(chance: random.Random) -> object:
    wanted = {
        "query": chance.choice(QUESTIONS),
        "question": chance.choice(QUESTIONS),
        "knowledge_bases": chance.choices(NAMES, k=chance.randrange(3)),
        "top_k": chance.choice([1, 3, 50, 51, -1, 10**30, "3", None]),
        "min_confidence": chance.choice([0, 0.9, 1, -1, 2, "nan"]),
        "min_k": chance.choice([0, 3, 50, 10**9]),
        "reason": "keiri",
        "token": "right",
    }
    names = chance.sample(sorted(wanted), chance.randrange(len(wanted)))
    usual = {"query": chance.choice(QUESTIONS)} if chance.random() < 0.7 else {}
    body: dict[str, object] = {**{name: wanted[name] for name in names if chance.random() < 0.5}, **usual}
    broken = (b"", b"{", b"[]", b'"keiri"', b"\xff\xfe", b'{"query": "\\ud800"}', json.dumps(body).encode("utf-16"))
    return chance.choice(broken) if chance.random() < 0.1 else body
