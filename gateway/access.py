"""Who may do what: every route declares one of these rules, and none is open by omission."""

from __future__ import annotations

import hmac
import time
from collections.abc import Mapping
from enum import Enum

from gateway.errors import Forbidden, NotFound, Unauthenticated
from gateway.types import Principal

ROLES = ("admin", "approver", "editor", "evaluator", "viewer")
"""admin: everything; approver: agrees to what others propose, breaks the glass, reviews; editor: prompts, releases,
rollouts; evaluator: asks candidates and posts evidence; viewer: reads records, releases and metrics."""


class Access(Enum):
    """The rule of a route; `roles` lists those that satisfy it."""

    PUBLIC = "public"
    KEY = "key"
    VIEWER = "viewer"
    EVALUATOR = "evaluator"
    EDITOR = "editor"
    APPROVER = "approver"
    HANDLER = "editor or approver"
    ADMIN = "admin"

    @property
    def roles(self) -> frozenset[str]:
        """The roles that satisfy this rule; empty where no role is asked for."""
        return SATISFIED_BY.get(self, frozenset())


SATISFIED_BY: Mapping[Access, frozenset[str]] = {
    Access.VIEWER: frozenset(ROLES),
    Access.EVALUATOR: frozenset(("admin", "approver", "editor", "evaluator")),
    Access.EDITOR: frozenset(("admin", "editor")),
    Access.APPROVER: frozenset(("admin", "approver")),
    Access.HANDLER: frozenset(("admin", "approver", "editor")),
    Access.ADMIN: frozenset(("admin",)),
}


def admit(access: Access, principal: Principal) -> None:
    """Raises `Forbidden` where the principal has none of the roles the rule asks for."""
    if access.roles and not access.roles & principal.roles:
        wanted = " or ".join(sorted(access.roles))
        raise Forbidden(f"This key may not do that: it needs the role {wanted}.")


class KeyRing:
    """The keys in force, by the full HMAC digest of the secret. Looking one up tells nothing by its timing: what is
    compared is a digest the caller cannot choose. A key met before is found as it is, without its digest; what is
    remembered is bounded by the number of keys, and goes with the ring."""

    __slots__ = ("_digest", "_met", "_principals")

    def __init__(self, hasher: KeyHasher, principals: Mapping[bytes, Principal]) -> None:
        self._digest = hasher.digest
        self._principals = principals
        self._met: dict[bytes, Principal] = {}

    def authenticate(self, authorization: bytes | None, api_key: bytes | None = None) -> Principal:
        """The principal of `Authorization: Bearer`, or of Anthropic's `x-api-key`. Raises `Unauthenticated`."""
        if authorization is not None and authorization[:7].lower() == b"bearer ":
            secret = authorization[7:].strip()
        elif api_key is not None:
            secret = api_key
        else:
            message = "You didn't provide an API key. Send it in the header `Authorization: Bearer sk-...`."
            raise Unauthenticated(message, code="missing_api_key")
        principal = self._met.get(secret)
        if principal is None:
            principal = self._principals.get(self._digest(secret))
            if principal is None:
                raise Unauthenticated("Incorrect API key provided. `sluice keys list` shows which keys exist.")
            self._met[secret] = principal
        if principal.expires is not None and principal.expires <= time.time():
            raise Unauthenticated("This API key has expired.", code="expired_api_key")
        return principal

    def named(self, key_id: str) -> Principal | None:
        """The principal of a key by its id, for what the gateway does later in its name; None where it is in force no
        longer."""
        found = [one for one in self._principals.values() if one.key_id == key_id]
        lasting = [one for one in found if one.expires is None or one.expires > time.time()]
        return max(lasting, key=lambda one: one.expires or float("inf"), default=None)


class KeyHasher:
    """HMAC-SHA-256 under this installation's own pepper: a stolen database alone cannot be searched for keys."""

    __slots__ = ("_pepper",)

    def __init__(self, pepper: bytes) -> None:
        self._pepper = pepper

    def digest(self, secret: bytes) -> bytes:
        return hmac.digest(self._pepper, secret, "sha256")


def may_use(allowed: frozenset[str] | None, name: str) -> bool:
    return allowed is None or name in allowed


def no_such_model(model: str) -> NotFound:
    """The same words for what does not exist and for what this key may not know of."""
    message = f"The model {model[:100]!r} does not exist or you do not have access to it."
    return NotFound(message, param="model", code="model_not_found")
