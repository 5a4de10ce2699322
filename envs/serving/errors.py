"""What a client gets to hear when a request can't be answered."""

from __future__ import annotations

from ..http.errors import HttpError


class ServingError(HttpError):
    """A request that is refused; codes that OpenEnv has too are named as there."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status, message, code)


def invalid(message: str) -> ServingError:
    """The request is understood, but what it asks for can't be."""
    return ServingError(422, "VALIDATION_ERROR", message)
