"""Passwords are kept as hashes that tell nothing."""

from app.accounts.passwords import Passwords


def test_a_password_matches_its_own_hash_alone() -> None:
    passwords = Passwords("cheapest")
    kept = passwords.hash("correct horse battery")

    assert passwords.matches("correct horse battery", kept)
    assert not passwords.matches("correct horse", kept)
    assert "correct" not in kept
    assert kept.startswith("$argon2id$")


def test_nobody_matches_whatever_the_password() -> None:
    passwords = Passwords("cheapest")

    assert not passwords.matches("nobody has this password", None)


def test_a_hash_that_is_none_matches_nothing() -> None:
    assert not Passwords("cheapest").matches("!", "!")


def test_a_hash_of_another_cost_is_outdated() -> None:
    cheap = Passwords("cheapest").hash("correct horse battery")

    assert Passwords("default").is_outdated(cheap)
    assert not Passwords("cheapest").is_outdated(cheap)
