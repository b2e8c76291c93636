"""How orders refuse."""

from app.platform.errors import Conflict, Denied, Invalid, NotFound


class OrderNotFound(NotFound):
    """No such order, or another shopper's."""

    code = "order_not_found"


class RefundNotFound(NotFound):
    """No such refund, or of another's order."""

    code = "refund_not_found"


class ReturnNotFound(NotFound):
    """No such return, or of another's order."""

    code = "return_not_found"


class UnknownLine(Invalid):
    """The order has no line of this number, or the caller's part of it has none."""

    code = "unknown_line"


class RefundAmbiguous(Invalid):
    """A refund is of an amount, or of lines, or of everything that is left."""

    code = "refund_ambiguous"


class LinesOfSeveralMerchants(Invalid):
    """A return goes to one merchant."""

    code = "lines_of_several_merchants"


class NotYoursAlone(Denied):
    """Other merchants have a part in this order: only operations may do this to all of it."""

    code = "not_yours_alone"


class CustomersChoice(Denied):
    """Only whoever sends the goods back may call it off."""

    code = "customers_choice"


class ShipmentUnderWay(Conflict):
    """Something of it is on its way out; it can be refunded or sent back once it has left."""

    code = "shipment_under_way"


class RefundUnderWay(Conflict):
    """Money or goods are on their way back; it goes on when they have arrived."""

    code = "refund_under_way"


class CancellationUnderWay(Conflict):
    """The order was canceled, or is about to be; all its money goes back with that."""

    code = "order_canceled"


class NotCancelable(Conflict):
    """The order does not stand where it could be canceled; `state` says where it stands."""

    code = "order_not_cancelable"


class CancelInstead(Conflict):
    """Nothing was taken and nothing would be left of the order: cancel it."""

    code = "cancel_instead"


class CaptureUnderWay(Conflict):
    """The money is being taken right now; what of it goes back is known a moment later."""

    code = "capture_under_way"
    retryable = True


class RefundExceedsCaptured(Conflict):
    """More than what is left of the money taken; `refundable` is that, in minor units."""

    code = "refund_exceeds_captured"


class TooManyUnits(Conflict):
    """More units than can go back; `lines` says of which line how many can."""

    code = "too_many_units"


class NotTheReturnsTurn(Conflict):
    """The return does not stand where this could be done to it; `stands` says where."""

    code = "return_out_of_turn"


class MoreThanAnnounced(Invalid):
    """More was received than announced, more restocked than received, or nothing at all."""

    code = "received_units_wrong"


class OrderNotShippable(Conflict):
    """The order does not stand where its units could leave; `state` says where it stands."""

    code = "order_not_shippable"


class UnitsNotLeft(Conflict):
    """Fewer units are left to be shipped than asked for; `lines` says how many of which line."""

    code = "units_not_left"


class SplitNeeded(Conflict):
    """These units do not lie in one warehouse: a parcel each; `warehouses` says what lies where."""

    code = "split_needed"


class ShipmentNotStuck(Conflict):
    """Nothing keeps this parcel: it is on its way by itself, or over; `shipment_status` says
    where."""

    code = "shipment_not_stuck"


class ShipmentNotSent(Conflict):
    """The parcel has not left yet, or never will; `shipment_status` says where it is."""

    code = "shipment_not_sent"
