"""A server in a thread, and a client that sends what it is told."""

import http.client
import json
import threading
import time
from contextlib import contextmanager

from infinite_rl.envs.serving.catalogue import Catalogue
from infinite_rl.envs.serving.server import EnvServer
from infinite_rl.envs.serving.sessions import Sessions


class Client:
    def __init__(self, server):
        self.server = server
        self.connection = http.client.HTTPConnection(*server.server_address, timeout=60)

    def raw(self, method, path, body=None, headers=None):
        """Status, headers and JSON of the answer."""
        self.connection.request(method, path, body, headers or {})
        response = self.connection.getresponse()
        return response.status, response.headers, json.loads(response.read())

    def get(self, path, **headers):
        status, _, found = self.raw("GET", path, headers=headers)
        return status, found

    def post(self, path, body=None, **headers):
        sent = json.dumps(body or {})
        status, _, found = self.raw("POST", path, sent, {"Content-Type": "application/json", **headers})
        return status, found

    def ok(self, path, **body):
        status, found = self.post(path, body)
        assert status == 200, found
        return found


def wait_for(condition):
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until, "this did not come about"
        time.sleep(0.01)


@contextmanager
def serving(*ids, arguments=None, allowed=None, limit=256, idle_seconds=900, **options):
    """A client of a server that runs while the block does."""
    catalogue = Catalogue(ids, arguments, **({"allowed": allowed} if allowed is not None else {}))
    server = EnvServer(Sessions(catalogue, limit=limit, idle_seconds=idle_seconds), **options)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    client = Client(server)
    try:
        yield client
    finally:
        client.connection.close()
        server.shutdown()
        thread.join()
        server.close(10)
