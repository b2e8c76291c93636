"""Invoices, as lists show them; what is printed on them is in the PDF."""

from marshmallow import Schema, fields

from app.api.schemas.fields import Currency, Minor, TypeId, Whole


class InvoiceSchema(Schema):
    """One merchant's invoice for its part of an order; amounts in minor units."""

    id = TypeId("inv", required=True)
    number = Whole(
        least=1,
        most=2**53,
        required=True,
        metadata={"description": "Counts the merchant's invoices, without a gap.", "example": 42},
    )
    printed_number = fields.String(
        required=True,
        metadata={"description": "The number as it stands on paper.", "example": "000042"},
    )
    order_id = TypeId("ord", required=True)
    merchant_id = TypeId("mer", required=True)
    total = Minor(required=True)
    tax = Minor(required=True)
    currency = Currency(required=True)
    issued_at = fields.AwareDateTime(required=True)
    pdf_url = fields.String(
        required=True,
        metadata={"example": "/v1/invoices/inv_01h455vb4pex5vsknk084sn02q.pdf"},
    )


class InvoicesSchema(Schema):
    """All invoices of an order that the caller may see."""

    data = fields.List(fields.Nested(InvoiceSchema), required=True)
