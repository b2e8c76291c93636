"""Letters: which there are, how they look, and which a person wants."""

from marshmallow import Schema, ValidationError, fields, validate

from app.api.schemas.fields import Text
from app.notifications.letters import LETTERS, Topic
from app.platform.languages import known_tag

_WANTED = "Whether to get letters of this kind."


def _check_language(tag: str) -> None:
    if known_tag(tag) is None:
        raise ValidationError("Not a language.")


class TemplateSchema(Schema):
    """A letter there is. Without a topic it is sent whatever its reader chose."""

    template = fields.String(required=True, metadata={"example": "order_shipped"})
    topic = fields.Enum(Topic, by_value=True, required=True, allow_none=True)
    subject_prefix = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "Whose ids a preview takes; null: the example alone.",
            "example": "shp",
        },
    )
    locales = fields.List(fields.String(metadata={"example": "de"}), required=True)


class TemplatesSchema(Schema):
    """All letters there are."""

    data = fields.List(fields.Nested(TemplateSchema), required=True)


class PreviewArgs(Schema):
    """Which letter, for whom."""

    template = fields.String(required=True, validate=validate.OneOf(sorted(LETTERS)))
    locale = Text(
        longest=35,
        load_default="en",
        validate=[_check_language],
        metadata={"description": "A BCP 47 tag; one without a catalog becomes English."},
    )
    format = fields.String(load_default="html", validate=validate.OneOf(["html", "text"]))
    subject = Text(
        longest=64,
        load_default=None,
        metadata={
            "description": "The id of what it tells of; left out: made-up words.",
            "example": "ord_01h455vb4pex5vsknk084sn02q",
        },
    )


class LinkArgs(Schema):
    """What stands in the links of a letter."""

    token = Text(
        longest=100, required=True, metadata={"example": "ntf_01h455vb4pex5vsknk084sn02q.x"}
    )


class PreferencesSchema(Schema):
    """Letters that nobody's order or account needs."""

    low_stock = fields.Boolean(required=True, metadata={"description": _WANTED})
    review_invitation = fields.Boolean(required=True, metadata={"description": _WANTED})


class PreferencesChangeSchema(Schema):
    """Which to get from now on; those left out stay as they are."""

    low_stock = fields.Boolean(metadata={"description": _WANTED})
    review_invitation = fields.Boolean(metadata={"description": _WANTED})
