"""Where labels are kept, and how they go: they name who a parcel goes to.

A row says that its file is to be deleted until it is, so that neither a crash nor a store that is
away leaves one behind.
"""

import logging
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.platform.db import Database
from app.platform.files import Files, FilesAway
from app.platform.ids import encode
from app.shipping.models import Shipment

log = logging.getLogger(__name__)


def key_of(shipment_id: UUID) -> str:
    """Where the label of a parcel is kept."""
    return f"labels/{encode('shp', shipment_id)}.pdf"


def erase_of(session: Session, order_ids: Sequence[UUID]) -> None:
    """Have the labels of all parcels of these orders deleted; nobody is shown them any more.

    Also of those that have none: a file may lie there whose parcel was called off before.
    """
    session.execute(
        update(Shipment)
        .where(Shipment.order_id.in_(order_ids), Shipment.label_erased_at.is_(None))
        .values(label_erased_at=func.shop_now())
        .execution_options(synchronize_session=False)
    )
    parcels = session.scalars(
        select(Shipment.id).where(Shipment.order_id.in_(order_ids), Shipment.label_key.is_(None))
    ).all()
    if parcels:
        session.execute(
            update(Shipment), [{"id": parcel, "label_key": key_of(parcel)} for parcel in parcels]
        )


def delete_erased(db: Database, files: Files, *, limit: int) -> int:
    """Delete the files of erased labels, those that wait longest first; gives how many are gone.

    What the store cannot delete now waits on. Doing it again changes nothing.
    """
    with db.reading() as session:
        due = session.execute(
            select(Shipment.id, Shipment.label_key)
            .where(Shipment.label_erased_at.is_not(None), Shipment.label_key.is_not(None))
            .order_by(Shipment.label_erased_at)
            .limit(limit)
        ).all()
    return sum(_delete(db, files, shipment_id, key) for shipment_id, key in due if key)


def _delete(db: Database, files: Files, shipment_id: UUID, key: str) -> bool:
    try:
        files.delete(key)
    except FilesAway:
        log.warning("label_not_deleted", extra={"shipment_id": str(shipment_id)})
        return False
    with db.transaction() as session:
        session.execute(
            update(Shipment)
            .where(Shipment.id == shipment_id, Shipment.label_key == key)
            .values(label_key=None)
        )
    return True
