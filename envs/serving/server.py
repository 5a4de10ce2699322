"""The server that offers environments."""

from __future__ import annotations

from ..http.server import HttpLimits, JsonServer
from .handler import Handler
from .sessions import Sessions


class EnvServer(JsonServer):
    """Offers environments over HTTP.

    Args:
        sessions: the sessions and environments.
        host: the address to listen at.
        port: the port; 0 for any that is free.
        token: what clients send as a bearer token; none is asked for if it is empty.
        limits: what one client may ask; by default there are connections enough for all sessions.

    Raises:
        OSError: the address can't be listened at.
    """

    sessions: Sessions

    def __init__(
        self,
        sessions: Sessions,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        token: str = "",
        limits: HttpLimits | None = None,
    ) -> None:
        self.sessions = sessions
        limits = limits or HttpLimits(connections=2 * sessions.limit + 32, seconds=60)
        super().__init__(host, port, Handler, limits=limits, token=token)

    def service_actions(self) -> None:
        """Runs several times a second: cuts connections that wait for too long, and closes idle sessions."""
        super().service_actions()
        self.sessions.sweep()

    def close(self, grace: float = 0.0) -> None:
        """Takes no more connections, lets requests that are at work finish for a while, and ends all sessions."""
        super().close(grace)
        self.sessions.close_all()
