"""What a client gets to hear when a request can't be answered."""

from __future__ import annotations


class HttpError(Exception):
    """A request that is refused.

    Attributes:
        status: of the HTTP response.
        code: for programs.
    """

    def __init__(self, status: int, message: str, code: str = "BAD_REQUEST") -> None:
        super().__init__(message)
        self.status, self.code = status, code
