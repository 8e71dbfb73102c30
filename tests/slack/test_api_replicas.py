"""Several replicas that are open to programs: they share tokens, limits and questions."""

from pathlib import Path

from bot import tokens
from bot.playground import LocalSlack
from indexes.encoder import ModelManager
from tests.http_client import Client
from tests.replicas import replicas
from tests.slack.conftest import asked_so_far

BURST = 6
VPN = "VPNにつながりません。"


def test_a_token_holds_for_all_replicas_and_so_does_its_limit(
    slack: LocalSlack, knowledge: Path, postgresql: str, manager: ModelManager
) -> None:
    with replicas(slack, knowledge.parent, postgresql) as several:
        started = [several.start(name, manager, burst=BURST, api_bind="127.0.0.1:0") for name in ("a", "b")]
        plain, token = tokens.create(several.settings("cli"), "website", ["it-help"], 90)
        assert token is not None
        asking = [Client(bot.api.address, plain) for bot in started if bot.api]
        assert [each.search(VPN).ids[0] for each in asking] == ["it-help/vpn"] * 2
        assert len(asked_so_far(started[0])) == 1, "the same question within a minute, of the same program"
        statuses = [asking[number % 2]("GET", "/v1/knowledge-bases").status for number in range(12 * BURST)]
        assert statuses.count(200) < 8 * BURST, "both count together"
        assert set(statuses) == {200, 429}
        tokens.revoke(several.settings("cli"), "website")
        assert {each.search(VPN).code for each in asking} == {"invalid_token"}
