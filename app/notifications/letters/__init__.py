"""All letters there are: what each tells of, to whom it may come, and what it looks like."""

from app.notifications.letters import accounts, examples, merchants, orders, parcels, returns
from app.notifications.letters.kinds import Kind, Topic

__all__ = ["LETTERS", "Kind", "Topic"]

LETTERS: dict[str, Kind] = {
    kind.template: kind
    for kind in (
        Kind("order_confirmed", "ord", orders.confirmed, examples.CONFIRMED),
        Kind("order_shipped", "shp", parcels.shipped, examples.SHIPPED, fact="shipment_id"),
        Kind("order_delivered", "ord", parcels.delivered, examples.DELIVERED),
        Kind("order_canceled", "ord", orders.canceled, examples.CANCELED),
        Kind("order_refunded", "ref", orders.refunded, examples.REFUNDED, fact="refund_id"),
        Kind("return_requested", "ret", returns.requested, examples.RETURN, fact="return_id"),
        Kind("return_approved", "ret", returns.approved, examples.APPROVED, fact="return_id"),
        Kind("return_refused", "ret", returns.refused, examples.REFUSED, fact="return_id"),
        Kind("return_received", "ret", returns.received, examples.RETURN, fact="return_id"),
        Kind("return_refunded", "ret", returns.refunded, examples.REPAID, fact="return_id"),
        Kind("return_canceled", "ret", returns.requested, examples.RETURN, fact="return_id"),
        Kind("return_expired", "ret", returns.expired, examples.NEVER_CAME, fact="return_id"),
        Kind("return_to_decide", "ret", returns.requested, examples.RETURN, fact="return_id"),
        Kind("low_stock", "sku", merchants.low_stock, examples.LOW_STOCK, topic=Topic.LOW_STOCK),
        Kind(
            "review_invitation",
            "ord",
            parcels.to_be_reviewed,
            examples.DELIVERED,
            topic=Topic.REVIEW_INVITATION,
        ),
        Kind("account_welcome", None, accounts.with_token, examples.TOKEN, fact="token_id"),
        Kind("account_verify", None, accounts.with_token, examples.TOKEN, fact="token_id"),
        Kind("account_reset", None, accounts.with_token, examples.TOKEN, fact="token_id"),
        Kind("account_password_changed", "usr", accounts.plain, examples.PLAIN),
        Kind("account_invited", None, accounts.invited, examples.INVITED, fact="token_id"),
    )
}
