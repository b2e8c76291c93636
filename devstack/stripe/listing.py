"""Lists and searches: newest first, in pages."""

import base64
import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from devstack.stripe.acts import Act, public
from devstack.stripe.errors import invalid_request, missing
from devstack.stripe.store import Document

LIMIT_DEFAULT = 10
LIMIT_MAX = 100
RANGE = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def page(act: Act, kind: str, parameters: Document, *, url: str) -> Document:
    """One page of a kind: `created` ranges, filters on fields, and a cursor before or after."""
    limit = _limit(parameters)
    forward = "ending_before" not in parameters
    condition, values = _condition(act, kind, parameters)
    order = "DESC" if forward else "ASC"
    found = act.store.select(
        f"{condition} ORDER BY created {order}, seq {order} LIMIT {limit + 1}", tuple(values)
    )
    rows = list(found)
    shown = rows[:limit] if forward else rows[:limit][::-1]
    return {
        "object": "list",
        "data": [public(row) for row in shown],
        "has_more": len(rows) > limit,
        "url": url,
    }


def _limit(parameters: Document) -> int:
    limit: int = parameters.get("limit", LIMIT_DEFAULT)
    if not 1 <= limit <= LIMIT_MAX:
        raise invalid_request(
            f"Invalid limit: {limit}. Must be between 1 and {LIMIT_MAX}.",
            code="parameter_invalid_integer",
            param="limit",
        )
    return limit


def _condition(act: Act, kind: str, parameters: Document) -> tuple[str, list[Any]]:
    parts: list[str] = ["kind = ?"]
    values: list[Any] = [kind]
    for bound, seconds in (parameters.get("created") or {}).items():
        parts.append(f"created {RANGE[bound]} ?")
        values.append(seconds)
    for cursor, sign in (("starting_after", "<"), ("ending_before", ">")):
        if cursor in parameters:
            position = act.store.position(kind, parameters[cursor])
            if position is None:
                raise missing(kind, parameters[cursor], param=cursor, status=400)
            parts.append(f"(created, seq) {sign} (?, ?)")
            values.extend(position)
    if parameters.get("payment_intent"):
        parts.append("parent = ?")
        values.append(parameters["payment_intent"])
    if parameters.get("charge"):
        parts.append("json_extract(document, '$.charge') = ?")
        values.append(parameters["charge"])
    kinds = [parameters["type"]] if parameters.get("type") else parameters.get("types")
    if kinds:
        parts.append(f"json_extract(document, '$.type') IN ({', '.join('?' * len(kinds))})")
        values.extend(kinds)
    return " AND ".join(parts), values


# Search: https://docs.stripe.com/search#search-query-language

CLAUSE = re.compile(
    r"""\s*(?P<not>-)?(?P<field>[a-z_]+)(?:\[(?P<q>['"])(?P<key>.+?)(?P=q)\])?
        (?P<sign>:|~|>=|<=|>|<)(?:(?P<q2>['"])(?P<text>(?:\\.|(?!(?P=q2))[^\\])*)(?P=q2)
        |(?P<bare>null|-?\d+))\s*""",
    re.VERBOSE,
)
SEARCHABLE = ("amount", "created", "currency", "metadata", "status")
Matches = Callable[[Document], bool]


def search(act: Act, parameters: Document, *, url: str) -> Document:
    """Payment intents by a query; it knows nothing younger than the account's search lag."""
    matches = _query(parameters["query"])
    limit = _limit(parameters)
    skip = _skip(parameters.get("page"))
    found = islice((one for one in _indexed(act) if matches(one)), skip, skip + limit + 1)
    rows = list(found)
    more = len(rows) > limit
    return {
        "object": "search_result",
        "data": [public(row) for row in rows[:limit]],
        "has_more": more,
        "next_page": _cursor(skip + limit) if more else None,
        "url": url,
    }


def _indexed(act: Act) -> Iterator[Document]:
    if act.settings.search_lag > 0:
        return act.store.indexed(act.now)
    return act.store.select("kind = ? ORDER BY created DESC, seq DESC", ("payment_intent",))


def _query(query: str) -> Matches:
    clauses: list[Matches] = []
    joints: set[str] = set()
    rest = query
    while True:
        match = CLAUSE.match(rest)
        if match is None or match["field"] not in SEARCHABLE:
            raise _unreadable()
        clauses.append(_clause(match))
        rest = rest[match.end() :]
        if not rest:
            break
        joint = re.match(r"(AND|OR)\s|(?=\S)", rest, re.IGNORECASE)
        if joint is None:
            raise _unreadable()
        joints.add((joint[1] or "AND").upper())
        rest = rest[joint.end() :]
    if len(joints) > 1 or len(clauses) > 10:
        raise _unreadable()
    together = any if joints == {"OR"} else all
    return lambda document: together(clause(document) for clause in clauses)


def _clause(match: re.Match[str]) -> Matches:
    name, key, sign = match["field"], match["key"], match["sign"]
    if (name == "metadata") != (key is not None):
        raise _unreadable()
    text = match["text"]
    wanted = re.sub(r"\\(.)", r"\1", text) if text is not None else match["bare"]
    unset = text is None and wanted == "null"
    negated = match["not"] is not None
    is_number = name in ("amount", "created")
    if unset and name != "metadata":
        raise _unreadable()
    if is_number and not re.fullmatch(r"-?\d+", wanted):
        raise _unreadable()
    if sign in (">", "<", ">=", "<=") and not is_number:
        raise _unreadable()

    def matches(document: Document) -> bool:
        value = document[name].get(key) if key is not None else document[name]
        return _holds(value, sign, None if unset else int(wanted) if is_number else wanted) != (
            negated
        )

    return matches


def _holds(value: Any, sign: str, wanted: Any) -> bool:
    if wanted is None:
        return value is None
    if value is None:
        return False
    if sign == "~":
        return str(wanted).lower() in str(value).lower()
    if sign == ":":
        return bool(value == wanted)
    comparisons = {">": value > wanted, "<": value < wanted}
    return comparisons[sign[0]] or ("=" in sign and value == wanted)


def _skip(cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        skip = base64.urlsafe_b64decode(cursor.encode()).decode()
    except ValueError:
        skip = ""
    if not re.fullmatch("[0-9]{1,9}", skip):
        raise invalid_request("Invalid page token.", param="page")
    return int(skip)


def _cursor(skip: int) -> str:
    return base64.urlsafe_b64encode(str(skip).encode()).decode()


def _unreadable() -> Exception:
    return invalid_request(
        'We were unable to parse your search query. Try using the format metadata["key"]:"value" '
        'to query for metadata or key:"value" to query for other fields.',
        param="query",
    )
