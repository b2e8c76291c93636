"""How the event machinery refuses."""

from app.platform.errors import Invalid, NotFound, Unavailable


class BusAway(Unavailable):
    """The event bus does not answer; the outbox keeps what was not published."""

    code = "unavailable"


class LeaseLost(Exception):
    """Another process has taken over; whatever this one was about to write is not written."""


class UnknownConsumer(NotFound):
    """Nobody of that name reacts to anything."""

    code = "consumer_unknown"


class PositionOutOfRange(Invalid):
    """Replays begin at position 1 or later."""

    code = "position_out_of_range"
