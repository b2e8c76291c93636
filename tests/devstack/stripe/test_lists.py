"""Lists, the search that lags, and events."""

import pytest
import stripe


def test_intents_are_listed_newest_first_and_in_pages(payments, clock):
    made = []
    for _ in range(5):
        made.append(payments.create().id)
        clock.forward(1)

    first = payments.intents.list({"limit": 2})
    rest = payments.intents.list({"limit": 3, "starting_after": first.data[-1].id})
    back = payments.intents.list({"limit": 2, "ending_before": rest.data[-1].id})

    assert [intent.id for intent in first.data] == made[:2:-1]
    assert first.has_more
    assert [intent.id for intent in rest.data] == made[2::-1]
    assert not rest.has_more
    assert [intent.id for intent in back.data] == [made[2], made[1]]
    walked = payments.intents.list({"limit": 2}).auto_paging_iter()
    assert [intent.id for intent in walked] == made[::-1]


def test_intents_of_one_second_keep_their_order(payments):
    made = [payments.create().id for _ in range(4)]

    walked = payments.intents.list({"limit": 1}).auto_paging_iter()

    assert [intent.id for intent in walked] == made[::-1]


def test_intents_are_listed_by_the_window_they_were_made_in(payments, clock):
    made = []
    for _ in range(4):
        made.append(payments.create())
        clock.forward(10)
    start, end = made[1].created, made[3].created

    window = payments.intents.list({"created": {"gte": start, "lt": end}})
    after = payments.intents.list({"created": {"gt": start}})
    exactly = payments.intents.list({"created": start})

    assert [intent.id for intent in window.data] == [made[2].id, made[1].id]
    assert [intent.id for intent in after.data] == [made[3].id, made[2].id]
    assert [intent.id for intent in exactly.data] == [made[1].id]


@pytest.mark.parametrize("limit", [0, 101, -1])
def test_a_page_has_1_to_100_rows(payments, limit):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        payments.intents.list({"limit": limit})

    assert refusal.value.param == "limit"


def test_a_cursor_that_does_not_exist_is_missing(payments):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        payments.intents.list({"starting_after": "pi_no"})

    assert refusal.value.code == "resource_missing"


def test_the_search_finds_by_metadata(payments):
    mine = payments.authorize(metadata={"payment": "it's mine"})
    payments.authorize(metadata={"payment": "other"})

    found = payments.intents.search({"query": r"metadata['payment']:'it\'s mine'"})

    assert [intent.id for intent in found.data] == [mine.id]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("status:'requires_capture'", 2),
        ("status:'requires_capture' AND amount>2000", 1),
        ("amount>=2000", 3),
        ("status:'succeeded' OR amount:3000", 2),
        ("-status:'succeeded'", 2),
        ("metadata['payment']:null", 1),
        ('metadata["payment"]~"P"', 2),
        ("currency:'eur'", 0),
        ("created<1", 0),
    ],
)
def test_the_search_speaks_stripes_query_language(payments, query, count):
    payments.authorize(metadata={"payment": "p1"})
    payments.authorize(amount=3000, metadata={"payment": "p2"})
    payments.pay()

    assert len(payments.intents.search({"query": query}).data) == count


@pytest.mark.parametrize(
    "query",
    [
        "status",
        "teapot:'x'",
        "metadata:'x'",
        "amount:'x'",
        "status>'a'",
        "status:'a' AND amount:1 OR amount:2",
        "'; DROP TABLE objects",
        "status:'" + "\\a" * 200,
    ],
)
def test_a_query_that_cannot_be_read_is_refused(payments, query):
    with pytest.raises(stripe.InvalidRequestError, match="unable to parse"):
        payments.intents.search({"query": query})


def test_the_search_lags_and_the_list_does_not(open_server, open_payments, clock):
    payments = open_payments(open_server(search_lag=60).url)
    intent = payments.authorize(metadata={"payment": "p1"})
    query = {"query": "metadata['payment']:'p1'"}
    assert payments.intents.search(query).data == []
    assert [one.id for one in payments.intents.list().data] == [intent.id]
    clock.forward(60)
    payments.intents.cancel(intent.id)

    late = payments.intents.search(query)

    assert [one.status for one in late.data] == ["requires_capture"]
    clock.forward(60)
    assert [one.status for one in payments.intents.search(query).data] == ["canceled"]


def test_the_search_has_pages(payments):
    made = [payments.create().id for _ in range(3)]

    first = payments.intents.search({"query": "amount:2000", "limit": 2})
    second = payments.intents.search({"query": "amount:2000", "limit": 2, "page": first.next_page})

    assert [intent.id for intent in [*first.data, *second.data]] == made[::-1]
    assert (first.has_more, second.has_more) == (True, False)


@pytest.mark.parametrize("page", ["x", "LTE=", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "é"])
def test_a_page_of_a_search_that_cannot_be_read_is_refused(payments, page):
    with pytest.raises(stripe.InvalidRequestError, match="Invalid page"):
        payments.intents.search({"query": "amount:2000", "page": page})


def test_events_are_listed_by_type(payments):
    payments.authorize()
    intent = payments.pay()

    one = payments.events.list({"type": "payment_intent.succeeded"})
    two = payments.events.list({"types": ["payment_intent.succeeded", "charge.succeeded"]})

    assert [event.data.object.id for event in one.data] == [intent.id]
    assert len(two.data) == 3
    assert payments.events.retrieve(one.data[0].id).id == one.data[0].id


@pytest.mark.parametrize("resource", ["charges", "refunds", "events"])
def test_what_does_not_exist_is_missing(payments, resource):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        getattr(payments, resource).retrieve("xx_no")

    assert (refusal.value.http_status, refusal.value.code) == (404, "resource_missing")
