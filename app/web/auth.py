"""Who is calling, and what they may do. Every route says what it needs by `@requires`."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from typing import Any, Literal, TypeVar
from uuid import UUID

from flask import g, request

from app.accounts.errors import Unauthenticated
from app.accounts.models import Role
from app.accounts.tokens import is_api_key
from app.platform import logging
from app.platform.errors import Denied
from app.wiring import providers

CART_TOKEN_HEADER = "X-Cart-Token"  # noqa: S105  a name, not a secret
V = TypeVar("V", bound=Callable[..., Any])


class Scope(StrEnum):
    """What a route is for. `PUBLIC` asks nobody who they are."""

    PUBLIC = "public"
    CATALOG_READ = "catalog:read"
    CATALOG_WRITE = "catalog:write"
    STOCK_READ = "stock:read"
    STOCK_WRITE = "stock:write"
    CART = "cart"
    CHECKOUT = "checkout"
    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    ORDERS_FULFIL = "orders:fulfil"
    SETTINGS_READ = "settings:read"
    SETTINGS_WRITE = "settings:write"
    API_KEYS = "api_keys"
    ACCOUNT = "account"
    REVIEWS_WRITE = "reviews:write"
    MERCHANT = "merchant"
    OPS = "ops"


public = Scope.PUBLIC

_STRANGER = frozenset({Scope.PUBLIC, Scope.CATALOG_READ, Scope.CART})
_BUYER = _STRANGER | {Scope.CHECKOUT, Scope.ORDERS_READ, Scope.ORDERS_WRITE}
_CUSTOMER = _BUYER | {Scope.ACCOUNT, Scope.REVIEWS_WRITE}
MACHINE = frozenset(  # the most a merchant's API key may hold
    {
        Scope.CATALOG_READ,
        Scope.CATALOG_WRITE,
        Scope.STOCK_READ,
        Scope.STOCK_WRITE,
        Scope.ORDERS_READ,
        Scope.ORDERS_FULFIL,
        Scope.SETTINGS_READ,
        Scope.SETTINGS_WRITE,
    }
)
_SELLER = _CUSTOMER | MACHINE | {Scope.MERCHANT, Scope.API_KEYS}
GRANTS: dict[str, frozenset[Scope]] = {
    "anonymous": _STRANGER,
    "guest": _BUYER,
    Role.CUSTOMER: _CUSTOMER,
    Role.MERCHANT: _SELLER,
    Role.OPS: frozenset(Scope),
}


class MissingScope(Denied):
    """Known, but not for this."""

    code = "forbidden"


class NotAMerchant(Denied):
    """Allowed to enter, but nobody's merchant."""

    code = "forbidden"


@dataclass(frozen=True)
class Principal:
    """Whoever calls: a person who signed in, a merchant's machine by its API key, a guest with the
    token of one cart, or nobody."""

    kind: Literal["user", "api_key", "guest", "anonymous"]
    user_id: UUID | None = None
    role: Role | None = None
    merchant_id: UUID | None = None
    cart_id: UUID | None = None
    email: str | None = None
    key_id: UUID | None = None
    scopes: frozenset[Scope] = frozenset()

    @property
    def id(self) -> str | None:
        """The text that names this principal in keys and logs; None for nobody."""
        if self.kind == "anonymous":
            return None
        return f"{self.kind}:{self.user_id or self.key_id or self.cart_id}"

    def may(self, scope: Scope) -> bool:
        """Whether this principal may enter a route of this scope."""
        if self.kind == "api_key":
            return scope in self.scopes
        return scope in GRANTS[self.role or self.kind]

    def owns(self, *, user_id: UUID | None = None, cart_id: UUID | None = None) -> bool:
        """Whether something of this user, or without one of this guest cart, is the caller's own.

        Ops own everything. What is not one's own is answered like what does not exist.
        """
        if self.role is Role.OPS:
            return True
        if user_id is not None:
            return self.user_id == user_id
        return self.kind == "guest" and cart_id is not None and self.cart_id == cart_id


ANONYMOUS = Principal("anonymous")


def requires(*scopes: Scope) -> Callable[[V], V]:
    """Let only callers in who hold all of these scopes; stands outermost, before anything is
    parsed.

    Nobody gets 401, somebody without the scope 403. `requires(public)` does not even look.
    """
    if not scopes:
        raise TypeError("name a scope, or public")

    def decorate(view: V) -> V:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            _admit(scopes)
            return view(*args, **kwargs)

        guarded.__scope__ = scopes  # type: ignore[attr-defined]
        guarded._apidoc = {**getattr(view, "_apidoc", {}), "scopes": scopes}  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return decorate


def principal() -> Principal:
    """Who makes this request. A token that is shown and not good is refused, never overlooked."""
    if "principal" not in g:
        g.principal = _bearer() or _guest() or ANONYMOUS
        logging.bind(principal=g.principal.id)
    known: Principal = g.principal
    return known


def merchant_id() -> UUID:
    """The merchant on whose behalf the caller acts. Raises NotAMerchant, for ops too."""
    caller = principal()
    if caller.merchant_id is None:
        raise NotAMerchant("Only a merchant's own people may do this.")
    return caller.merchant_id


def guest_cart_id() -> UUID | None:
    """The cart whose token came along, also beside a sign-in; None without one."""
    token = request.headers.get(CART_TOKEN_HEADER)
    return providers().cart_tokens.read(token) if token else None


def _admit(scopes: tuple[Scope, ...]) -> None:
    if scopes == (Scope.PUBLIC,):
        return
    caller = principal()
    if all(caller.may(scope) for scope in scopes):
        return
    if caller.kind == "anonymous":
        raise Unauthenticated("Sign in, show an API key, or show the token of your cart.")
    raise MissingScope("You may not do this.", needs=[scope.value for scope in scopes])


def _bearer() -> Principal | None:
    header = request.headers.get("Authorization")
    if not header:
        return None
    kind, _, token = header.partition(" ")
    if kind.lower() != "bearer":
        raise Unauthenticated("Only bearer tokens are accepted.")
    token = token.strip()
    if is_api_key(token):
        return _machine(token)
    claims = providers().tokens.read(token)
    return Principal(
        "user",
        user_id=claims.user_id,
        role=claims.role,
        merchant_id=claims.merchant_id,
        email=claims.email,
    )


def _machine(api_key: str) -> Principal:
    """A scope that machines may hold no more is not granted by a key that still names it."""
    bearer = providers().api_keys.read(api_key)
    scopes = frozenset(scope for scope in MACHINE if scope.value in bearer.scopes)
    return Principal("api_key", merchant_id=bearer.merchant_id, key_id=bearer.key_id, scopes=scopes)


def _guest() -> Principal | None:
    cart_id = guest_cart_id()
    return Principal("guest", cart_id=cart_id) if cart_id else None
