"""What is printed on an invoice, every figure of it, as it is frozen when it is issued. No I/O.

Amounts are in minor units. A line's `net` is what tax was raised on; `net` + `tax` is its `total`,
and the totals of all lines and of the shipping make the invoice's.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.accounts.settings import MerchantSettings
from app.orders.amounts import share
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
    canceled: Mapping[int, int],
    issued_at: datetime,
    supplied_at: datetime | None,
) -> dict[str, Any]:
    """One merchant's part of an order. `totals` are those frozen on its checkout: they know the
    rates by which the amounts of the order were taxed. Of the units of a line those `canceled` are
    not billed, nor is their share of its amounts."""
    mine = [item for item in order.items if item.merchant_id == merchant_id]
    lines = _lines([_billed(item, canceled.get(item.line, 0)) for item in mine], totals)
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


@dataclass(frozen=True)
class _Billed:
    """The units of a line that are paid for, and what they cost."""

    item: OrderItem
    qty: int
    discount: int
    tax: int
    tax_included: int
    total: int


def _billed(item: OrderItem, canceled: int) -> _Billed:
    """What is left of a line. Its total is exact, as refunds count shares; the cents by which the
    shares of its parts miss that are the discount's, or the added tax's where there is none."""
    if not canceled:
        return _Billed(item, item.qty, item.discount, item.tax, item.tax_included, item.total)
    kept = item.qty - canceled
    total = share(item.total, item.qty, before=canceled, units=kept)
    tax = share(item.tax, item.qty, before=canceled, units=kept)
    is_included = item.tax_included > 0
    discount = item.price_snapshot * kept + (0 if is_included else tax) - total
    if not is_included and (discount < 0 or not item.discount):
        discount, tax = 0, total - item.price_snapshot * kept
    return _Billed(item, kept, discount, tax, tax if is_included else 0, total)


def _lines(billed: Iterable[_Billed], totals: Mapping[str, Any]) -> list[dict[str, Any]]:
    rated = {line["line"]: line for line in totals.get("lines", ())}
    return [
        {
            "line": line.item.line,
            "sku_id": encode("sku", line.item.sku_id),
            "code": line.item.code,
            "name": line.item.name,
            "qty": line.qty,
            "price": line.item.price_snapshot,
            "discount": line.discount,
            **_taxed(line.item, rated.get(line.item.line, {}), totals),
            "net": line.total - line.tax,
            "tax": line.tax,
            "total": line.total,
        }
        for line in billed
        if line.qty
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
