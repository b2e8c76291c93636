"""How reviews refuse."""

from app.platform.errors import Conflict, Denied, NotFound, VersionConflict


class ReviewNotFound(NotFound):
    """No such review, or another person's."""

    code = "review_not_found"


class NotABuyer(Denied):
    """Only who was sent a product may judge it."""

    code = "not_a_buyer"


class OwnProduct(Denied):
    """A merchant's people do not review what they sell."""

    code = "own_product"


class AlreadyReviewed(Conflict):
    """A person says one thing of a product: change it instead."""

    code = "already_reviewed"


class ReviewChanged(VersionConflict):
    """Its buyer has written it anew since it was read: read it again, then decide."""
