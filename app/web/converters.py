"""Ids in paths: `<id(prefix="ord"):order_id>` hands the view a UUID, anything else is 404."""

from typing import Any
from uuid import UUID

from werkzeug.routing import BaseConverter, Map, ValidationError

from app.platform import ids


class TypeIdConverter(BaseConverter):
    """A public id of one kind in a path."""

    regex = "[a-z]{1,8}_[0-9a-z]{26}"

    def __init__(self, map: Map, prefix: str) -> None:
        super().__init__(map)
        self.prefix = prefix

    def to_python(self, value: str) -> UUID:
        """The UUID behind the id; one of another kind is no such thing."""
        try:
            return ids.decode(self.prefix, value)
        except ValueError as error:
            raise ValidationError from error

    def to_url(self, value: Any) -> str:
        """The public form of a UUID."""
        return ids.encode(self.prefix, value)


def parameter_schema(converter: TypeIdConverter) -> dict[str, Any]:
    """How OpenAPI describes such a path parameter."""
    return type_id_schema(converter.prefix)


def type_id_schema(prefix: str) -> dict[str, Any]:
    """JSON Schema of a public id of one kind."""
    return {
        "type": "string",
        "pattern": f"^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$",
        "example": f"{prefix}_01h455vb4pex5vsknk084sn02q",
    }
