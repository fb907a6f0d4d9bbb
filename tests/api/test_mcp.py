"""Tools of the MCP server on the API in this process, without a worker."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from mcp.client.client import Client
from mcp_types import CallToolResult
from starlette.testclient import TestClient

from soundclone.cli.bridges.mcp import Bridge, build, http_app
from tests import rows

from .conftest import Account, Api

URL = "http://soundclone.test.local"
HELLO = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
JSON = {"Accept": "application/json, text/event-stream", "Host": "127.0.0.1:8765"}


@pytest.fixture
def account(real_api: Api) -> Account:
    """An account with two voices."""
    made = real_api.new_account(1)
    with real_api.database.transaction() as session:
        for name, language in (("Anna", "German"), ("Bob", "English")):
            columns = {"id": f"model_{uuid.uuid4().hex}", "name": name, "language": language}
            session.add(rows.voice(made.id, **columns))
    return made


def bridge(api: Api, key: str | None) -> Bridge:
    return Bridge(URL, key, transport=httpx2.ASGITransport(app=api.app))


def using(api: Api, key: str, work: Callable[[Client], Awaitable[None]]) -> None:
    """Run `work` with a client of the server."""

    async def run() -> None:
        async with Client(build(bridge(api, key))) as client:
            await work(client)

    asyncio.run(run())


async def result(client: Client, tool: str, /, **arguments: Any) -> Any:
    """Return the structured result of a tool."""
    answer = await client.call_tool(tool, arguments)
    assert not answer.is_error, answer.content
    return answer.structured_content


def sentence(answer: CallToolResult) -> str:
    """Return the error of a tool."""
    assert answer.is_error
    [block] = answer.content
    assert block.type == "text"
    return block.text


def test_voices(real_api: Api, account: Account) -> None:
    async def work(client: Client) -> None:
        listed = (await result(client, "list_voices"))["voices"]
        assert {voice["name"] for voice in listed} == {"Anna", "Bob"}
        for query, names in (("ann", ["Anna"]), ("ENGL", ["Bob"]), ("nobody", [])):
            found = (await result(client, "search_voices", query=query))["voices"]
            assert [voice["name"] for voice in found] == names
        renamed = await result(client, "rename_voice", voice="anna", name="Nora")
        assert renamed["name"] == "Nora"
        assert await result(client, "delete_voice", voice="Nora") == {
            "id": renamed["id"],
            "deleted": True,
        }
        assert len((await result(client, "list_voices"))["voices"]) == 1
        missing = await client.call_tool("delete_voice", {"voice": "Nora"})
        assert "there is no voice 'Nora'; list_voices" in sentence(missing)
        missing = await client.call_tool("delete_voice", {"voice": "model_" + "0" * 32})
        assert "there is no voice" in sentence(missing)

    using(real_api, account.key, work)


def test_an_ambiguous_name_is_refused(real_api: Api, account: Account) -> None:
    with real_api.database.transaction() as session:
        session.add(rows.voice(account.id, id=f"model_{uuid.uuid4().hex}", name="ANNA"))

    async def work(client: Client) -> None:
        clear = await result(client, "rename_voice", voice="ANNA", name="Anna B.")
        await result(client, "rename_voice", voice=clear["id"], name="ANNA")
        answer = await client.call_tool("delete_voice", {"voice": "aNNa"})
        assert "2 voices are named 'aNNa'" in sentence(answer)

    using(real_api, account.key, work)


def test_money_and_languages(real_api: Api, account: Account) -> None:
    async def work(client: Client) -> None:
        balance = await result(client, "get_balance")
        assert balance == {"available": 1.0, "account_available": 1.0, "spent": 0.0}
        price = await result(client, "estimate_price", text="a" * 1000 + "<#1.5#>")
        assert price == {"credits": 0.21, "characters": 1000}
        price = await result(client, "estimate_price", text="a" * 100, kind="clone")
        assert price == {"credits": 0.1, "characters": 100}
        too_long = await client.call_tool("estimate_price", {"text": "a" * 10_001})
        assert "at most 10,000 are allowed" in sentence(too_long)
        spoken = (await result(client, "list_languages"))["languages"]
        assert {"name": "German", "code": "de", "versions": ["v1", "v2"]} in spoken
        assert [sum(v in each["versions"] for each in spoken) for v in ("v1", "v2")] == [24, 40]

    using(real_api, account.key, work)


def test_the_price_of_the_service_is_what_is_charged(real_api: Api, account: Account) -> None:
    text = "Good evening. <#0.5#> It is late."
    api = "/api/open-api/v1"
    voice = real_api.get(f"{api}/voices", account.key)[1]["data"]["list"][0]["modelId"]

    async def work(client: Client) -> None:
        price = await result(client, "estimate_price", text=text)
        body = {"modelId": voice, "contentText": text, "language": "English"}
        status, answer = real_api.post(f"{api}/soundCloning/audios", body, account.key)
        assert status in (200, 503), answer
        if status == 200:
            available = real_api.get(f"{api}/user/balance", account.key)[1]["data"]["available"]
            assert available == pytest.approx(1 - price["credits"], abs=1e-9)

    using(real_api, account.key, work)


def test_the_errors_of_the_service_are_those_of_the_tool(real_api: Api, account: Account) -> None:
    async def work(client: Client) -> None:
        answer = await client.call_tool("list_voices", {})
        assert "API key" in sentence(answer)

    using(real_api, "sk_wrong", work)


def test_tools_describe_what_they_change(real_api: Api, account: Account) -> None:
    async def work(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        hints = {name: tool.annotations for name, tool in tools.items()}
        assert all(hints.values())
        reading = {name for name, hint in hints.items() if hint and hint.read_only_hint}
        assert reading == {
            "list_voices", "search_voices", "list_languages", "get_balance", "estimate_price",
        }  # fmt: skip
        destructive = {name for name, hint in hints.items() if hint and hint.destructive_hint}
        assert destructive == {"delete_voice"}
        for name in ("speak", "clone_voice", "convert"):
            assert "Costs credits" in (tools[name].description or "")
        for tool in tools.values():
            for field in tool.input_schema["properties"].values():
                assert field.get("description") or field.get("enum"), (tool.name, field)

    using(real_api, account.key, work)


def test_http_needs_a_key_of_the_service(real_api: Api, account: Account) -> None:
    app = http_app(bridge(real_api, None), "127.0.0.1")
    with TestClient(app, base_url="http://127.0.0.1:8765") as client:
        refused = client.post("/mcp", json=HELLO, headers=JSON)
        assert (refused.status_code, "WWW-Authenticate" in refused.headers) == (401, True)
        wrong = JSON | {"Authorization": "Bearer sk_wrong"}
        assert client.post("/mcp", json=HELLO, headers=wrong).status_code == 401
        valid = JSON | {"Authorization": f"Bearer {account.key}"}
        other_host = valid | {"Host": "evil.example"}
        assert client.post("/mcp", json=HELLO, headers=other_host).status_code == 421
        other_page = valid | {"Origin": "https://evil.example"}
        assert client.post("/mcp", json=HELLO, headers=other_page).status_code == 403
        begin = {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"},
        }
        started = client.post(
            "/mcp", json=HELLO | {"method": "initialize", "params": begin}, headers=valid
        )
        assert started.status_code == 200
        session = {"Mcp-Session-Id": started.headers["mcp-session-id"]}
        other = real_api.new_account(1)
        stolen = JSON | session | {"Authorization": f"Bearer {other.key}"}
        assert client.post("/mcp", json=HELLO, headers=stolen).status_code in (403, 404)
        assert client.post("/mcp", json=HELLO, headers=valid | session).status_code == 200


def test_http_calls_use_the_key_of_the_request(real_api: Api, account: Account) -> None:
    app = http_app(bridge(real_api, None), "127.0.0.1", ["mcp.example"], ["https://app.example"])
    call = {"name": "list_voices", "arguments": {}}
    headers = JSON | {
        "Host": "mcp.example",
        "Origin": "https://app.example",
        "Authorization": f"Bearer {account.key}",
    }
    with TestClient(app, base_url="http://127.0.0.1:8765") as client:
        begin = {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"},
        }
        started = client.post(
            "/mcp", json=HELLO | {"method": "initialize", "params": begin}, headers=headers
        )
        headers["Mcp-Session-Id"] = started.headers["mcp-session-id"]
        answer = client.post(
            "/mcp", json=HELLO | {"method": "tools/call", "params": call}, headers=headers
        )
        assert '"Anna' in answer.text.replace("\\", "")


def test_errors_name_the_arguments_of_tools(real_api: Api, account: Account) -> None:
    said = {"voice": "Anna", "text": "Hello."}
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("speak", {**said, "voice": "model_" + "0" * 32}),
        ("speak", {**said, "text": ""}),
        ("speak", {**said, "text": "a" * 10_001}),
        ("speak", {**said, "text": "a <#100#>"}),
        ("speak", {**said, "language": "xx"}),
        ("speak", {**said, "speed": 9}),
        ("speak", {**said, "pitch": 99}),
        ("speak", {**said, "volume": 99}),
        ("speak", {**said, "emotion": "bored"}),
        ("speak", {**said, "format": "exe"}),
        ("clone_voice", {"source": "http://127.0.0.1/me.mp3", "text": "a" * 1000}),
        ("clone_voice", {"source": "ftp://example.org/me.mp3"}),
        ("clone_voice", {"source": "https://example.org/me.mp3", "name": "a" * 1000}),
        ("rename_voice", {"voice": "Anna", "name": "a" * 1000}),
        ("estimate_price", {"text": ""}),
    ]

    async def work(client: Client) -> None:
        for tool, arguments in wrong:
            message = sentence(await client.call_tool(tool, arguments))
            ours = re.findall(r"\b(?:[a-z]+[A-Z]\w*|vol)\b", message)
            assert not [word for word in ours if not word.endswith("Arguments")], message

    using(real_api, account.key, work)
