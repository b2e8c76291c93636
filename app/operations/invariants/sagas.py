"""Sagas stand where their journal says, end in time, and never wait for a person nobody told."""

from app.operations.breaches import Breach, Broken
from app.operations.queries import PREFIXES
from app.platform.db import ShopSession
from app.saga import registry
from app.saga.table import NOTHING, Saga

_STANDING = """
    WITH plan AS (
        SELECT step, has_undo, n
        FROM unnest(CAST(:steps AS text[]), CAST(:undos AS boolean[]))
            WITH ORDINALITY AS plan(step, has_undo, n)
    ), told AS (
        SELECT saga_id, step,
            count(*) FILTER (WHERE event = 'succeeded') AS done,
            count(*) FILTER (WHERE event = 'compensated') AS undone
        FROM saga_journal WHERE saga_kind = :kind GROUP BY saga_id, step
    ), stand AS (
        SELECT s.id, s.state, s.direction, s.step AS at_step, plan.step, plan.has_undo,
            plan.n < here.n OR s.state = 'confirmed' AS is_behind,
            coalesce(told.done, 0) AS done, coalesce(told.undone, 0) AS undone
        FROM sagas s
        JOIN plan here ON here.step = s.step
        CROSS JOIN plan
        LEFT JOIN told ON told.saga_id = s.id AND told.step = plan.step
    )
    SELECT id AS subject, * FROM stand
    WHERE (direction = 'forward' AND done <> is_behind::int)
       OR (direction = 'undo' AND done > 1)
       OR (direction = 'undo' AND state IN ('failed', 'expired', 'canceled')
           AND has_undo AND done > 0 AND undone = 0)
    ORDER BY id
"""
SWEEP_SECONDS_MAX = 30  # the sweeper comes each second; so late it is not coming


def unlike_their_journal(session: ShopSession, limit: int) -> list[Breach]:
    """Sagas of which a step is not journaled as done once, or as undone where they walked back."""
    return [breach for saga in registry.sagas() for breach in _journal(saga)(session, limit)]


def past_their_deadline(session: ShopSession, limit: int) -> list[Breach]:
    """Sagas that should have turned or ended, and those that need a person without an incident."""
    return [breach for saga in registry.sagas() for breach in _overdue(saga)(session, limit)]


SAGAS = (unlike_their_journal, past_their_deadline)


def _journal(saga: Saga) -> Broken:
    """Forward, the steps before the present one are done once and no other; on the way back none is
    done twice, and at its end each done one is undone."""
    table = saga.model.__tablename__  # type: ignore[attr-defined]  # the mapped class has it
    return Broken(
        6,
        "saga_unlike_journal",
        PREFIXES.get(saga.kind, ""),
        "{state} at {at_step} ({direction}): {step} is journaled {done} times as done,"
        " {undone} times as undone",
        _STANDING.replace("FROM sagas", f"FROM {table}"),
        {
            "kind": saga.kind,
            "steps": [step.name for step in saga.steps],
            "undos": [step.undo is not NOTHING for step in saga.steps],
        },
    )


def _overdue(saga: Saga) -> Broken:
    table = saga.model.__tablename__  # type: ignore[attr-defined]  # the mapped class has it
    return Broken(
        7,
        "saga_overdue",
        PREFIXES.get(saga.kind, ""),
        "{state} at {step} ({direction}), deadline {deadline:%Y-%m-%d %H:%M:%S}, no open incident",
        f"""
        SELECT id AS subject, state, step, direction, deadline FROM {table} s
        WHERE (state IN ('running', 'parked') AND direction = 'forward'
               AND deadline < shop_now() - make_interval(secs => :patience))
           OR (state = 'needs_attention' AND NOT EXISTS (
               SELECT FROM incidents i
               WHERE i.subject = s.id::text AND i.kind LIKE 'saga%' AND i.closed_at IS NULL))
        ORDER BY id
        """,  # noqa: S608  # the table of a registered saga
        {"patience": SWEEP_SECONDS_MAX},
    )
