"""What needs a person: open incidents, and sagas that do not get on."""

from typing import Any

from app.api.schemas.ops import CLOSED, OPEN, IncidentArgs, IncidentSchema, SagaArgs, SagaSchema
from app.operations import queries
from app.operations.queries import IncidentView, SagaView
from app.saga.states import LIVE, SagaState
from app.web.auth import Scope, requires
from app.web.blueprints import Blueprint
from app.web.pagination import Page, decode_cursor, page_of, paginate
from app.web.transactions import reading

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
