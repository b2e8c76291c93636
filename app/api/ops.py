"""What needs a person: open incidents, and sagas that do not get on; and what the person says."""

from typing import Any
from uuid import UUID

from app.api.parties import Side, acting_as
from app.api.schemas.ops import (
    CLOSED,
    OPEN,
    ClosingSchema,
    IncidentArgs,
    IncidentSchema,
    SagaArgs,
    SagaSchema,
)
from app.operations import attention, queries
from app.operations.queries import IncidentView, SagaView
from app.saga.states import LIVE, SagaState
from app.web.auth import Scope, requires
from app.web.blueprints import Blueprint
from app.web.idempotency import idempotent
from app.web.pagination import Page, decode_cursor, page_of, paginate
from app.web.transactions import reading, transaction

ops = Blueprint("ops", __name__, url_prefix="/v1/ops", description="Operations")

_NOT_ENDED = (*LIVE, SagaState.NEEDS_ATTENTION)
_IS_OPEN = {OPEN: True, CLOSED: False}


@ops.route("/incidents", methods=["GET"])
@requires(Scope.OPS)
@ops.arguments(IncidentArgs, location="query")
@ops.response(200, page_of(IncidentSchema))
def list_incidents(page: dict[str, Any]) -> Page[IncidentView]:
    """What a person must look at, newest first; the open ones unless asked otherwise."""
    kind = f"incidents:{page['state']}"
    after = decode_cursor(kind, page["after"])[0] if page["after"] else None
    is_open = _IS_OPEN.get(page["state"])
    with reading() as session:
        found = queries.incidents(session, is_open=is_open, after=after, limit=page["limit"] + 1)
    return paginate(found, limit=page["limit"], kind=kind, key=lambda each: [each.id])


@ops.route('/incidents/<id(prefix="inc"):incident_id>/close', methods=["POST"])
@requires(Scope.OPS)
@idempotent
@ops.arguments(ClosingSchema)
@ops.response(200, IncidentSchema)
@ops.alt_response(404, "NOT_FOUND")
@ops.alt_response(409, "CONFLICT")
def close_incident(how: dict[str, Any], incident_id: UUID) -> IncidentView:
    """Say of an incident that it is over, and how. Closed already, it stays as it was.

    `saga_still_stuck` for one of a saga that waits for a person: let that go on instead.
    """
    with transaction() as session:
        return attention.close(session, incident_id, note=how["note"], actor=acting_as(Side.OPS))


@ops.route("/sagas", methods=["GET"])
@requires(Scope.OPS)
@ops.arguments(SagaArgs, location="query")
@ops.response(200, page_of(SagaSchema))
def list_sagas(page: dict[str, Any]) -> Page[SagaView]:
    """Sagas of every kind, newest first; those not at their end unless a state is asked for."""
    states = (page["state"],) if page["state"] else _NOT_ENDED
    kind = f"sagas:{page['state'] or 'live'}"
    after = decode_cursor(kind, page["after"])[0] if page["after"] else None
    with reading() as session:
        found = queries.sagas(session, states=states, after=after, limit=page["limit"] + 1)
    return paginate(found, limit=page["limit"], kind=kind, key=lambda each: [each.key])


@ops.route("/sagas/<string:saga_id>/resume", methods=["POST"])
@requires(Scope.OPS)
@idempotent
@ops.response(202, SagaSchema)
@ops.alt_response(404, "NOT_FOUND")
@ops.alt_response(409, "CONFLICT")
def resume_saga(saga_id: str) -> SagaView:
    """Let a saga that needs a person go on where it stands, with a new deadline.

    What its last call did is looked up first: nothing is taken or given back twice.
    `saga_not_stuck` while it goes on by itself or is at its end.
    """
    with transaction() as session:
        return attention.resume(session, saga_id, actor=acting_as(Side.OPS))
