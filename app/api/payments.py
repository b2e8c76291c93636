"""What payment providers tell the shop."""

from flask import request

from app.api.schemas.payments import EventReceivedSchema
from app.payments import service
from app.payments.errors import UnknownProvider
from app.web.auth import public, requires
from app.web.blueprints import Blueprint
from app.web.transactions import transaction
from app.wiring import providers

psp = Blueprint("psp", __name__, url_prefix="/v1/psp", description="Payment providers")

_BODY = {
    "required": True,
    "description": "The event as the provider sends it; its signature covers every byte.",
    "content": {"application/json": {"schema": {"type": "object"}}},
}
_SIGNATURE = {
    "name": "Stripe-Signature",
    "in": "header",
    "required": True,
    "schema": {"type": "string"},
    "description": "The provider's signature of the body, `t=…,v1=…`.",
}


@psp.route("/<string:provider>/events", methods=["POST"])
@requires(public)
@psp.doc(requestBody=_BODY, parameters=[_SIGNATURE])
@psp.response(200, EventReceivedSchema)
@psp.alt_response(400, "BAD_REQUEST")
@psp.alt_response(404, "NOT_FOUND")
@psp.alt_response(413, "CONTENT_TOO_LARGE")
def receive_psp_event(provider: str) -> dict[str, bool]:
    """Keep an event of a payment provider; a repeat is answered alike.

    `bad_signature` (400) when it was not signed by the provider, or more than five minutes ago.
    """
    payments = providers().payments
    if provider != payments.name:
        raise UnknownProvider("No such payment provider.")
    event = payments.verify_event(request.get_data(), request.headers.get("Stripe-Signature", ""))
    with transaction() as session:
        service.receive_event(session, payments.name, event)
    return {"received": True}
