"""Papers: invoices of what was bought, and a receipt for what was paid."""

from typing import Any
from uuid import UUID

from flask import Response

from app.api.schemas.documents import InvoiceSchema, InvoicesSchema
from app.documents import invoice as invoice_paper
from app.documents import queries, receipt, service
from app.documents.errors import InvoiceNotFound
from app.documents.models import Invoice
from app.documents.payments_made import story_of
from app.documents.queries import Owners
from app.orders.errors import OrderNotFound
from app.platform.ids import encode
from app.web.auth import Scope, merchant_id, principal, requires
from app.web.blueprints import Blueprint
from app.web.conditional import cacheable
from app.web.idempotency import idempotent
from app.web.transactions import reading, transaction

INVOICE_SECONDS = 3_600  # an invoice never changes; whoever may see it might
PDF = "application/pdf"
_FILE = {"type": "string", "format": "binary"}

documents = Blueprint("documents", __name__, url_prefix="/v1", description="Invoices and receipts")


@documents.route('/orders/<id(prefix="ord"):order_id>/invoices', methods=["GET"])
@requires(Scope.ORDERS_READ)
@documents.response(200, InvoicesSchema)
@documents.alt_response(404, "NOT_FOUND")
def list_invoices(order_id: UUID) -> dict[str, Any]:
    """The invoices of an order: all for who bought, the own one for a merchant who sold."""
    with reading() as session:
        owners = queries.owners_of(session, order_id)
        seller = None if _bought(owners) else _sold(owners)
        found = queries.invoices_of(session, order_id, merchant_id=seller)
    return {"data": [_shown(invoice) for invoice in found]}


@documents.route('/invoices/<id(prefix="inv"):invoice_id>.pdf', methods=["GET"])
@requires(Scope.ORDERS_READ)
@cacheable(seconds=INVOICE_SECONDS, shared=False)
@documents.response(200, _FILE, content_type=PDF, description="The invoice.")
@documents.alt_response(404, "NOT_FOUND")
def show_invoice(invoice_id: UUID) -> Response:
    """An invoice as it was issued, drawn in the language of its order."""
    with reading() as session:
        invoice = queries.find_invoice(session, invoice_id)
        owners = queries.owners_of(session, invoice.order_id)
    if not _bought(owners) and principal().merchant_id != invoice.merchant_id:
        raise InvoiceNotFound("There is no such invoice.")
    return _file(invoice_paper.draw(invoice.figures), f"invoice-{invoice.number}.pdf")


@documents.route('/orders/<id(prefix="ord"):order_id>/receipt', methods=["GET"])
@requires(Scope.ORDERS_READ)
@cacheable(seconds=0, shared=False)
@documents.response(200, _FILE, content_type=PDF, description="The receipt.")
@documents.alt_response(404, "NOT_FOUND")
@documents.alt_response(409, "CONFLICT")
def show_receipt(order_id: UUID) -> Response:
    """What was paid for an order, taken and given back, by day, for who bought it.

    Refused as `nothing_paid` before any money was taken.
    """
    with reading() as session:
        if not _bought(queries.owners_of(session, order_id)):
            raise OrderNotFound("There is no such order.")
        story = story_of(session, order_id)
    return _file(receipt.draw(story), f"receipt-{story.order.number}.pdf")


@documents.route('/merchant/orders/<id(prefix="ord"):order_id>/invoice', methods=["POST"])
@requires(Scope.ORDERS_FULFIL)
@idempotent
@documents.response(200, InvoiceSchema)
@documents.alt_response(404, "NOT_FOUND")
@documents.alt_response(409, "CONFLICT")
def issue_invoice(order_id: UUID) -> dict[str, Any]:
    """Issue the merchant's invoice for its part of an order, now; asked again it is the same one.

    It is issued by itself when the money is taken; this does not wait for that to be heard. Refused
    as `order_canceled`, and as `nothing_to_bill` before anything was paid or sent.
    """
    with transaction() as session:
        return _shown(service.issue(session, order_id, merchant_id=merchant_id()))


def _bought(owners: Owners) -> bool:
    return principal().owns(user_id=owners.user_id, cart_id=owners.cart_id)


def _sold(owners: Owners) -> UUID:
    seller = principal().merchant_id
    if seller is None or seller not in owners.merchant_ids:
        raise OrderNotFound("There is no such order.")
    return seller


def _shown(invoice: Invoice) -> dict[str, Any]:
    return {
        "id": invoice.id,
        "number": invoice.number,
        "printed_number": invoice.figures["number"],
        "order_id": invoice.order_id,
        "merchant_id": invoice.merchant_id,
        "total": invoice.total,
        "tax": invoice.figures["totals"]["tax"],
        "currency": invoice.currency,
        "issued_at": invoice.issued_at,
        "pdf_url": f"/v1/invoices/{encode('inv', invoice.id)}.pdf",
    }


def _file(content: bytes, name: str) -> Response:
    shown = {"Content-Disposition": f'inline; filename="{name}"'}
    return Response(content, mimetype=PDF, headers=shown)
