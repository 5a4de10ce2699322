"""A real browser without a window, for tests of pages: Chromium, driven over its own WebDriver.

The ``browser`` fixture of ``tests/conftest.py`` starts one for all tests of a process, and skips them where there is
none (Debian: ``apt-get install chromium chromium-driver``).
"""

import base64
import json
import shutil
import subprocess
import tempfile
import time
from http.client import HTTPConnection
from pathlib import Path

# The driver's name of an element in its answers; from the standard.
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
SWITCHES = (
    "--headless=new",
    "--no-sandbox",  # tests may run as root, and what they open is ours
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    # Only this machine's own servers: nothing else is even looked up.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
)
KEYS = {"right": "\ue014", "left": "\ue012", "escape": "\ue00c", "enter": "\ue007", "tab": "\ue004"}


def programs() -> tuple[str | None, str | None]:
    """Where browser and driver are; None for what is not there."""
    found = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )
    return found, shutil.which("chromedriver")


def missing() -> str:
    """Why there is no browser, in one line; empty where there is one."""
    browser, driver = programs()
    if browser and driver:
        return ""
    return f"no {'browser' if driver else 'chromedriver'}: apt-get install chromium chromium-driver"


class Browser:
    """One window of a headless browser; a context manager.

    Every method that asks the page waits for its answer, and raises what the driver says is wrong.
    """

    def __init__(self) -> None:
        browser, driver = programs()
        self._folder = tempfile.mkdtemp(prefix="browser-")
        self._driver = subprocess.Popen(
            [driver, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=self._folder
        )
        self._session = ""
        try:
            self._port = self._read_port()
            arguments = [*SWITCHES, f"--user-data-dir={self._folder}/profile"]
            wanted = {
                "goog:chromeOptions": {"binary": browser, "args": arguments},
                "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
                "unhandledPromptBehavior": "ignore",  # a test that meets a dialog is to fail, not to close it
                "timeouts": {"script": 30_000, "pageLoad": 60_000},
            }
            made = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        except BaseException:
            self.close()
            raise
        self._session = f"/session/{made['sessionId']}"

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends browser and driver, and removes what they wrote."""
        try:
            if self._session:
                self._ask("DELETE", self._session)
        finally:
            self._driver.terminate()
            try:
                self._driver.wait(10)
            except subprocess.TimeoutExpired:
                self._driver.kill()
                self._driver.wait()
            shutil.rmtree(self._folder, ignore_errors=True)

    def open(self, place: Path | str) -> None:
        """Goes to a file or URL, and waits until it is loaded. Messages and requests of before are forgotten."""
        self.messages()
        self.requests()
        url = place.resolve().as_uri() if isinstance(place, Path) else place
        # Of a page that is open already another fragment alone would load nothing.
        self._ask("POST", f"{self._session}/url", {"url": "about:blank"})
        self._ask("POST", f"{self._session}/url", {"url": url})

    def run(self, script: str, *arguments: object) -> object:
        """What a function body in JavaScript returns; its arguments are ``arguments[0]`` and so on."""
        return self._ask("POST", f"{self._session}/execute/sync", {"script": script, "args": [*arguments]})

    def wait(self, script: str, *arguments: object, seconds: float = 10.0) -> None:
        """Waits until an expression is true."""
        end = time.monotonic() + seconds
        while not self.run(f"return Boolean({script})", *arguments):
            assert time.monotonic() < end, f"not true after {seconds} s: {script}"
            time.sleep(0.02)

    def text(self, selector: str) -> str:
        """The text of the first element that a CSS selector finds, as it is seen."""
        return str(self.run("return document.querySelector(arguments[0]).innerText", selector))

    def texts(self, selector: str) -> list[str]:
        """The texts of all that it finds."""
        script = "return [...document.querySelectorAll(arguments[0])].map((one) => one.innerText)"
        return list(self.run(script, selector))  # type: ignore[call-overload]

    def count(self, selector: str) -> int:
        """How many elements it finds that are seen."""
        script = "return [...document.querySelectorAll(arguments[0])].filter((one) => one.checkVisibility()).length"
        return int(self.run(script, selector))  # type: ignore[call-overload]

    def click(self, selector: str) -> None:
        """Clicks, as a person does: what is hidden or covered can't be."""
        self._ask("POST", f"{self._session}/element/{self._find(selector)}/click", {})

    def type(self, selector: str, text: str) -> None:
        """Types into a field, after emptying it."""
        found = self._find(selector)
        self._ask("POST", f"{self._session}/element/{found}/clear", {})
        self._ask("POST", f"{self._session}/element/{found}/value", {"text": text})

    def press(self, *keys: str) -> None:
        """Presses keys one after the other, wherever the focus is: letters, or names of ``KEYS``."""
        strokes = [{"type": kind, "value": KEYS.get(key, key)} for key in keys for kind in ("keyDown", "keyUp")]
        body = {"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]}
        self._ask("POST", f"{self._session}/actions", body)

    def resize(self, width: int, height: int, *, phone: bool = False) -> None:
        """Makes the page this large, in CSS pixels; ``phone`` has fingers, and two pixels for each."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 2 if phone else 1, "mobile": phone}
        self.command("Emulation.setDeviceMetricsOverride", **metrics)
        self.command("Emulation.setTouchEmulationEnabled", enabled=phone)

    def prefer(self, scheme: str) -> None:
        """What the page is told of the person's wish: ``light`` or ``dark``."""
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def command(self, name: str, **parameters: object) -> dict[str, object]:
        """A command of the DevTools protocol."""
        body = {"cmd": name, "params": parameters}
        return dict(self._ask("POST", f"{self._session}/goog/cdp/execute", body))  # type: ignore[call-overload]

    def screenshot(self, path: Path, *, whole: bool = False) -> None:
        """Writes what is seen as a PNG, or the whole page."""
        picture = self.command("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        path.write_bytes(base64.b64decode(str(picture)))

    def messages(self) -> list[str]:
        """What the console has got since the last time: errors, and what the content policy forbade."""
        return [str(entry["message"]) for entry in self._log("browser")]

    def requests(self) -> list[str]:
        """The URLs that the page asked for since the last time."""
        events = [json.loads(entry["message"])["message"] for entry in self._log("performance")]
        sent = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
        return [url for url in sent if url != "about:blank"]

    def _log(self, kind: str) -> list[dict[str, str]]:
        return list(self._ask("POST", f"{self._session}/se/log", {"type": kind}))  # type: ignore[call-overload]

    def _find(self, selector: str) -> str:
        body = {"using": "css selector", "value": selector}
        return str(self._ask("POST", f"{self._session}/element", body)[ELEMENT])  # type: ignore[index]

    def _read_port(self) -> int:
        assert self._driver.stdout is not None
        for line in self._driver.stdout:
            if "started successfully on port" in line:
                return int(line.rstrip(".\n").rsplit(" ", 1)[1])
        raise RuntimeError("chromedriver ended before it listened")

    def _ask(self, method: str, path: str, body: object = None) -> object:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=120)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, {"Content-Type": "application/json"})
            value = json.loads(connection.getresponse().read())["value"]
        finally:
            connection.close()
        if isinstance(value, dict) and "error" in value:
            raise RuntimeError(f"{value['error']}: {value['message'].splitlines()[0]}")
        return value
