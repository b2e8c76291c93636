"""How shipping refuses."""

from app.platform.errors import Invalid


class NoShippingToCountry(Invalid):
    """No service brings the whole cart there."""

    code = "no_shipping_to_country"


class UnknownShippingService(Invalid):
    """The chosen service is not offered for this cart and country."""

    code = "unknown_shipping_service"
