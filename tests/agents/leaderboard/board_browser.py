"""A real browser without a window, driven by the WebDriver protocol over HTTP."""

import base64
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

DRIVER = shutil.which("chromedriver")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MISSING = "needs Chromium and its driver: apt-get install chromium chromium-driver"
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --force-color-profile=srgb"
)
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Browser:
    """A context manager: one browser with a profile of its own."""

    def __enter__(self):
        self._profile = tempfile.mkdtemp()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        # A home of its own: what a browser keeps beside its profile must not outlive the test.
        self._driver = subprocess.Popen(
            [DRIVER, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=os.environ | {"HOME": self._profile},
        )  # fmt: skip
        self._url = f"http://127.0.0.1:{port}"
        options = {"binary": CHROMIUM, "args": [*FLAGS.split(), f"--user-data-dir={self._profile}/profile"]}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        try:
            self._wait_for_driver()
            made = self._send("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        except BaseException:
            self._driver.kill()
            raise
        self._session = f"/session/{made['sessionId']}"
        return self

    def __exit__(self, *_):
        try:
            self._send("DELETE", self._session)
        finally:
            self._driver.terminate()
            self._driver.wait(20)
            shutil.rmtree(self._profile, ignore_errors=True)

    def open(self, url):
        """Loads an address anew, and waits until it shows something."""
        self.post("/url", {"url": "about:blank"})
        self.post("/url", {"url": url})
        self.wait("return !!document.querySelector('main[data-shown]')")

    def go(self, fragment):
        """Another page of the same site."""
        before = self.js("return document.querySelector('main').dataset.shown")
        self.js("location.hash = arguments[0]", fragment)
        self.wait("return document.querySelector('main').dataset.shown !== arguments[0]", before)

    def js(self, code, *arguments):
        return self.post("/execute/sync", {"script": code, "args": list(arguments)})

    def wait(self, code, *arguments, seconds=20):
        """Until the code gives something that is true."""
        end = time.monotonic() + seconds
        while not (found := self.js(code, *arguments)):
            if time.monotonic() > end:
                raise TimeoutError(f"{code}: {self.text('body')[:500]}")
            time.sleep(0.02)
        return found

    def text(self, selector):
        return self.js("return document.querySelector(arguments[0]).innerText", selector)

    def texts(self, selector):
        return self.js("return [...document.querySelectorAll(arguments[0])].map(one => one.innerText)", selector)

    def click(self, selector):
        self.post(f"/element/{self._find(selector)}/click", {})

    def type(self, selector, text):
        self.post(f"/element/{self._find(selector)}/value", {"text": text})

    def press(self, *keys):
        """Keys, to whatever has the focus."""
        presses = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.post("/actions", {"actions": [{"type": "key", "id": "keys", "actions": presses}]})

    def resize(self, width, height, dark=False):
        """The size of the page and the system's colours."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.cdp("Emulation.setDeviceMetricsOverride", metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.cdp("Emulation.setEmulatedMedia", {"features": [scheme]})

    def cdp(self, command, parameters):
        return self.post("/goog/cdp/execute", {"cmd": command, "params": parameters})

    def errors(self):
        """What the console was told since the last call, without mere information."""
        return [row["message"] for row in self.post("/se/log", {"type": "browser"}) if row["level"] != "INFO"]

    def screenshot(self, path, whole=False):
        if whole:
            found = self.cdp("Page.captureScreenshot", {"captureBeyondViewport": True})["data"]
        else:
            found = self._send("GET", self._session + "/screenshot")
        path.write_bytes(base64.b64decode(found))

    def post(self, path, body):
        return self._send("POST", self._session + path, body)

    def _find(self, selector):
        return self.post("/element", {"using": "css selector", "value": selector})[_ELEMENT]

    def _wait_for_driver(self):
        end = time.monotonic() + 30
        while True:
            try:
                if self._send("GET", "/status")["ready"]:
                    return
            except OSError:
                pass
            if time.monotonic() > end:
                raise TimeoutError("the driver does not start")
            time.sleep(0.05)

    def _send(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            # No proxy: the driver is on this machine.
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(error.read().decode()[:2000]) from None
