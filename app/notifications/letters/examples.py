"""Made-up words for every letter, so that its look can be judged without a real order."""

from datetime import UTC, datetime
from typing import Any

from app.notifications.letters.kinds import Line, PostalAddress
from app.platform.money import Money

Example = dict[str, Any]

_NUMBER = "100042"
_RETURN = "ret_01h455vb4pex5vsknk084sn02q"
_BARN, _WEAVERS = "Blue Barn", "Weavers & Daughters"
_URL = "https://shop.example/orders/ord_01h455vb4pex5vsknk084sn02q"
_ADDRESS = PostalAddress(("Ada Lovelace", "12 St James's Square", "10117 Berlin"), "DE")
_GOODS_IN = PostalAddress((_BARN, "Harbour Street 3", "20457 Hamburg"), "DE")
_BOOT, _SCARF = ("Halden walking boot", "BOOT-42"), ("Merino scarf", "SCARF-1")


def _eur(minor: int) -> Money:
    return Money(minor, "EUR")


CONFIRMED: Example = {
    "number": _NUMBER,
    "lines": [
        Line(*_BOOT, 1, merchant=_BARN, price=_eur(12_900), subtotal=_eur(12_900)),
        Line(*_SCARF, 2, merchant=_WEAVERS, price=_eur(2_450), subtotal=_eur(4_900)),
    ],
    "merchants": [_BARN, _WEAVERS],
    "amounts": [
        ("items", _eur(17_800)),
        ("shipping", _eur(490)),
        ("discount", _eur(-1_000)),
        ("tax_included", _eur(2_760)),
    ],
    "total": _eur(17_290),
    "address": _ADDRESS,
    "is_free": False,
    "is_collected_at_once": False,
    "order_url": _URL,
}
SHIPPED: Example = {
    "number": _NUMBER,
    "merchant": _BARN,
    "merchants": [_BARN],
    "carrier": "DHL",
    "tracking_number": "00340434161094042557",
    "tracking_url": "https://carrier.example/track/00340434161094042557",
    "lines": [Line(*_BOOT, 1)],
    "to_come": [Line(*_SCARF, 2, merchant=_WEAVERS)],
    "address": _ADDRESS,
    "order_url": _URL,
}
DELIVERED: Example = {
    "number": _NUMBER,
    "lines": [Line(*_BOOT, 1, merchant=_BARN), Line(*_SCARF, 2, merchant=_WEAVERS)],
    "merchants": [_BARN, _WEAVERS],
    "order_url": _URL,
}
CANCELED: Example = {
    **DELIVERED,
    "has_expired": False,
    "is_free": False,
    "is_collected": False,
}
REFUNDED: Example = {
    "number": _NUMBER,
    "amount": _eur(2_450),
    "released": None,
    "lines": [Line(*_SCARF, 1, merchant=_WEAVERS)],
    "merchants": [_WEAVERS],
    "order_url": _URL,
}
RETURN: Example = {
    "number": _NUMBER,
    "return_id": _RETURN,
    "merchant": _BARN,
    "merchants": [_BARN],
    "lines": [Line(*_BOOT, 1, note="too small")],
}
APPROVED: Example = {**RETURN, "address": _GOODS_IN}
REFUSED: Example = {**RETURN, "reason": "The soles show that they were worn outside."}
NEVER_CAME: Example = {**RETURN, "is_approved": True}
REPAID: Example = {**RETURN, "amount": _eur(12_900)}
LOW_STOCK: Example = {
    "name": _BOOT[0],
    "sku": _BOOT[1],
    "merchant": _BARN,
    "merchants": [_BARN],
    "left": 3,
    "mark": 5,
}
TOKEN: Example = {
    "link": None,
    "token": "cwm_this-is-no-token",
    "expires_at": datetime(2030, 1, 7, 12, tzinfo=UTC),
    "merchants": [],
}
INVITED: Example = {**TOKEN, "merchant": _BARN, "merchants": [_BARN]}
PLAIN: Example = {"merchants": []}
