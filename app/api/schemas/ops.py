"""What operations sees: incidents and sagas."""

from marshmallow import Schema, fields, validate

from app.api.schemas.fields import Text, TypeId
from app.saga.states import Direction, SagaState
from app.web.pagination import PageArgs

OPEN, CLOSED, ALL = "open", "closed", "all"


class IncidentArgs(PageArgs):
    """Which incidents."""

    state = fields.String(load_default=OPEN, validate=validate.OneOf([OPEN, CLOSED, ALL]))


class IncidentSchema(Schema):
    """Something a person must look at. `subject` is what it is about."""

    id = TypeId("inc", required=True)
    kind = fields.String(required=True)
    subject = fields.String(required=True)
    detail = fields.Dict(keys=fields.String(), required=True)
    opened_at = fields.DateTime(required=True)
    closed_at = fields.DateTime(required=True, allow_none=True)


class ClosingSchema(Schema):
    """How an incident came to its end."""

    note = Text(
        longest=500, required=True, metadata={"example": "Paid back by bank transfer on Monday."}
    )


class SagaArgs(PageArgs):
    """Which sagas; without a state those that are not at their end."""

    state = fields.Enum(SagaState, by_value=True, load_default=None)


class SagaSchema(Schema):
    """Where a saga stands, and when it goes on."""

    id = fields.String(required=True)
    kind = fields.String(required=True)
    state = fields.Enum(SagaState, by_value=True, required=True)
    direction = fields.String(required=True, validate=validate.OneOf([*Direction]))
    step = fields.String(required=True)
    attempts = fields.Integer(required=True)
    deadline = fields.DateTime(required=True)
    next_attempt_at = fields.DateTime(required=True)
    failure = fields.Dict(keys=fields.String(), required=True, allow_none=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)
