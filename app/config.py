"""Everything the shop is told by its environment; a gap or a wrong word stops the boot."""

from functools import lru_cache
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """The environment, read once and frozen. Names are the variables' in lower case."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore")

    database_url: str = Field(description="PostgreSQL, `postgresql+psycopg://…`: the truth")
    redis_url: str = Field(description="Redis or Valkey: guest carts, cache, stock gate, limits")
    redis_seconds_max: float = Field(
        default=0.15, gt=0, description="patience for one answer of Redis in a request"
    )
    broker_url: str = Field(
        default="", description="Celery's broker; the same Redis unless RabbitMQ"
    )
    events_url: str = Field(
        default="", description="the event bus; Redis Streams on REDIS_URL when empty"
    )
    mail_url: str = Field(
        default="", description="`smtp://user:password@host:port`; letters wait while empty"
    )
    mail_from: str = Field(default="Cartwright <shop@localhost>", description="sender of letters")
    public_url: str = Field(
        default="http://127.0.0.1:8000",
        description="where shoppers reach the API; 3-D Secure returns",
    )
    storefront_url: str = Field(
        default="", description="the shop's pages, which letters link to; none: they show the token"
    )

    secret_key: SecretStr = Field(
        min_length=32, description="signs access and cart tokens; 32 characters or more"
    )
    access_token_seconds: int = Field(default=900, gt=0, description="life of an access token")
    refresh_token_days: int = Field(default=30, gt=0, description="life of a refresh token")
    password_hashing: Literal["default", "cheapest"] = Field(
        default="default", description="argon2 cost; `cheapest` is for tests alone"
    )

    payments: Literal["stripe"] = Field(default="stripe", description="who moves the money")
    stripe_api_key: SecretStr = Field(default=SecretStr(""), description="`sk_…`")
    stripe_api_base: str = Field(
        default="", description="another address for Stripe's API, such as the emulator's"
    )
    stripe_webhook_secret: SecretStr = Field(
        default=SecretStr(""), description="`whsec_…`, verifies what Stripe tells us"
    )
    psp_seconds_max: float = Field(
        default=20.0, gt=0, le=60, description="patience for one PSP call"
    )

    files_url: str = Field(
        default="file:///var/lib/cartwright",
        description="where labels and other files are kept, `file:///…`",
    )
    carrier_webhook_secret: SecretStr = Field(
        default=SecretStr(""),
        description="`whsec_…`, verifies what the carrier tells; while empty nothing is believed",
    )

    reservation_seconds: int = Field(
        default=900, gt=0, description="how long units are held for an unpaid checkout"
    )
    checkout_seconds_max: int = Field(
        default=840, gt=0, description="after so long a checkout is undone for good"
    )
    cart_days: int = Field(default=30, gt=0, description="a guest cart lives so long after a write")
    gate_groups: int = Field(
        default=1, gt=0, description="hash tags the stock gate spreads over (Redis Cluster)"
    )

    checkouts_per_minute: int = Field(default=30, gt=0, description="limit per shopper")
    logins_per_minute: int = Field(default=10, gt=0, description="limit per address")
    letters_per_hour: int = Field(
        default=5, gt=0, description="limit per mail address: letters anyone may ask for"
    )
    requests_per_minute: int = Field(default=6000, gt=0, description="limit per address, all calls")
    trusted_proxies: int = Field(
        default=0, ge=0, description="proxies in front whose X-Forwarded-For is believed"
    )
    body_bytes_max: int = Field(default=256 * 1024, gt=0, description="largest accepted body")
    wait_seconds_max: int = Field(default=20, ge=0, description="longest `Prefer: wait`")
    web_threads: int = Field(default=8, gt=0, description="threads of one web worker")

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="what is worth a line in the logs"
    )
    database_pool_size: int = Field(default=10, gt=0, description="connections a process may keep")

    @property
    def broker(self) -> str:
        """Where nudges go: BROKER_URL, or the Redis that is there anyway."""
        return self.broker_url or self.redis_url

    @property
    def events(self) -> str:
        """Where events go: EVENTS_URL, or Redis Streams on REDIS_URL."""
        return self.events_url or self.redis_url


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process. A gap or a wrong word ends it, naming each variable and no
    value."""
    try:
        return Settings()  # type: ignore[call-arg]  # the environment gives what has no default
    except ValidationError as error:
        wrong = [f"{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()]
        raise SystemExit("\n".join(["Cartwright cannot start:", *wrong])) from None
