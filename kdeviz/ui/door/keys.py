"""The keys to a server that others can reach: one address for each user, as Jupyter prints one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence

SECRET = "KDEVIZ_SECRET"
"""In the environment: what keys are made from, so that they stay the same when the server starts again."""


class Keys:
    """One key for each user, made from a secret; without users, one for all, who are nobody in particular."""

    def __init__(self, users: Sequence[str] = (), secret: str | None = None) -> None:
        made_from = (secret or os.environ.get(SECRET) or secrets.token_urlsafe(32)).encode()
        self._users = {_key(made_from, user): user for user in users or [""]}

    def by_user(self) -> dict[str, str]:
        """Each user's key."""
        return {user: key for key, user in self._users.items()}

    def user_of(self, key: str) -> str | None:
        """Whose key this is; None if nobody's. A nearly right key takes as long as any other."""
        found = None
        for known, user in self._users.items():
            if hmac.compare_digest(known.encode(), key.encode("utf-8", "replace")):
                found = user
        return found


def _key(secret: bytes, user: str) -> str:
    digest = hmac.new(secret, user.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
