"""`soundclone webhooks`: endpoints of an account and their deliveries, over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .common import AsJson, print_fields, print_json, print_table, refuse
from .connection import ApiKey, BaseUrl, connected

if TYPE_CHECKING:
    from soundclone_client import Client, Delivery, Webhook
    from soundclone_client._types import WebhookEvent

webhooks_app = typer.Typer(
    help="Manage webhooks, and replay their deliveries.",
    no_args_is_help=True,
)

EndpointId = Annotated[
    str,
    typer.Argument(help="Id of the endpoint: hook_…", metavar="WEBHOOK", show_default=False),
]
DeliveryIds = Annotated[
    list[str] | None,
    typer.Argument(help="Ids of deliveries: dlv_…", metavar="DELIVERY", show_default=False),
]
Events = Annotated[
    str | None,
    typer.Option(
        help="Types of events to send, separated by commas: task.succeeded, task.failed and "
        "balance.low. A new endpoint receives all by default",
        show_default=False,
    ),
]
Status = Literal["pending", "delivered", "failed"]
_SAVE = "\nSave the secret: it is not shown again."


@webhooks_app.command("list")
def list_(url: BaseUrl = None, key: ApiKey = None, as_json: AsJson = False) -> None:
    """List the endpoints of the account."""
    with connected(url, key) as client:
        found = client.webhooks()
    if as_json:
        print_json([asdict(each) for each in found])
    else:
        print_table([_row(each) for each in found])


@webhooks_app.command("create")
def create(
    endpoint: Annotated[
        str, typer.Argument(help="URL that receives the events", metavar="ENDPOINT")
    ],
    events: Events = None,
    description: Annotated[str, typer.Option(help="A note")] = "",
    url: BaseUrl = None,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Create an endpoint, and print its secret once."""
    with connected(url, key) as client:
        made = client.create_webhook(endpoint, events=_events(events), description=description)
    if as_json:
        print_json(asdict(made))
        return
    print_fields({"id": made.id, "url": made.url, "secret": made.secret})
    typer.echo(_SAVE)


@webhooks_app.command("update")
def update(
    webhook: EndpointId,
    endpoint: Annotated[str | None, typer.Option(help="New URL that receives the events")] = None,
    events: Events = None,
    description: Annotated[str | None, typer.Option(help="New note")] = None,
    enabled: Annotated[
        bool | None, typer.Option("--enable/--disable", help="Send events, or send none")
    ] = None,
    url: BaseUrl = None,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Change an endpoint, or enable or disable it."""
    with connected(url, key) as client:
        changed = client.update_webhook(
            webhook, url=endpoint, events=_events(events), description=description, enabled=enabled
        )
    if as_json:
        print_json(asdict(changed))
    else:
        print_table([_row(changed)])


@webhooks_app.command("delete")
def delete(
    webhook: EndpointId, url: BaseUrl = None, key: ApiKey = None, as_json: AsJson = False
) -> None:
    """Delete an endpoint and the log of its deliveries."""
    with connected(url, key) as client:
        client.delete_webhook(webhook)
    print_json({"id": webhook, "deleted": True}) if as_json else typer.echo(f"{webhook} is deleted")


@webhooks_app.command("rotate")
def rotate(
    webhook: EndpointId,
    overlap: Annotated[
        float, typer.Option(help="Hours for which the former secret signs too, at most 168")
    ] = 24.0,
    url: BaseUrl = None,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Replace the secret of an endpoint, and print the new one once."""
    with connected(url, key) as client:
        rotated = client.rotate_webhook_secret(webhook, overlap=overlap)
    if as_json:
        print_json(asdict(rotated))
        return
    print_fields({"id": rotated.id, "secret": rotated.secret})
    typer.echo(_SAVE)


@webhooks_app.command("test")
def send_test(
    webhook: EndpointId, url: BaseUrl = None, key: ApiKey = None, as_json: AsJson = False
) -> None:
    """Send a test event to an endpoint."""
    with connected(url, key) as client:
        sent = client.test_webhook(webhook)
    _print_delivery(sent, as_json)


@webhooks_app.command("deliveries")
def deliveries(
    webhook: Annotated[str | None, typer.Option(help="List only those to this endpoint")] = None,
    status: Annotated[Status | None, typer.Option(help="List only those of this status")] = None,
    limit: Annotated[int, typer.Option(help="Most deliveries to list", min=1)] = 20,
    url: BaseUrl = None,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """List deliveries, newest first."""
    with connected(url, key) as client:
        found = [
            each
            for each, _ in zip(
                client.deliveries(webhook=webhook, status=status), range(limit), strict=False
            )
        ]
    if as_json:
        print_json([asdict(each) for each in found])
    else:
        print_table([_delivery_row(each) for each in found])


@webhooks_app.command("replay")
def replay(
    delivery: DeliveryIds = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Replay all deliveries that have failed")
    ] = False,
    webhook: Annotated[
        str | None, typer.Option(help="With --failed: only those to this endpoint")
    ] = None,
    url: BaseUrl = None,
    key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Send messages again now, with the same webhook-id.

    Receivers recognise a message that they know by this id.
    """
    if bool(delivery) == failed:
        refuse("name deliveries, or use --failed")
    with connected(url, key) as client:
        chosen = delivery or _failed(client, webhook)
        replayed = [client.replay_delivery(each) for each in chosen]
    if as_json:
        print_json([asdict(each) for each in replayed])
    else:
        print_table([_delivery_row(each) for each in replayed])


def _events(names: str | None) -> list[WebhookEvent] | None:
    """Return the types of events of a list with commas. Ends the command for an unknown type."""
    if names is None:
        return None
    known: tuple[WebhookEvent, ...] = ("task.succeeded", "task.failed", "balance.low")
    wanted = {name.strip() for name in names.split(",")}
    if unknown := sorted(wanted.difference(known)):
        refuse(f"{unknown[0]!r} is not an event; events are {', '.join(known)}")
    return [each for each in known if each in wanted]


def _failed(client: Client, webhook: str | None) -> list[str]:
    """Return the ids of failed deliveries to enabled endpoints, the oldest first."""
    enabled = {each.id for each in client.webhooks() if each.enabled}
    found = client.deliveries(webhook=webhook, status="failed")
    return [each.id for each in found if each.webhook in enabled][::-1]


def _print_delivery(delivery: Delivery, as_json: bool) -> None:
    if as_json:
        print_json(asdict(delivery))
    else:
        print_table([_delivery_row(delivery)])


def _row(webhook: Webhook) -> dict[str, object]:
    state = "enabled" if webhook.enabled else "disabled"
    if webhook.disabled_reason:
        state += f" ({webhook.disabled_reason})"
    elif webhook.enabled and webhook.failing_since is not None:
        state = "failing"
    return {
        "webhook": webhook.id,
        "url": webhook.url,
        "events": ",".join(webhook.events),
        "state": state,
    }


def _delivery_row(delivery: Delivery) -> dict[str, object]:
    from ..core.formatting import moment

    return {
        "delivery": delivery.id,
        "event": delivery.type,
        "created": moment(delivery.created),
        "status": delivery.status,
        "attempts": delivery.attempts,
        "error": delivery.error or "-",
    }
