"""How pricing refuses: coupons that do not count, and rates that cannot be."""

from app.platform.errors import Conflict, Invalid, NotFound


class CouponUnknown(Invalid):
    """There is no such coupon for this cart; whether there is one for another is not said."""

    code = "coupon_unknown"


class CouponCurrency(Invalid):
    """The coupon is for carts of another currency."""

    code = "coupon_currency"


class CouponExpired(Conflict):
    """The coupon's time is over."""

    code = "coupon_expired"


class CouponNotYetValid(Conflict):
    """The coupon's time has not come."""

    code = "coupon_not_yet_valid"


class CouponMinimum(Conflict):
    """The goods it counts for are worth too little: `minimum` and `worth` in minor units."""

    code = "coupon_minimum"


class CouponUsedUp(Conflict):
    """Others were faster: the coupon has no use left."""

    code = "coupon_used_up"


class CouponUsedByCustomer(Conflict):
    """This customer has used the coupon as often as one may."""

    code = "coupon_used_by_customer"


class CouponCodeTaken(Conflict):
    """There is a coupon of this code, in whatever case it is written."""

    code = "coupon_code_taken"


class CouponNotFound(NotFound):
    """No such coupon, or another merchant's."""

    code = "coupon_not_found"


class TaxRateNotFound(NotFound):
    """No such tax rate, or another merchant's."""

    code = "tax_rate_not_found"


class WindowBackwards(Invalid):
    """It would be over before it begins."""

    code = "window_backwards"
