"""Every way a call can be refused or fail, and the one function that renders it in OpenAI's shape.

    GatewayError
    ├── BadRequest            400  the client sent something unusable; `param` names the field
    │   ├── UnsupportedParam  400  the upstream cannot do what was asked, and dropping it was not allowed
    │   ├── ContextLength     400  the prompt does not fit the model
    │   ├── ContentFiltered   400  a guard stopped it
    │   └── Unreadable        400  a guard of the endpoint can never judge it, as it is too long
    ├── Unauthenticated       401  no key, or a key nobody minted
    ├── Forbidden             403  the key is known and may not do this
    ├── NotFound              404  no such model, response, or route
    ├── MethodNotAllowed      405
    ├── Conflict              409
    │   └── InProgress        409  the first request with this idempotency key is still being answered
    ├── TooLarge              413
    ├── UnsupportedMedia      415  content type or content encoding
    ├── Unprocessable         422  an idempotency key that was used for another request
    ├── RateLimited           429  carries `retry_after`
    │   └── OverLimit         429  trying again soon is in vain: a budget is used up, or the call alone passes a limit
    ├── ClientGone            499  the client closed the connection; recorded, never sent
    ├── Internal              500  a defect of ours
    ├── UpstreamFailed        502  the upstream answered garbage, broke the connection, or cut the stream
    │   ├── ClosedBeforeReply 502  its connection ended before the first byte of a reply
    │   └── UpstreamRefused   ...  the upstream answered with an error of its own: status and body kept
    ├── Unavailable           503  nothing can serve this now
    │   ├── JournalFull       503  no record of the call could be kept
    │   ├── Unjudged          503  a guard has to judge the request, and cannot now
    │   └── Unequipped        503  a package or a model is missing, or corrupt: its operator must act
    └── UpstreamTimeout       504  connect, first token, idle or total time ran out

`retryable` says whether a *client* should try again; it becomes the `x-should-retry` header, which the official SDKs
obey before they look at the status.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import orjson


class GatewayError(Exception):
    """A refusal or failure a client can be told about.

    `message` is shown to the client: it names what is wrong and the next step, and never holds a secret.
    `param` is the JSON field at fault, or None. `code` is the machine-readable reason. `retry_after` is in seconds.
    `limits` are the rate-limit fields of the upstream that refused: header lines, each ended by CRLF.
    `request_id` is that of the call, where `gateway.client` raises what a gateway told it.
    """

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    default_code: ClassVar[str | None] = None
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code or self.default_code
        self.retry_after = retry_after
        self.limits = b""
        self.request_id: str | None = None


class BadRequest(GatewayError):
    status = 400
    type = "invalid_request_error"


class UnsupportedParam(BadRequest):
    default_code = "unsupported_parameter"


class ContextLength(BadRequest):
    default_code = "context_length_exceeded"


class ContentFiltered(BadRequest):
    """A guard stopped the request before anything was asked."""

    default_code = "content_filter"


class Unreadable(BadRequest):
    """A guard that has to judge the request never can."""

    default_code = "cannot_be_judged"


class Unauthenticated(GatewayError):
    status = 401
    type = "authentication_error"
    default_code = "invalid_api_key"


class Forbidden(GatewayError):
    status = 403
    type = "permission_error"
    default_code = "insufficient_permissions"


class NotFound(GatewayError):
    status = 404
    type = "invalid_request_error"
    default_code = "not_found"


class MethodNotAllowed(GatewayError):
    """`allow` are the methods the path takes."""

    status = 405
    type = "invalid_request_error"
    default_code = "method_not_allowed"

    def __init__(self, message: str, allow: Sequence[str]) -> None:
        super().__init__(message)
        self.allow = allow


class Conflict(GatewayError):
    status = 409
    type = "invalid_request_error"
    default_code = "conflict"


class InProgress(Conflict):
    default_code = "idempotency_in_progress"
    retryable = True


class TooLarge(GatewayError):
    status = 413
    type = "invalid_request_error"
    default_code = "request_too_large"


class UnsupportedMedia(GatewayError):
    status = 415
    type = "invalid_request_error"
    default_code = "unsupported_media_type"


class Unprocessable(GatewayError):
    status = 422
    type = "invalid_request_error"
    default_code = "idempotency_key_reused"


class RateLimited(GatewayError):
    status = 429
    type = "rate_limit_error"
    default_code = "rate_limit_exceeded"
    retryable = True


class OverLimit(RateLimited):
    default_code = "insufficient_quota"
    retryable = False


class ClientGone(GatewayError):
    status = 499
    default_code = "client_disconnected"


class Internal(GatewayError):
    default_code = "internal_error"


class UpstreamFailed(GatewayError):
    status = 502
    type = "upstream_error"
    default_code = "upstream_failed"
    retryable = True


class ClosedBeforeReply(UpstreamFailed):
    default_code = "upstream_cut"

    def __init__(self) -> None:
        super().__init__("The upstream closed the connection without a reply.")


class UpstreamRefused(UpstreamFailed):
    """The upstream answered with an error: `upstream_status` and, where it spoke JSON, `error` are kept."""

    def __init__(self, message: str, *, upstream_status: int, error: dict[str, Any] | None, **kw: Any) -> None:
        super().__init__(message, **kw)
        self.upstream_status = upstream_status
        self.error = error


class Unavailable(GatewayError):
    status = 503
    type = "server_error"
    default_code = "unavailable"
    retryable = True


class JournalFull(Unavailable):
    default_code = "journal_full"


class Unjudged(Unavailable):
    """A guard that has to judge the request cannot now."""

    default_code = "guard_unavailable"


class Unequipped(Unavailable):
    retryable = False


class UpstreamTimeout(GatewayError):
    status = 504
    type = "upstream_error"
    default_code = "upstream_timeout"
    retryable = True


def error_object(error: GatewayError) -> dict[str, Any]:
    """OpenAI's error object: always the four keys `message`, `type`, `param`, `code`."""
    return {
        "error": {
            "message": error.message,
            "type": error.type,
            "param": error.param,
            "code": error.code,
        }
    }


def error_body(error: GatewayError) -> bytes:
    """The JSON body of an error reply."""
    return orjson.dumps(error_object(error))
