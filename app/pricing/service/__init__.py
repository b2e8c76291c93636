"""What can be done in pricing: make coupons and tax rates, end them, and take a coupon's uses."""

from app.pricing.service.coupons import CouponDraft, create_coupon, disable_coupon
from app.pricing.service.rates import TaxRateDraft, add_tax_rate, end_tax_rate
from app.pricing.service.redemptions import Take, give_back, take, use

__all__ = [
    "CouponDraft", "Take", "TaxRateDraft", "add_tax_rate", "create_coupon", "disable_coupon",
    "end_tax_rate", "give_back", "take", "use",
]  # fmt: skip
