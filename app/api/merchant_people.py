"""Who may sell for a merchant: its people invite each other and let each other go."""

from typing import Any
from uuid import UUID

from app.accounts import queries, service
from app.accounts.models import User
from app.api.schemas.people import ColleagueSchema, ColleaguesSchema, InvitationSchema
from app.web.auth import Scope, merchant_id, principal, requires
from app.web.blueprints import Blueprint
from app.web.idempotency import idempotent
from app.web.limits import limit_registrations
from app.web.transactions import reading, transaction

merchant_people = Blueprint(
    "merchant_people", __name__, url_prefix="/v1/merchant/people", description="A merchant's people"
)


@merchant_people.route("", methods=["POST"])
@limit_registrations
@requires(Scope.MERCHANT)
@idempotent
@merchant_people.arguments(InvitationSchema)
@merchant_people.response(201, ColleagueSchema)
@merchant_people.alt_response(409, "CONFLICT")
def invite_person(invitation: dict[str, str]) -> User:
    """Invite somebody to sell for this merchant; a letter asks them to choose a password.

    `email_taken` where the address has an account already.
    """
    with transaction() as session:
        return service.invite_colleague(
            session,
            merchant_id(),
            invited_by=principal().user_id,
            email=invitation["email"].strip(),
            name=invitation["name"],
        )


@merchant_people.route("", methods=["GET"])
@requires(Scope.MERCHANT)
@merchant_people.response(200, ColleaguesSchema)
def list_people() -> dict[str, Any]:
    """Who may sell for this merchant."""
    with reading() as session:
        return {"data": queries.people_of(session, merchant_id())}


@merchant_people.route('/<id(prefix="usr"):user_id>', methods=["DELETE"])
@requires(Scope.MERCHANT)
@idempotent
@merchant_people.response(204)
@merchant_people.alt_response(404, "NOT_FOUND")
@merchant_people.alt_response(409, "CONFLICT")
def remove_person(user_id: UUID) -> None:
    """Let somebody sell for this merchant no more: a customer from now on, and signed out.

    `last_of_merchant` where nobody would be left.
    """
    with transaction() as session:
        service.remove_person(session, merchant_id(), user_id, removed_by=principal().user_id)
