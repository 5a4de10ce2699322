"""What a client gets to hear when a request can't be answered."""

from __future__ import annotations

from typing import Any


class ServingError(Exception):
    """A request that is refused.

    Attributes:
        status: of the HTTP response.
        code: for programs; those that OpenEnv has too are named as there.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code

    @property
    def body(self) -> dict[str, Any]:
        """The error as JSON."""
        return {"error": {"code": self.code, "message": str(self)}}


def invalid(message: str) -> ServingError:
    """The request is understood, but what it asks for can't be."""
    return ServingError(422, "VALIDATION_ERROR", message)
