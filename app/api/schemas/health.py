"""What the probes answer."""

from marshmallow import Schema, fields


class LivenessSchema(Schema):
    """The process answers."""

    status = fields.String(required=True, metadata={"example": "ok"})


class ReadinessSchema(Schema):
    """Which parts answer. Without the database nothing works; without Redis reads and signed-in
    carts do."""

    status = fields.String(required=True, metadata={"enum": ["ok", "degraded", "away"]})
    parts = fields.Dict(
        keys=fields.String(),
        values=fields.String(metadata={"enum": ["ok", "away"]}),
        required=True,
        metadata={"example": {"database": "ok", "redis": "ok"}},
    )
