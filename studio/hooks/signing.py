"""Standard Webhooks 1.0: how a message says who it is from, so that nobody else can."""

import base64
import hashlib
import hmac

PREFIX = "whsec_"


def key(secret: str) -> bytes:
    """The bytes of a secret, `whsec_` and base64."""
    return base64.b64decode(secret.removeprefix(PREFIX), validate=True)


def headers(secret: str, message: str, timestamp_s: int, body: str) -> dict[str, str]:
    """HMAC-SHA256 over id, time and body: a copy that is sent again later, or of another body, is told from it."""
    signed = f"{message}.{timestamp_s}.{body}".encode()
    signature = base64.b64encode(hmac.new(key(secret), signed, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": message,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": f"v1,{signature}",
        "content-type": "application/json",
    }
