"""Studies that an operator or ``studious ui`` serves."""

from __future__ import annotations

import json
import os
import ssl
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.client import HTTPMessage
from pathlib import Path
from typing import IO, Any

from studious._errors import StudiousError
from studious.notebook._command import CommandSource, find_command
from studious.notebook._source import ImageFormat, Json, Theme

SECONDS = 60
"""How long an answer may keep silent, and how long conclusions are waited for."""
MOST_BYTES = 64 << 20
"""The largest answer, and the longest line of trials."""
MOST_RECORDS = 8 << 30
"""The most bytes of all trials with their curves."""

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A token goes to the server that was named, and to no other."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        del fp, msg, headers
        raise StudiousError(
            f"{req.full_url}: answered {code}, a redirection to {newurl}, which is not followed. "
            "Give the address of the server itself as url="
        )


class HttpSource:
    """A study behind the HTTP API of the operator or of ``studious ui``."""

    def __init__(
        self,
        name: str,
        url: str,
        *,
        namespace: str | None,
        token: str | None,
        ca: str | os.PathLike[str] | None,
        binary: str | os.PathLike[str] | None,
    ) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise StudiousError(f"url={url!r}: must be https://HOST, as in https://localhost:8443")
        if parts.hostname in _LOOPBACK and parts.query.startswith("token="):
            # The link that `studious ui` prints.
            token = token if token is not None else urllib.parse.parse_qs(parts.query)["token"][0]
            parts = parts._replace(query="")
            url = parts.geturl()
        if parts.query or parts.fragment or parts.username or parts.password:
            raise StudiousError(
                f"url of {parts.hostname}: must be an address without user, query or fragment. "
                "Give the token as token="
            )
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise StudiousError(
                f"url={url!r}: anybody between here and {parts.hostname} could read the token and "
                "change the answers. Use https, or a tunnel to this machine (kubectl port-forward)"
            )
        token = token if token is not None else os.environ.get("STUDIOUS_TOKEN")
        if token is not None and (not token.isascii() or not token.isprintable()):
            raise StudiousError("token: must be printable ASCII on one line")
        self._base = url.rstrip("/")
        self._token = token or None
        self._binary = binary
        handlers: list[urllib.request.BaseHandler] = [_NoRedirects()]
        if parts.scheme == "https":
            try:
                context = ssl.create_default_context(cafile=os.fspath(ca) if ca else None)
            except OSError as error:
                raise StudiousError(f"ca={ca}: can't be read as certificates: {error}") from error
            handlers.append(urllib.request.HTTPSHandler(context=context))
        if parts.hostname in _LOOPBACK:
            handlers.append(urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*handlers)
        self._name = name
        self._namespace = namespace or self._find(name)
        self._study: Json | None = None
        self._conclusions: Json | None = None
        self._specifications: dict[str, Json] = {}
        self._files: tempfile.TemporaryDirectory[str] | None = None

    @property
    def where(self) -> str:
        """The address of the study."""
        return f"{self._base} {self._namespace}/{self._name}"

    def study(self) -> Json:
        """Read what the server says about the study."""
        if self._study is None:
            detail = self._json(self._path())
            name = detail["studyName"]
            said = detail["message"] or detail["standing"]
            self._study = {
                "name": name,
                "status": said,
                "spec": detail["spec"],
                "yaml": detail["yaml"],
            }
        return self._study

    def conclusions(self) -> Json:
        """Read what the server concludes, once it has read everything."""
        if self._conclusions is None:
            until = time.monotonic() + SECONDS
            while True:
                answer = self._json(f"{self._path()}/findings")
                if answer["state"] == "ready":
                    self._conclusions = answer
                    break
                if answer["state"] == "none":
                    raise StudiousError(
                        f"{self.where}: the study is refused, and nothing is concluded from it: "
                        "see its page, or `kubectl describe study`"
                    )
                # While a study runs, conclusions follow it.
                if "checklist" in answer and time.monotonic() > until:
                    self._conclusions = answer
                    break
                if time.monotonic() > until:
                    raise StudiousError(
                        f"{self.where}: conclusions are still being drawn after {SECONDS} s. "
                        "Try again in a while"
                    )
                time.sleep(0.3)
        return self._conclusions

    def specification(self, plot: str) -> Json:
        """Read the plot's specification."""
        if plot not in self._specifications:
            self._specifications[plot] = self._json(f"{self._path()}/plots/{_quoted(plot)}")
        return self._specifications[plot]

    def records(self) -> Iterator[Json]:
        """Trials, line by line."""
        read = 0
        with self._open(f"{self._path()}/records") as answer:
            while line := answer.readline(MOST_BYTES + 1):
                read += len(line)
                if len(line) > MOST_BYTES or read > MOST_RECORDS:
                    raise StudiousError(f"{self.where}: the trials are larger than this reads")
                if not line.endswith(b"\n"):
                    raise StudiousError(f"{self.where}: the answer ended within a trial. Try again")
                if line.strip():
                    yield json.loads(line)

    def image(self, plot: str, kind: ImageFormat, theme: Theme, width: int) -> bytes | None:
        """Draw a plot by the ``studious`` command on this machine, if there is one."""
        if self._binary is None and find_command() is None:
            return None
        if self._files is None:
            files = tempfile.TemporaryDirectory(prefix="studious-")
            self.study()
            assert self._study is not None
            (Path(files.name) / "study.yaml").write_text(self._study["yaml"], encoding="utf-8")
            with (Path(files.name) / "trials.jsonl").open("w", encoding="utf-8") as lines:
                for record in self.records():
                    lines.write(json.dumps(record) + "\n")
            self._files = files
        at = Path(self._files.name)
        target = ["--study", str(at / "study.yaml"), "--trials", str(at / "trials.jsonl")]
        return CommandSource(target, self._binary).image(plot, kind, theme, width)

    def refresh(self) -> None:
        """Forget all answers."""
        self._study = self._conclusions = None
        self._specifications.clear()
        if self._files is not None:
            self._files.cleanup()
            self._files = None

    def _find(self, name: str) -> str:
        """Find the namespace of the only study of this name."""
        studies = self._json("/v1/studies")["studies"]
        there = sorted({s["namespace"] for s in studies if s["name"] == name})
        if len(there) == 1:
            return str(there[0])
        if there:
            raise StudiousError(
                f"{self._base}: there are studies called {name} in {', '.join(there)}. "
                "Say which with namespace="
            )
        names = ", ".join(sorted({s["name"] for s in studies})[:12]) or "none"
        raise StudiousError(
            f"{self._base}: there is no study {name} that you may see. There are: {names}"
        )

    def _path(self) -> str:
        return f"/v1/namespaces/{_quoted(self._namespace)}/studies/{_quoted(self._name)}"

    def _json(self, path: str) -> Json:
        with self._open(path) as answer:
            body = answer.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise StudiousError(f"{self._base}{path}: the answer is larger than {MOST_BYTES} bytes")
        try:
            value = json.loads(body)
        except ValueError as error:
            raise StudiousError(
                f"{self._base}{path}: the answer is not JSON. Is this the address of an operator "
                "or of `studious ui`?"
            ) from error
        if not isinstance(value, dict):
            raise StudiousError(f"{self._base}{path}: the answer is not a JSON object")
        return value

    def _open(self, path: str) -> Any:
        url = self._base + path
        request = urllib.request.Request(url)
        if self._token:
            # The API server's proxy keeps Authorization to itself.
            request.add_unredirected_header("Studious-Token", self._token)
        try:
            return self._opener.open(request, timeout=SECONDS)
        except urllib.error.HTTPError as error:
            with error:
                said = _said(error.read(MOST_BYTES)) or error.reason
            fix = {
                401: " Give a token: kubectl create token studious-reader -n studious-system",
                403: " Ask the namespace's administrator for the right to get studies",
            }.get(error.code, "")
            raise StudiousError(f"{url}: {error.code}: {said}.{fix}") from error
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                raise StudiousError(
                    f"{url}: its certificate is not trusted: {error.reason}. Give the certificate "
                    "of its authority as ca="
                ) from error
            raise StudiousError(f"{url}: can't be reached: {error.reason}") from error
        except TimeoutError as error:
            raise StudiousError(f"{url}: no answer within {SECONDS} s") from error


def _quoted(name: str) -> str:
    return urllib.parse.quote(name, safe="")


def _said(body: bytes) -> str:
    try:
        said = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return ""
    return str(said)
