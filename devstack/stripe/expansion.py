"""`expand[]`: ids answered as the objects they stand for."""

from typing import Any

from devstack.stripe.acts import public
from devstack.stripe.errors import invalid_request
from devstack.stripe.store import Document, Store

EXPANDABLE = {
    "payment_intent": {"latest_charge": "charge", "payment_method": "payment_method"},
    "charge": {"payment_intent": "payment_intent"},
    "refund": {"charge": "charge", "payment_intent": "payment_intent"},
}
DEPTH_MAX = 4


def expand(store: Store, answer: Document, paths: list[str]) -> None:
    """Replace ids by objects along each path (`latest_charge`, `data.payment_intent`)."""
    for path in paths:
        steps = path.split(".")
        if len(steps) > DEPTH_MAX:
            raise invalid_request(
                f"You cannot expand more than {DEPTH_MAX} levels of a property ({path[:100]}).",
                param="expand",
            )
        _along(store, answer, steps, path)


def _along(store: Store, thing: Any, steps: list[str], path: str) -> None:
    if not steps:
        return
    step, *rest = steps
    if step == "data" and thing["object"] in ("list", "search_result"):
        for row in thing["data"]:
            _along(store, row, rest, path)
        return
    kind = EXPANDABLE.get(thing["object"], {}).get(step)
    if kind is None:
        raise invalid_request(f"This property cannot be expanded ({path[:100]}).", param="expand")
    if isinstance(thing[step], str):
        found = store.load(kind, thing[step])
        thing[step] = public(found) if found else None
    if thing[step] is not None:
        _along(store, thing[step], rest, path)
