"""How documents refuse."""

from app.platform.errors import Conflict, NotFound


class InvoiceNotFound(NotFound):
    """No such invoice, or one that is not the caller's to see."""

    code = "invoice_not_found"


class OrderCanceled(Conflict):
    """Nothing of the order will be sent, so nothing is owed."""

    code = "order_canceled"


class NothingToBill(Conflict):
    """Nothing of the merchant's part was paid or sent yet, or nothing of it will ever be sent."""

    code = "nothing_to_bill"


class NothingPaid(Conflict):
    """No money was taken yet, so there is nothing to give a receipt for."""

    code = "nothing_paid"
