"""What is printed on an invoice, every figure of it, as it is frozen when it is issued. No I/O.

Amounts are in minor units. A line's `net` is what tax was raised on; `net` + `tax` is its `total`,
and the totals of all lines and of the shipping make the invoice's.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.accounts.settings import MerchantSettings
from app.orders.models import Order, OrderItem
from app.platform.ids import decode, encode

NUMBER_DIGITS = 6


def of_invoice(
    order: Order,
    merchant_id: UUID,
    *,
    seller: MerchantSettings,
    number: int,
    totals: Mapping[str, Any],
    issued_at: datetime,
    supplied_at: datetime | None,
) -> dict[str, Any]:
    """One merchant's part of an order. `totals` are those frozen on its checkout: they know the
    rates by which the amounts of the order were taxed."""
    lines = _lines([item for item in order.items if item.merchant_id == merchant_id], totals)
    shipping = _shipping(order, merchant_id, totals)
    return {
        "number": f"{number:0{NUMBER_DIGITS}}",
        "issued_at": issued_at.isoformat(),
        "supplied_at": supplied_at.isoformat() if supplied_at else None,
        "locale": order.locale,
        "currency": order.currency,
        "order": {
            "id": encode("ord", order.id),
            "number": order.number,
            "ordered_at": order.created_at.isoformat(),
        },
        "seller": _seller(merchant_id, seller),
        "buyer": {"address": address_of(order.address)},
        "lines": lines,
        "shipping": shipping,
        "taxes": _taxes([*lines, *shipping]),
        "totals": _totals(lines, shipping),
    }


def address_of(given: Mapping[str, Any]) -> dict[str, str]:
    """The parts of an address that are printed, each there, empty where it is not known."""
    names = ("name", "line1", "line2", "city", "region", "postal_code", "country")
    return {name: str(given.get(name) or "") for name in names}


def _seller(merchant_id: UUID, seller: MerchantSettings) -> dict[str, Any]:
    return {
        "id": encode("mer", merchant_id),
        "name": seller.name,
        "legal_name": seller.legal_name or seller.name,
        "address": address_of(seller.address or {}),
        "vat_id": seller.vat_id,
    }


def _lines(items: Iterable[OrderItem], totals: Mapping[str, Any]) -> list[dict[str, Any]]:
    rated = {line["line"]: line for line in totals.get("lines", ())}
    return [
        {
            "line": item.line,
            "sku_id": encode("sku", item.sku_id),
            "code": item.code,
            "name": item.name,
            "qty": item.qty,
            "price": item.price_snapshot,
            "discount": item.discount,
            **_taxed(item, rated.get(item.line, {}), totals),
            "net": item.price_snapshot * item.qty - item.discount - item.tax_included,
            "tax": item.tax,
            "total": item.total,
        }
        for item in items
    ]


def _shipping(order: Order, merchant_id: UUID, totals: Mapping[str, Any]) -> list[dict[str, Any]]:
    parts = [
        part for part in order.shipping_lines if decode("mer", part["merchant_id"]) == merchant_id
    ]
    return [
        {
            "service": order.shipping_service,
            "price": part["price"],
            **_rate(part, totals),
            "net": part["total"] - part["tax"],
            "tax": part["tax"],
            "total": part["total"],
        }
        for part in parts
    ]


def _taxed(item: OrderItem, rated: Mapping[str, Any], totals: Mapping[str, Any]) -> dict[str, Any]:
    known = {"tax": item.tax, "tax_included": item.tax_included}
    return _rate({**rated, **known}, totals)


def _rate(part: Mapping[str, Any], totals: Mapping[str, Any]) -> dict[str, Any]:
    """The rate of a part. Where it came to nothing, the order's taxes tell if it was included."""
    name, ppm = part.get("tax_name", ""), part.get("tax_rate_ppm", 0)
    included = part["tax_included"] > 0 or any(
        tax["included"] and (tax["name"], tax["rate_ppm"]) == (name, ppm)
        for tax in totals.get("taxes", ())
        if part["tax"] == 0
    )
    return {
        "tax_name": name,
        "tax_rate_ppm": ppm,
        "tax_known": part.get("tax_known", False),
        "tax_included": included,
    }


def _taxes(parts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    sums: dict[tuple[str, int, bool, bool], list[int]] = {}
    for part in parts:
        rate = (part["tax_name"], part["tax_rate_ppm"], part["tax_included"], part["tax_known"])
        both = sums.setdefault(rate, [0, 0])
        both[0] += part["net"]
        both[1] += part["tax"]
    return [
        {
            "name": name,
            "rate_ppm": ppm,
            "included": included,
            "known": known,
            "net": net,
            "tax": tax,
        }
        for (name, ppm, included, known), (net, tax) in sorted(sums.items())
    ]


def _totals(
    lines: Sequence[Mapping[str, Any]], shipping: Sequence[Mapping[str, Any]]
) -> dict[str, int]:
    parts = [*lines, *shipping]
    included = sum(part["tax"] for part in parts if part["tax_included"])
    tax = sum(part["tax"] for part in parts)
    return {
        "items": sum(line["price"] * line["qty"] for line in lines),
        "discount": sum(line["discount"] for line in lines),
        "shipping": sum(part["price"] for part in shipping),
        "tax": tax,
        "tax_added": tax - included,
        "net": sum(part["net"] for part in parts),
        "total": sum(part["total"] for part in parts),
    }
