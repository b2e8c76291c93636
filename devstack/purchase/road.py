"""One order from the shelf to the doorstep, and half of it back."""

import secrets
import time
from typing import Any

from rich.console import Console
from rich.markup import escape

from devstack.purchase.client import Client
from devstack.purchase.shop import Refused, Shop
from devstack.purchase.story import Story

ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "Unter den Linden 1",
    "city": "Berlin",
    "postal_code": "10117",
    "country": "DE",
}
UNITS = 2  # one is sent back


class Road:
    """The demo customer buys from the demo merchant."""

    def __init__(self, shop: Shop, console: Console) -> None:
        self._shop, self._console = shop, console
        self._customer, self._merchant = Client(shop.api, console), Client(shop.api, console)
        self._story = Story(shop, console)

    def walk(self) -> None:
        """From the login to the refund. Raises `Refused` where the shop says no."""
        self._title("Sign in: a customer, and the merchant")
        self._customer.sign_in(self._shop.customer.email, self._shop.customer.password)
        self._merchant.sign_in(self._shop.merchant.email, self._shop.merchant.password)
        order = self._buy()
        shipment = self._ship(order)
        self._deliver(order, shipment)
        self._refund(order)
        self._title("How it stands")
        told = self._customer.call("GET", f"/v1/orders/{order['id']}")
        self._customer.call("GET", f"/v1/orders/{order['id']}/receipt")
        paid = told["payment"]
        self._console.print(
            f"\n[green]✓[/green] [bold]{escape(told['number'])}[/bold] is {told['state']}:"
            f" {paid['captured']} taken, {paid['refunded']} given back"
            f" (minor units of {told['currency']})."
        )

    def _buy(self) -> dict[str, Any]:
        self._title("Find something, and put it into the cart")
        cart = self._customer.call("POST", "/v1/cart", {"sku_id": self._choose(), "qty": UNITS})
        asked = {"shipping_address": ADDRESS}
        totals = self._customer.call("POST", f"/v1/cart/{cart['id']}/quote", asked)["totals"]
        self._title("Buy it")
        began = time.monotonic()
        checkout = self._customer.call(
            "POST",
            "/v1/checkout",
            {
                "cart_id": cart["id"],
                "shipping_address": ADDRESS,
                "payment_method_token": "pm_card_visa",
                "expected_total": totals["total"],
            },
            _key(),
        )
        accepted = time.monotonic()
        self._ended(checkout["id"], "confirmed", "The purchase")
        ended = time.monotonic()
        checkout = self._customer.call("GET", f"/v1/checkout/{checkout['id']}")
        order = self._customer.call("GET", f"/v1/orders/{checkout['order_id']}")
        self._story.letter(order["number"], "confirmed", "bestätigt")
        arrived = time.monotonic()
        self._story.events(order["id"], checkout["id"])
        self._console.print(
            f"\n[green]✓[/green] [bold]{escape(order['number'])}[/bold]: accepted after"
            f" {_ms(accepted - began)}, confirmed and paid after {_ms(ended - began)},"
            f" letter seen after {_ms(arrived - began)}."
        )
        return order

    def _ship(self, order: dict[str, Any]) -> dict[str, Any]:
        self._title("Ship it: the money is taken, the label bought")
        path = f"/v1/orders/{order['id']}/shipments"
        shipment = self._merchant.call("POST", path, {}, _key())
        self._ended(shipment["id"], "confirmed", "The shipment")
        shipment = self._merchant.call("GET", f"/v1/shipments/{shipment['id']}")
        self._merchant.call("GET", f"/v1/shipments/{shipment['id']}/label")
        self._story.letter(order["number"], "way", "shipped", "sent", "unterwegs", "versandt")
        self._story.events(order["id"], order["checkout_id"], shipment["id"])
        return shipment

    def _deliver(self, order: dict[str, Any], shipment: dict[str, Any]) -> None:
        self._title("It arrives")
        self._merchant.call("POST", f"/v1/shipments/{shipment['id']}/delivered", {}, _key())
        self._story.letter(order["number"], "delivered", "arrived", "zugestellt", "angekommen")
        self._story.events(order["id"], order["checkout_id"], shipment["id"])

    def _refund(self, order: dict[str, Any]) -> None:
        self._title("One of it is given back")
        wanted = {"lines": [{"line": 1, "qty": 1}], "reason": "too small", "restock": True}
        path = f"/v1/orders/{order['id']}/refunds"
        refund = self._merchant.call("POST", path, wanted, _key())
        self._ended(refund["id"], "confirmed", "The refund")
        self._merchant.call("GET", f"/v1/refunds/{refund['id']}")
        self._story.letter(order["number"], "refund", "erstatt")
        self._story.events(order["id"], order["checkout_id"], refund["id"])

    def _choose(self) -> str:
        """A SKU of the merchant with enough in stock, another one each time."""
        found = self._merchant.call("GET", "/v1/merchant/stock?limit=100")["data"]
        enough = [line["sku_id"] for line in found if line["available"] >= UNITS]
        if not enough:
            raise Refused("The merchant has nothing in stock.")
        return str(secrets.choice(enough))

    def _ended(self, identity: str, wanted: str, what: str) -> None:
        state = self._story.follow(identity)
        if state != wanted:
            raise Refused(f"{what} ended {state}; see `flask trace {identity}`.")

    def _title(self, words: str) -> None:
        self._console.print()
        self._console.rule(f"[bold]{words}[/bold]", align="left")


def _key() -> dict[str, str]:
    return {"Idempotency-Key": secrets.token_hex(8)}


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
