"""3-D Secure: a purchase waits for its shopper, and for nobody else."""

from app.inventory import service as inventory
from app.platform.ids import decode
from tests.checkout.conftest import Till

CHALLENGED = "pm_card_authenticationRequired"


def test_an_approval_told_by_the_provider_alone_confirms_the_order(till: Till) -> None:
    cart = till.shop.cart()
    answer = till.shop.buy(cart, token=CHALLENGED)
    till.shop.work()
    parked = till.shop.look(cart, answer)
    till.psp.emulator.answer_authentication(till.intent(), approved=True)

    till.tell("amount_capturable_updated", till.intent())
    till.shop.work()

    assert parked["state"] == "parked"
    assert parked["next_action"]["url"]
    assert till.shop.look(cart, answer)["state"] == "confirmed"
    assert till.intents() == ["requires_capture"]


def test_going_on_without_having_approved_waits_again(till: Till) -> None:
    cart = till.shop.cart()
    answer = till.shop.buy(cart, token=CHALLENGED)
    till.shop.work()

    status = till.post(cart, answer.json["id"], "resume")
    till.shop.work()

    assert status == 202
    assert till.shop.look(cart, answer)["state"] == "parked"
    assert till.stock() == (9, 1)


def test_a_failed_challenge_gives_everything_back_and_its_intent_cannot_be_paid_any_more(
    till: Till,
) -> None:
    cart = till.shop.cart()
    answer = till.shop.buy(cart, token=CHALLENGED)
    till.shop.work()
    till.psp.emulator.answer_authentication(till.intent(), approved=False)

    till.tell("payment_failed", till.intent())
    till.shop.work()

    seen = till.shop.look(cart, answer)
    assert (seen["state"], seen["failure"]["code"]) == ("failed", "payment_declined")
    assert till.intents() == ["canceled"]
    assert till.stock() == (10, 0)


def test_an_approval_before_it_is_known_that_one_was_asked_for_confirms_the_order(
    till: Till,
) -> None:
    till.psp.emulator.fault(kind="cut_after", operation="payment_intents.create")
    cart = till.shop.cart()
    answer = till.shop.buy(cart, token=CHALLENGED)
    till.shop.work()
    till.psp.emulator.answer_authentication(till.intent(), approved=True)

    till.tell("amount_capturable_updated", till.intent())
    till.shop.work()

    assert till.shop.look(cart, answer)["state"] == "confirmed"
    assert till.intents() == ["requires_capture"]


def test_an_approval_after_the_deadline_buys_nothing_and_holds_no_money(till: Till) -> None:
    cart = till.shop.cart()
    answer = till.shop.buy(cart, token=CHALLENGED)
    till.shop.work()
    till.pass_time(841)
    till.psp.emulator.answer_authentication(till.intent(), approved=True)

    till.tell("amount_capturable_updated", till.intent())
    till.shop.sweep()

    assert till.shop.look(cart, answer)["state"] == "expired"
    assert till.intents() == ["canceled"]
    assert till.stock() == (10, 0)
    assert till.orders() == ["canceled"]


def test_an_approval_while_it_is_being_undone_does_not_turn_it_back(till: Till) -> None:
    cart = till.shop.cart()
    answer = till.shop.buy(cart, token=CHALLENGED)
    till.shop.work()
    till.psp.emulator.fault(kind="cut_before", operation="payment_intents.cancel")
    till.post(cart, answer.json["id"], "cancel")
    till.shop.work()
    undoing = till.shop.look(cart, answer)
    till.psp.emulator.answer_authentication(till.intent(), approved=True)

    till.tell("amount_capturable_updated", till.intent())
    till.shop.work()

    assert undoing["state"] == "running"
    assert till.shop.look(cart, answer)["state"] == "canceled"
    assert till.intents() == ["canceled"]
    assert till.stock() == (10, 0)


def test_a_purchase_whose_units_are_not_held_any_more_is_not_confirmed(till: Till) -> None:
    cart = till.shop.cart()
    answer = till.shop.buy(cart, token=CHALLENGED)
    till.shop.work()
    with till.shop.db.transaction() as session:
        inventory.release(session, [decode("chk", answer.json["id"])])
    till.psp.emulator.answer_authentication(till.intent(), approved=True)

    till.post(cart, answer.json["id"], "resume")
    till.shop.work()

    seen = till.shop.look(cart, answer)
    assert (seen["state"], seen["failure"]["code"]) == ("failed", "reservation_lost")
    assert till.intents() == ["canceled"]
    assert till.stock() == (10, 0)
