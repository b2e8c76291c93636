"""Why a letter did not leave, and how its doors refuse."""

from app.platform.errors import Invalid, NotFound, Unavailable


class MailAway(Unavailable):
    """The mail server does not answer, or asks to come back later."""

    code = "unavailable"


class LetterRefused(Invalid):
    """This letter will not be taken, however often it is offered."""

    code = "letter_refused"


class MailboxRefused(LetterRefused):
    """There is nobody at this address, or no address like this."""


class Withheld(Invalid):
    """Nobody is to read this letter any more: the person is gone, does not want it, or what it told
    of is over. `detail` is the one word that is kept with it."""

    code = "letter_withheld"


class UnknownTemplate(NotFound):
    """There is no letter of this name."""

    code = "template_not_found"


class NothingToShow(NotFound):
    """There is nothing of this id that the letter could tell of."""

    code = "subject_not_found"


class LinkNotGood(NotFound):
    """This link was not made here, or its letter is not kept any more."""

    code = "link_not_good"
