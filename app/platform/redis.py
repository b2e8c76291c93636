"""Redis in a request path: answers in milliseconds or says it is away. Everything kept there may be
lost."""

from collections.abc import Callable
from importlib.resources import files
from typing import Any, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.platform.errors import Unavailable
from app.platform.seams import seam

_CONNECT_SECONDS = 0.1
_ANSWER_SECONDS = 1.0


class RedisAway(Unavailable):
    """Redis does not answer. Reads and signed-in carts go on without it; checkout and guest carts
    wait."""

    code = "unavailable"


class ShopRedis(redis.Redis):
    """A client whose calls are seams of the crash walk."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send one command."""
        seam("redis:before")
        answer = super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        seam("redis:after")
        return answer


def connect(url: str, *, answer_seconds: float = _ANSWER_SECONDS) -> ShopRedis:
    """A client that never retries by itself and gives up quickly: a closed port is known at
    once."""
    client = ShopRedis.from_url(
        url,
        decode_responses=True,
        socket_connect_timeout=_CONNECT_SECONDS,
        socket_timeout=answer_seconds,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=30,
    )
    return cast(ShopRedis, client)


def lua(client: "redis.Redis", package: str, name: str) -> Callable[..., Any]:
    """Turn `<package>/lua/<name>.lua` into a function that runs atomically inside Redis.

    Called as `script(keys=[…], args=[…])`: EVALSHA, and loads the script again if Redis forgot it.
    """
    source = files(package).joinpath("lua", f"{name}.lua").read_text()
    return client.register_script(source)
