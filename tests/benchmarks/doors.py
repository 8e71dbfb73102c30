"""``python -m tests.benchmarks.doors``: what HTTP adds to a search, in milliseconds.

A real bot with a knowledge base of ROWS rows, searched by words; its answers say how long each search itself took. The
rest of the time is HTTP: the connection, the token, the turn in the queue, the stored question, JSON.
"""

import json
import random
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection

from bot.logs import log_to_stderr
from bot.playground import sample_workspace
from handlers.store.tokens import Tokens
from tests.benchmarks.measuring import percentile
from tests.faults.world import World, world

ROWS = 5_000
REQUESTS = 500
WARM_UP = 50
WORDS = ("printer", "password", "router", "invoice", "meeting", "laptop", "badge", "parking", "holiday", "license")


def _rows() -> str:
    chance = random.Random(1)
    lines = [f"How do I get a {' '.join(chance.sample(WORDS, 3))} number {row}?,Ask desk {row}." for row in range(ROWS)]
    return "\n".join(["question,answer", *lines])


def _overheads(here: World, token: str) -> Iterator[float]:
    """Yield the milliseconds of each request that were not spent searching."""
    assert here.bot.api is not None
    chance, connection = random.Random(2), HTTPConnection(here.bot.api.address)
    for number in range(WARM_UP + REQUESTS):
        body = json.dumps({"query": f"{' '.join(chance.sample(WORDS, 2))} {chance.randrange(ROWS)}"})
        began = time.perf_counter()
        connection.request(
            "POST", "/v1/search", body, {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        )
        answer = json.loads(connection.getresponse().read())
        took = time.perf_counter() - began
        if number >= WARM_UP:
            yield (took - answer["seconds"]) * 1000
    connection.close()


def main() -> int:
    """Measure and print."""
    log_to_stderr("WARNING")  # as in the bot: without a handler, the MCP SDK would log with one that is slow
    with world(sample_workspace(), {"large.csv": _rows()}, (), api_bind="127.0.0.1:0") as here:
        token = Tokens(here.bot.services.database).create("bench", ["large"], None)
        found = sorted(_overheads(here, token))
    shown = ", ".join(f"p{share * 100:.0f} {percentile(found, share):.1f} ms" for share in (0.5, 0.95, 0.99))
    print(f"HTTP over the search itself, {REQUESTS} requests, {ROWS:,} rows: {shown}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
