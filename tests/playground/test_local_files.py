from __future__ import annotations

import urllib.error
import urllib.request

import pytest
from slack_sdk import WebClient

from bot.playground import DEFAULT_SCOPES, LocalSlack
from tests.playground.helpers import Refusal, client_of

CSV = "質問,回答\r\nVPN,つなぐ\r\n".encode("cp932")


def download(url: str, token: str = "") -> tuple[str, bytes]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as response:
        return response.headers.get_content_type(), response.read()


def test_an_upload_is_a_message_and_to_who_wants_it_an_event() -> None:
    with LocalSlack(events=["message.im", "file_shared"]) as slack:
        message = slack.upload("ichiro", slack.people["ichiro"], "it-help.csv", CSV, comment="new & better")
        message_event, shared = (envelope.event for envelope in slack.envelopes)
    assert (message_event["subtype"], message_event["text"]) == ("file_share", "new &amp; better")
    (file,) = message_event["files"]
    assert (file["name"], file["size"], file["filetype"], file["id"]) == (
        "it-help.csv",
        len(CSV),
        "csv",
        message.files[0].id,
    )
    assert (shared["type"], shared["file_id"], shared["user_id"]) == (
        "file_shared",
        file["id"],
        slack.people["ichiro"].id,
    )


def test_a_file_is_downloaded_with_the_bots_token_only(slack: LocalSlack, client: WebClient) -> None:
    message = slack.upload("ichiro", slack.people["ichiro"], "it-help.csv", CSV)
    url = client.files_info(file=message.files[0].id)["file"]["url_private_download"]
    assert url.startswith(slack.base_url)
    assert download(url, slack.bot_token)[1] == CSV
    for token in ("", "xoxb-wrong", slack.app_token):
        kind, page = download(url, token)
        assert (kind, b"Sign in" in page) == ("text/html", True)


def test_a_download_needs_the_scope() -> None:
    with LocalSlack(scopes=["files:write"]) as slack:
        file = slack.upload("ichiro", "it-help", "a.csv", CSV).files[0]
        url = f"{slack.base_url}/files-pri/{slack.workspace.team_id}-{file.id}/download/{file.id}"
        assert download(url, slack.bot_token)[0] == "text/html"


def test_files_where_the_bot_is_not_are_not_found(slack: LocalSlack, client: WebClient, refused: Refusal) -> None:
    message = slack.upload("ichiro", "keiri", "secret.csv", CSV)
    assert refused(client.files_info, file=message.files[0].id)["error"] == "file_not_found"
    assert refused(client.files_info, file="F0NONE")["error"] == "file_not_found"
    withdrawn = slack.upload("ichiro", "it-help", "old.csv", CSV).files[0]
    withdrawn.deleted = True
    assert refused(client.files_info, file=withdrawn.id)["error"] == "file_deleted"
    url = f"{slack.base_url}/files-pri/{slack.workspace.team_id}-{message.files[0].id}/download/x"
    with pytest.raises(urllib.error.HTTPError) as missing:
        download(url, slack.bot_token)
    with missing.value as answer:
        assert answer.code == 404


def test_in_shared_channels_files_info_must_be_asked(slack: LocalSlack, client: WebClient) -> None:
    slack.upload("external", "partner-it", "a.csv", CSV)
    (file,) = slack.envelopes[0].event["files"]
    assert (file["file_access"], "url_private" in file) == ("check_file_info", False)
    assert client.files_info(file=file["id"])["file"]["name"] == "a.csv"


def test_the_bot_uploads_in_three_steps(refused: Refusal) -> None:
    with LocalSlack() as slack:
        client = client_of(slack)
        channel = slack.channel("it-help")
        answer = client.files_upload_v2(
            channel=channel.id, filename="trend.png", content=b"\x89PNG", title="Trend", initial_comment="Look"
        )
        (message,) = slack.history("it-help")
        assert (message.text, message.subtype, message.files[0].data) == ("Look", "file_share", b"\x89PNG")
        assert (message.files[0].title, message.files[0].mimetype) == ("Trend", "image/png")
        assert answer["file"]["id"] == message.files[0].id
        assert [call.method for call in slack.calls] == [
            "files.getUploadURLExternal",
            "upload",
            "files.completeUploadExternal",
        ]
        unfinished = client.files_getUploadURLExternal(filename="a.csv", length=3)
        complete = client.files_completeUploadExternal
        assert refused(complete, files=[{"id": unfinished["file_id"], "title": "a"}])["error"] == "file_not_found"
        with pytest.raises(urllib.error.HTTPError) as wrong:
            urllib.request.urlopen(unfinished["upload_url"], b"four")
        with wrong.value as answer_to_wrong:
            assert answer_to_wrong.code == 400


def test_uploading_needs_the_scope(refused: Refusal) -> None:
    with LocalSlack(scopes=[scope for scope in DEFAULT_SCOPES if scope != "files:write"]) as slack:
        upload = client_of(slack).files_upload_v2
        answer = refused(upload, channel=slack.channel("it-help").id, filename="a.csv", content="a,b")
        assert answer["needed"] == "files:write"


def test_the_bot_deletes_its_own_files_only(slack: LocalSlack, client: WebClient, refused: Refusal) -> None:
    own = client.files_upload_v2(content=b"png", filename="trend.png", title="trend.png")["files"][0]["id"]
    theirs = slack.upload("ichiro", "general", "it-help.csv", CSV).files[0].id
    client.files_delete(file=own)
    assert refused(client.files_delete, file=own)["error"] == "file_deleted"
    assert refused(client.files_info, file=own)["error"] == "file_deleted"
    assert refused(client.files_delete, file=theirs)["error"] == "cant_delete_file"
    assert refused(client.files_delete, file="F0NONE")["error"] == "file_not_found"
