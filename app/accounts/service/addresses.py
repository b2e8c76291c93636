"""A customer's address book. What is kept in it was checked like the address of a checkout."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.accounts import queries
from app.accounts.errors import AddressBookFull
from app.accounts.models import Address

ADDRESSES_MAX = 50


def add_address(
    session: Session,
    user_id: UUID | None,
    *,
    address: Mapping[str, str],
    label: str,
    is_default: bool,
) -> Address:
    """Put an address into a person's book; the first one is the default. Raises AddressBookFull."""
    user = queries.lock_person(session, user_id)
    there = session.scalar(select(func.count()).where(Address.user_id == user.id)) or 0
    if there >= ADDRESSES_MAX:
        raise AddressBookFull(
            f"An address book holds {ADDRESSES_MAX} addresses.", most=ADDRESSES_MAX
        )
    if is_default and there:
        _no_default(session, user.id)
    entry = Address(
        user_id=user.id,
        label=label,
        address=dict(address),
        is_default=is_default or not there,
    )
    session.add(entry)
    session.flush()  # the answer says when it was made
    return entry


def change_address(
    session: Session, user_id: UUID | None, address_id: UUID, change: Mapping[str, Any]
) -> Address:
    """Change what is given of an entry: `address`, `label`, `is_default`. Raises
    AddressNotFound."""
    user = queries.lock_person(session, user_id)
    entry = queries.address_of(session, user.id, address_id)
    if change.get("is_default") and not entry.is_default:
        _no_default(session, user.id)
    for name in ("address", "label", "is_default"):
        if name in change:
            setattr(entry, name, change[name])
    return entry


def remove_address(session: Session, user_id: UUID | None, address_id: UUID) -> None:
    """Take an entry out. Raises AddressNotFound."""
    user = queries.lock_person(session, user_id)
    session.delete(queries.address_of(session, user.id, address_id))


def _no_default(session: Session, user_id: UUID) -> None:
    session.execute(
        update(Address)
        .where(Address.user_id == user_id, Address.is_default)
        .values(is_default=False)
    )
