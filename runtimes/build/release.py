"""Downloads artefacts from a GitHub release instead of making them.

The environment names it: RUNTIME_GITHUB_REPO (``owner/name``), RUNTIME_RELEASE_TAG (else the newest release whose tag
starts with ``runtimes-``), GITHUB_TOKEN (for private repositories and a higher rate limit). A release holds
``python.wasm``, ``javascript.wasm`` and ``SHA256SUMS``.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage
from typing import IO, Any
from urllib.parse import quote, urlsplit

API = "https://api.github.com"
PREFIX = "runtimes-"
SUMS = "SHA256SUMS"

_SOCKET_SECONDS = 30
_TOTAL_SECONDS = 900
_MAX_TEXT = 4 << 20
_MAX_ARTEFACT = 256 << 20
_PAGES = 20


class ReleaseError(RuntimeError):
    """A release cannot be used: there is none, it lacks a file, or a file is not what the release says."""


@dataclass(frozen=True, slots=True)
class Release:
    """A release of a repository.

    Attributes:
        repository: ``owner/name``.
        tag: its tag.
        assets: the address of each of its files, by name.
        sums: the SHA-256 of each of its files, by name.
    """

    repository: str
    tag: str
    assets: Mapping[str, str]
    sums: Mapping[str, str]


class ReleaseClient:
    """Reads releases of a repository.

    Args:
        repository: ``owner/name``.
        token: is sent to the API's own host only, and never shown.
        api: where the API is.

    Raises:
        ReleaseError: ``repository`` is no name of a repository.
    """

    def __init__(self, repository: str, token: str | None = None, api: str = API) -> None:
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository, re.ASCII):
            raise ReleaseError(f"RUNTIME_GITHUB_REPO must be owner/name, not {repository!r}")
        self._repository = repository
        self._api = api.rstrip("/")
        self._token = token
        self._opener = urllib.request.build_opener(_Redirects(_origin(self._api), token))

    @classmethod
    def from_environment(cls, api: str = API) -> ReleaseClient | None:
        """The client that the environment asks for; None where it names no release.

        Raises:
            ReleaseError: it names a tag, but no repository.
        """
        repository = os.environ.get("RUNTIME_GITHUB_REPO")
        if repository:
            return cls(repository, os.environ.get("GITHUB_TOKEN") or None, api)
        if os.environ.get("RUNTIME_RELEASE_TAG"):
            raise ReleaseError("RUNTIME_RELEASE_TAG is set, but not RUNTIME_GITHUB_REPO=owner/name, its repository")
        return None

    def find(self, tag: str | None = None) -> Release:
        """A release with its checksums.

        Args:
            tag: its tag; by default that of the newest release whose tag starts with ``runtimes-``.

        Raises:
            ReleaseError: there is none, or it has no checksums.
        """
        found = self._by_tag(tag) if tag else self._newest()
        name = str(found["tag_name"])
        assets = {str(asset["name"]): str(asset["url"]) for asset in found.get("assets", [])}
        if SUMS not in assets:
            raise ReleaseError(f"release {name} of {self._repository} has no {SUMS}, so its files cannot be verified")
        text = self._get(assets[SUMS], SUMS, _MAX_TEXT, binary=True).decode("utf-8", "replace")
        sums = dict(re.findall(r"^([0-9a-fA-F]{64}) [ *](\S+)\s*$", text, re.M))
        return Release(self._repository, name, assets, {file: digest.lower() for digest, file in sums.items()})

    def download(self, release: Release, name: str) -> bytes:
        """A file of a release.

        Raises:
            ReleaseError: the release lacks it, or its content is not what the checksum says.
        """
        where = f"release {release.tag} of {release.repository}"
        if name not in release.assets or name not in release.sums:
            place = where if name not in release.assets else f"{SUMS} of {where}"
            raise ReleaseError(f"{place} has no {name}")
        content = self._get(release.assets[name], name, _MAX_ARTEFACT, binary=True)
        if hashlib.sha256(content).hexdigest() != release.sums[name]:
            raise ReleaseError(f"{name} of {where} does not have the SHA-256 that its {SUMS} tells; it is not used")
        return content

    def _by_tag(self, tag: str) -> dict[str, Any]:
        path = f"/repos/{self._repository}/releases/tags/{quote(tag, safe='')}"
        return self._object(self._json(path, f"release {tag} of {self._repository}"))

    def _newest(self) -> dict[str, Any]:
        """The newest release with the prefix; they come in the order of their making, the newest first."""
        for page in range(1, _PAGES + 1):
            path = f"/repos/{self._repository}/releases?per_page=100&page={page}"
            listed = self._json(path, f"the releases of {self._repository}")
            releases = [self._object(item) for item in listed] if isinstance(listed, list) else []
            named = [item for item in releases if str(item["tag_name"]).startswith(PREFIX) and not item.get("draft")]
            if named:
                return max(named, key=lambda item: str(item.get("published_at") or ""))
            if not releases:
                break
        raise ReleaseError(f"{self._repository} has no release whose tag starts with {PREFIX}")

    @staticmethod
    def _object(item: Any) -> dict[str, Any]:
        if not isinstance(item, dict) or "tag_name" not in item:
            raise ReleaseError("the API's answer is not a release")
        return item

    def _json(self, path: str, what: str) -> Any:
        try:
            return json.loads(self._get(self._api + path, what, _MAX_TEXT))
        except (ValueError, RecursionError):
            raise ReleaseError(f"{what}: the API's answer is not JSON") from None

    def _get(self, url: str, what: str, limit: int, binary: bool = False) -> bytes:
        """The content at an address, at most ``limit`` bytes of it.

        Raises:
            ReleaseError: the server cannot be reached or refuses, or the content is larger.
        """
        request = urllib.request.Request(url, headers={"User-Agent": "infinite-rl"})
        request.add_header("Accept", "application/octet-stream" if binary else "application/vnd.github+json")
        if self._token and _origin(url) == _origin(self._api):
            # Not a plain header: urllib would pass it on to whichever host a redirect names.
            request.add_unredirected_header("Authorization", f"Bearer {self._token}")
        try:
            with self._opener.open(request, timeout=_SOCKET_SECONDS) as response:
                return _read(response, what, limit)
        except urllib.error.HTTPError as error:
            with error:
                raise ReleaseError(self._explain(error, what)) from None
        except (OSError, HTTPException, ValueError) as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            raise ReleaseError(f"{what} cannot be downloaded: {reason}") from None

    def _explain(self, error: urllib.error.HTTPError, what: str) -> str:
        """What an HTTP error means here."""
        if error.code in (403, 429) and (error.headers.get("X-RateLimit-Remaining") == "0" or error.code == 429):
            reset = error.headers.get("X-RateLimit-Reset", "")
            until = f" until {time.strftime('%H:%M:%S', time.localtime(int(reset)))}" if reset.isdecimal() else ""
            hint = "" if self._token else "; with GITHUB_TOKEN set it is higher"
            return f"{what}: GitHub's rate limit is used up{until}{hint}"
        if error.code == 404:
            hint = "" if self._token else "; a private repository needs GITHUB_TOKEN"
            return f"{what} is not there{hint}"
        if error.code == 401:
            return f"{what}: GITHUB_TOKEN is not accepted"
        return f"{what} cannot be downloaded: HTTP status {error.code}"


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects without carrying the token to another host, and never from HTTPS to plain HTTP."""

    def __init__(self, origin: tuple[str, str], token: str | None) -> None:
        self._token_origin = origin
        self._token = token

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        """The request that follows a redirect."""
        if urlsplit(req.full_url).scheme == "https" and urlsplit(newurl).scheme != "https":
            raise urllib.error.URLError("a redirect leaves HTTPS")
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        if request is not None and self._token and _origin(newurl) == self._token_origin:
            request.add_unredirected_header("Authorization", f"Bearer {self._token}")
        return request


def _read(response: Any, what: str, limit: int) -> bytes:
    """Reads a response to its end, within bounds of size and time."""
    content = bytearray()
    deadline = time.monotonic() + _TOTAL_SECONDS
    while chunk := response.read1(1 << 20):
        content += chunk
        if len(content) > limit:
            raise ReleaseError(f"{what} is larger than {limit >> 20} MiB; it is not used")
        if time.monotonic() > deadline:
            raise ReleaseError(f"{what} took longer than {_TOTAL_SECONDS} s to download")
    return bytes(content)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()
