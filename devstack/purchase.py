"""`make purchase`: one purchase through the public API of a running `make up`, told step by step.

Prints every request, every answer and every line the saga writes into its journal, as they happen.
Leaves with 0 once the order is confirmed and its letter has arrived, with 1 and one line otherwise.
"""

import argparse
import http.client
import json
import secrets
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
from rich.console import Console
from rich.markup import escape

from devstack.health import is_healthy
from devstack.servers.processes import is_alive
from devstack.stack import ROOT

INFO = ROOT / ".devstack/info.json"
ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "Unter den Linden 1",
    "city": "Berlin",
    "postal_code": "10117",
    "country": "DE",
}
PATIENCE_SECONDS = 60
_ROUND_SECONDS = 0.02
_MAIL_ROUND_SECONDS = 0.1  # the catcher reads all its mails for an answer
_TEXT_LENGTH_MAX = 72  # tokens and descriptions are longer than anyone wants to read
_LIST_LENGTH_MAX = 3
_MARKS = {"succeeded": "[green]✓[/green]", "started": "→", "failed": "[red]✗[/red]"}
_ALIVE = ("running", "parked")
_ID_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


class Refused(Exception):
    """Why there is no purchase, as one line for a person."""


@dataclass(frozen=True)
class Shop:
    """Where the running shop is, from its info.json."""

    api: str
    mail: str
    database: str
    email: str
    password: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Buy something, told on the terminal."""
    parser = argparse.ArgumentParser(prog="python -m devstack.purchase", description=__doc__)
    parser.add_argument("--info", type=Path, default=INFO, help="what the running stack wrote")
    options = parser.parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True)
    try:
        Purchase(read_info(options.info), console).run()
    except Refused as refusal:
        console.print(f"[red]✗[/red] {escape(str(refusal))}")
        return 1
    except (OSError, http.client.HTTPException, psycopg.Error) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        console.print(f"[red]✗[/red] The shop went away: {escape(lines[0])}")
        return 1
    return 0


def read_info(path: Path) -> Shop:
    """Where the shop is. Raises `Refused` while none is running."""
    try:
        info = json.loads(path.read_text())
        login = info["logins"]["customer"]
        shop = Shop(info["api"], info["mail"], info["database"], login["email"], login["password"])
        is_up = is_alive(info["pid"]) and is_healthy(f"{shop.api}/readyz")
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        is_up = False
    if not is_up:
        raise Refused("No shop is running here: start it with `make up` in another terminal.")
    return shop


class Purchase:
    """One purchase by the demo customer."""

    def __init__(self, shop: Shop, console: Console) -> None:
        self._shop, self._console = shop, console
        self._api = _Connection(shop.api)
        self._signed_in: dict[str, str] = {}

    def run(self) -> None:
        """From the login to the letter. Raises `Refused` where the shop says no."""
        self._title("Sign in")
        login = {"email": self._shop.email, "password": self._shop.password}
        token = self._call("POST", "/v1/auth/login", login)["access_token"]
        self._signed_in = {"Authorization": f"Bearer {token}"}
        self._title("Find something, and put it into the cart")
        cart = self._call("POST", "/v1/cart", {"sku_id": self._choose(), "qty": 1})
        asked = {"shipping_address": ADDRESS}
        totals = self._call("POST", f"/v1/cart/{cart['id']}/quote", asked)["totals"]
        self._title("Buy it")
        began = time.monotonic()
        checkout = self._check_out(cart["id"], totals["total"])
        accepted = time.monotonic()
        self._follow(checkout["id"])
        ended = time.monotonic()
        checkout = self._call("GET", f"/v1/checkout/{checkout['id']}")
        if checkout["state"] != "confirmed":
            raise Refused(f"The purchase ended {checkout['state']}: {checkout['failure']}")
        self._title("The order")
        order = self._call("GET", f"/v1/orders/{checkout['order_id']}")
        self._show_letter(order["number"])
        arrived = time.monotonic()
        self._console.print(
            f"\n[green]✓[/green] [bold]{escape(order['number'])}[/bold]: accepted after"
            f" {_ms(accepted - began)}, confirmed and paid after {_ms(ended - began)},"
            f" letter seen after {_ms(arrived - began)}."
        )

    def _choose(self) -> str:
        """A SKU in stock, another one each time."""
        found = self._call("GET", f"/v1/products?filters={quote('in_stock:true')}&limit=50")
        if not found["data"]:
            raise Refused("The shop has nothing in stock.")
        product = self._call("GET", f"/v1/products/{secrets.choice(found['data'])['id']}")
        return str(next(sku["id"] for sku in product["skus"] if sku["in_stock"]))

    def _check_out(self, cart_id: str, total: int) -> dict[str, Any]:
        body = {
            "cart_id": cart_id,
            "shipping_address": ADDRESS,
            "payment_method_token": "pm_card_visa",
            "expected_total": total,
        }
        return self._call("POST", "/v1/checkout", body, {"Idempotency-Key": secrets.token_hex(8)})

    def _follow(self, checkout_id: str) -> None:
        """Tell each line of the journal as it is written, until the purchase is over."""
        for number, (seconds, step, event, detail) in enumerate(self._journal(checkout_id)):
            if number == 0:
                self._console.print("\n  [bold]the saga[/bold] [dim](since it was accepted)[/dim]")
            told = f"  [dim]{escape(_short(detail))}[/dim]" if detail else ""
            mark = _MARKS.get(event, "·")
            self._console.print(f"  {mark} {seconds * 1000:5.0f} ms  {step:<10} {event}{told}")

    def _journal(self, checkout_id: str) -> Iterator[tuple[float, str, str, Any]]:
        uuid, last, deadline = _uuid(checkout_id), 0, time.monotonic() + PATIENCE_SECONDS
        url = self._shop.database.replace("postgresql+psycopg://", "postgresql://")
        with psycopg.connect(url, autocommit=True) as books:
            while True:
                asked = books.execute("SELECT state FROM checkouts WHERE id = %s", [uuid])
                state = asked.fetchone()
                for row in books.execute(_LINES, [uuid, last]).fetchall():
                    last = row[0]
                    yield float(row[1]), row[2], row[3], row[4]
                if state is None or state[0] not in _ALIVE:
                    return
                if time.monotonic() > deadline:
                    raise Refused(f"The purchase is still {state[0]}; see `flask trace`.")
                time.sleep(_ROUND_SECONDS)

    def _show_letter(self, number: str) -> None:
        """Wait for the confirmation in the mail catcher, and show it."""
        self._title("The letter")
        mails, deadline = _Connection(self._shop.mail), time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            _, body = mails.send("GET", "/api/messages", None, {})
            for mail in body or []:
                if number in mail["text"]:
                    self._console.print(f"  To: {escape(', '.join(mail['to']))}")
                    self._console.print(f"  Subject: [bold]{escape(mail['subject'])}[/bold]\n")
                    for line in mail["text"].splitlines():
                        self._console.print(f"  [dim]│[/dim] {escape(line)}")
                    return
            time.sleep(_MAIL_ROUND_SECONDS)
        raise Refused(f"No letter about {number} came; see the logs of worker and consumer.")

    def _call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """One request, shown with its answer. Raises `Refused` where it is not a success."""
        sent = {**self._signed_in, **(headers or {})}
        self._console.print(f"\n[bold cyan]{method}[/bold cyan] {escape(path)}")
        for name, value in sent.items():
            self._console.print(f"  [dim]{name}: {escape(_short(value))}[/dim]")
        if body is not None:
            self._console.print(f"  {escape(_short(body))}")
        began = time.monotonic()
        status, answer = self._api.send(method, path, body, sent)
        color = "green" if status < 400 else "red"
        took = _ms(time.monotonic() - began)
        self._console.print(f"  [{color}]{status}[/{color}] [dim]{took}[/dim]")
        self._console.print(f"  {escape(_short(answer))}")
        if status >= 400 or not isinstance(answer, dict):
            raise Refused(f"{method} {path} was answered with {status}.")
        return answer

    def _title(self, words: str) -> None:
        self._console.print()
        self._console.rule(f"[bold]{words}[/bold]", align="left")


class _Connection:
    """JSON over one kept connection."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._place = (place.hostname or "", place.port or 80)

    def send(
        self, method: str, path: str, body: Any, headers: Mapping[str, str]
    ) -> tuple[int, Any]:
        """One request; gives the status and what the body says."""
        connection = http.client.HTTPConnection(*self._place, timeout=PATIENCE_SECONDS)
        try:
            data = None if body is None else json.dumps(body)
            kind = {} if data is None else {"Content-Type": "application/json"}
            connection.request(method, path, data, {**kind, **headers})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, None


