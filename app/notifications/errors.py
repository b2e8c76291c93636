"""Why a letter did not leave."""

from app.platform.errors import Invalid, Unavailable


class MailAway(Unavailable):
    """The mail server does not answer, or asks to come back later."""

    code = "unavailable"


class LetterRefused(Invalid):
    """This letter will not be taken, however often it is offered."""

    code = "letter_refused"
