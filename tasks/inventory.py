"""Keeps the first stock gate honest: dirty counters each second, all of them each minute."""

from uuid import UUID

from app.checkout import service as checkouts
from app.inventory.queries import expired_holds
from app.wiring import providers
from tasks import celery

DIRTY_MAX = 1_000  # SKUs a run: some five script calls and statements
HOLDS_MAX = 200


@celery.task(name="inventory.load_gate")
def load_gate(sku_id: str | None = None) -> None:
    """Nudge the gate: load one SKU, or by the clock all that are marked dirty. Any repeat is
    harmless."""
    if sku_id is None:
        providers().gate.load_dirty(limit=DIRTY_MAX)
    else:
        providers().gate.load([UUID(sku_id)])


@celery.task(name="inventory.reload_gate")
def reload_gate() -> None:
    """Load every SKU that can be bought: heals what nobody could mark."""
    providers().gate.load_active()


@celery.task(name="inventory.expire_holds")
def expire_holds() -> int:
    """Ask the checkouts that held units too long to turn back; their own sagas release them."""
    ports = providers()
    with ports.db.transaction(ports.queue) as session:
        return checkouts.expire_holds(session, expired_holds(session, HOLDS_MAX))
