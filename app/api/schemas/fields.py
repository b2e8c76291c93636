"""Fields of the shop: public ids, amounts, quantities, and text with a limit."""

from typing import Any
from uuid import UUID

from marshmallow import ValidationError, fields, validate

from app.platform import ids
from app.web.converters import type_id_schema

MINOR_MAX = 10**12  # ten billion euros; a sum of a million such lines still fits a bigint
QTY_MAX = 10_000


class TypeId(fields.Field[UUID]):
    """A public id of one kind outside, a UUID inside: `TypeId("ord")`."""

    default_error_messages = {"invalid": "Not a {prefix} id."}

    def __init__(self, prefix: str, **options: Any) -> None:
        super().__init__(**options)
        self.prefix = prefix
        self.metadata = {**type_id_schema(prefix), **self.metadata}

    def _serialize(self, value: UUID | None, *_: Any, **__: Any) -> str | None:
        return None if value is None else ids.encode(self.prefix, value)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> UUID:
        try:
            return ids.decode(self.prefix, value)
        except (ValueError, AttributeError, TypeError) as error:
            raise self.make_error("invalid", prefix=self.prefix) from error


class Text(fields.String):
    """Text between two lengths, without blanks around it or control characters in it."""

    def __init__(self, *, longest: int, shortest: int = 1, **options: Any) -> None:
        checks = [validate.Length(shortest, longest), *options.pop("validate", [])]
        super().__init__(validate=checks, **options)
        self.longest = longest

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        said = str(super()._deserialize(value, *args, **kwargs))
        if len(said) > self.longest:  # blanks count: the document says so
            raise ValidationError(f"Longer than maximum length {self.longest}.")
        text = said.strip()
        if any(letter < " " and letter not in "\n\t" for letter in text):
            raise ValidationError("Contains control characters.")
        return text


class Whole(fields.Integer):
    """A whole number as JSON has it: no text, no fraction, no true."""

    def __init__(self, *, least: int, most: int, **options: Any) -> None:
        checks = [validate.Range(least, most), *options.pop("validate", [])]
        super().__init__(strict=True, validate=checks, **options)

    def _validated(self, value: Any) -> int:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        try:
            return super()._validated(value)
        except OverflowError as error:
            raise self.make_error("too_large", input=value) from error


class Minor(Whole):
    """An amount in minor units of the currency beside it, 0 or more; sums of many fit a bigint."""

    def __init__(self, *, least: int = 0, most: int = MINOR_MAX, **options: Any) -> None:
        super().__init__(least=least, most=most, **options)


class Qty(Whole):
    """How many; 1 to 10,000 unless said otherwise."""

    def __init__(self, *, least: int = 1, most: int = QTY_MAX, **options: Any) -> None:
        super().__init__(least=least, most=most, **options)


class Currency(fields.String):
    """An ISO 4217 code in capitals."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("metadata", {"example": "EUR"})
        checks = [
            validate.Regexp(r"^[A-Z]{3}\Z", error="Not a currency."),
            *options.pop("validate", []),
        ]
        super().__init__(validate=checks, **options)


class Country(fields.String):
    """An ISO 3166-1 alpha-2 code in capitals."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("metadata", {"example": "DE"})
        checks = [
            validate.Regexp(r"^[A-Z]{2}\Z", error="Not a country."),
            *options.pop("validate", []),
        ]
        super().__init__(validate=checks, **options)


class Moment(fields.AwareDateTime):
    """A time with its offset (ISO 8601), between the years 2000 and 2200."""

    def __init__(self, **options: Any) -> None:
        described = {"example": "2027-03-01T00:00:00+00:00"} | options.pop("metadata", {})
        super().__init__(format="iso", allow_none=True, metadata=described, **options)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        moment = super()._deserialize(value, *args, **kwargs)
        if not 2000 <= moment.year < 2200:
            raise ValidationError("Not a time between 2000 and 2200.")
        return moment


class Flag(fields.Boolean):
    """True or false as JSON has them: no number, no text."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, *args, **kwargs)