_LINES = """
    SELECT j.id, extract(epoch FROM j.at - c.created_at), j.step, j.event, j.detail
    FROM saga_journal j JOIN checkouts c ON c.id = j.saga_id
    WHERE j.saga_id = %s AND j.id > %s ORDER BY j.id
"""


def _uuid(checkout_id: str) -> str:
    """The UUID in a TypeID: 26 digits of five bits, the first two of them empty."""
    number = 0
    for digit in checkout_id.rpartition("_")[2]:
        number = number * 32 + _ID_ALPHABET.index(digit)
    return f"{number:032x}"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def _short(value: Any) -> str:
    """JSON on one line, without what nobody reads."""
    return json.dumps(_shortened(value), ensure_ascii=False) if value is not None else ""


def _shortened(value: Any) -> Any:
    match value:
        case str() if len(value) > _TEXT_LENGTH_MAX:
            return f"{value[: _TEXT_LENGTH_MAX - 40]}…"
        case list() if len(value) > _LIST_LENGTH_MAX:
            rest = f"… {len(value) - _LIST_LENGTH_MAX} more"
            return [*map(_shortened, value[:_LIST_LENGTH_MAX]), rest]
        case list():
            return [_shortened(each) for each in value]
        case dict():
            return {key: _shortened(each) for key, each in value.items()}
    return value


if __name__ == "__main__":
    sys.exit(main())
