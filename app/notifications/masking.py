"""Addresses as logs and passed-on links may show them."""


def masked(recipient: str) -> str:
    """A recipient without the person: `a***@e***.com`."""
    name, _, domain = recipient.rpartition("@")
    host, _, ending = domain.rpartition(".")
    return f"{name[:1]}***@{host[:1]}***.{ending}" if host else f"{name[:1]}***@{domain[:1]}***"
