"""Whether the parts of the stack answer yet."""

import http.client
import urllib.error
import urllib.request

_PATIENCE_SECONDS = 2


def is_healthy(url: str) -> bool:
    """Whether a GET of the address is answered with success."""
    return _status(url) == 200


def is_answering(url: str) -> bool:
    """Whether something speaks HTTP there, whatever it says short of a failure of its own."""
    status = _status(url)
    return status is not None and status < 500


def _status(url: str) -> int | None:
    try:
        with _OPENER.open(url, timeout=_PATIENCE_SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except (OSError, http.client.HTTPException):
        return None


# Without the proxy of the person's environment, which knows nothing of this machine's loopback.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
