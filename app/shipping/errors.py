"""How shipping refuses."""

from app.platform.errors import Conflict, Invalid, NotFound, Unavailable


class NoShippingToCountry(Invalid):
    """No service brings the whole cart there."""

    code = "no_shipping_to_country"


class UnknownShippingService(Invalid):
    """The chosen service is not offered for this cart and country."""

    code = "unknown_shipping_service"


class ShippingZoneNotFound(NotFound):
    """No such zone, or another merchant's."""

    code = "shipping_zone_not_found"


class ShippingRateNotFound(NotFound):
    """No such rate, or another merchant's."""

    code = "shipping_rate_not_found"


class ShippingZoneEnded(Conflict):
    """The merchant ships to this zone no more."""

    code = "shipping_zone_ended"


class WeightsBackwards(Invalid):
    """The rate is for parcels that weigh less than they weigh at least."""

    code = "weights_backwards"


class ShipmentNotFound(NotFound):
    """No such parcel, or another's."""

    code = "shipment_not_found"


class ParcelNotFound(NotFound):
    """No parcel goes by this number."""

    code = "parcel_not_found"


class UnknownCarrier(NotFound):
    """The shop does not work with this carrier."""

    code = "unknown_carrier"


class LabelNotPrinted(Conflict):
    """The parcel has no label yet, or its carrier gave none to keep."""

    code = "label_not_printed"


class LabelErased(NotFound):
    """The parcel went to somebody who was erased, and its label with them."""

    code = "label_erased"


class LabelRefused(Invalid):
    """The carrier will not take this parcel, whenever it is asked; `facts` say what it would."""

    code = "label_refused"


class CarrierAway(Unavailable):
    """The carrier does not answer; whether a label was bought is not known."""

    code = "carrier_unavailable"


class BadCarrierSignature(Invalid):
    """What claims to come from the carrier was not signed by it, or too long ago."""

    code = "bad_signature"


class BadCarrierEvent(Invalid):
    """It is signed, and does not say what became of which parcel."""

    code = "bad_carrier_event"
