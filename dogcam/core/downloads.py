"""What has to be fetched from the network: can it be reached, and what to say where it cannot."""

from __future__ import annotations

import http.client
import threading
import urllib.error
import urllib.request

from dogcam.core.errors import Unavailable

# Longer than a slow answer takes, short enough that a machine without a network hears of it in time.
PATIENCE_SECONDS = 6.0

# Answers of a server that is there and gives files, but does not know the question for their head.
_HEAD_REFUSED = (405, 501)


def require_reachable(url: str, remedy: str) -> None:
    """Ask for the head of `url`, through the proxies of the environment, and give up after `PATIENCE_SECONDS`.

    The question is asked in a thread, since looking up a name has no time limit of its own.

    Raises:
        Unavailable: no answer; the message is the reason, the URL and `remedy`.
    """
    reason: list[str] = []
    thread = threading.Thread(target=lambda: reason.append(_reason_unreachable(url)), daemon=True)
    thread.start()
    thread.join(PATIENCE_SECONDS)
    why = reason[0] if reason else f"no answer within {PATIENCE_SECONDS:g} seconds"
    if why:
        raise Unavailable(f"cannot fetch {url} ({why}). {remedy}")


def _reason_unreachable(url: str) -> str:
    try:
        # An opener of its own reads the proxies of the environment now; urlopen keeps those of its first call.
        opener = urllib.request.build_opener()
        with opener.open(urllib.request.Request(url, method="HEAD"), timeout=PATIENCE_SECONDS):
            return ""
    except urllib.error.HTTPError as error:
        return "" if error.code in _HEAD_REFUSED else f"HTTP {error.code} {error.reason}"
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        return " ".join(str(reason).split()) or type(reason).__name__
