"""The furnished shop of the journeys, looked at from inside."""

from tests.journeys.conftest import _every_invariant_holds_afterwards, settings, shop

__all__ = ["_every_invariant_holds_afterwards", "settings", "shop"]
