"""studious.Study behind HTTP: the real `studious ui`, and servers that misbehave."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pandas as pd
import pytest

import studious
from studious import StudiousError
from studious.notebook import _http

from studies import command


@pytest.fixture(scope="module")
def address(run: Path) -> Iterator[str]:
    process = subprocess.Popen(
        [command(), "ui", str(run.parent), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def test_a_served_study_says_what_its_folder_says(address: str, run: Path) -> None:
    served, here = studious.Study("valley", url=address), studious.Study(run)
    assert (served.name, served.goal, served.spec) == (here.name, here.goal, here.spec)
    pd.testing.assert_frame_equal(served.trials(), here.trials())
    pd.testing.assert_frame_equal(served.measurements("loss"), here.measurements("loss"))
    assert [f.raw for f in served.findings] == [f.raw for f in here.findings]
    assert list(served.plots) == list(here.plots)
    plot, same = served.plots["axis-learning_rate"], here.plots["axis-learning_rate"]
    assert plot.specification == same.specification
    assert plot.svg() == same.svg()
    assert served.refresh().checklist == here.checklist


def test_a_picture_needs_no_command(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STUDIOUS_BINARY", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    plot = studious.Study("valley", url=address).plots["axis-learning_rate"]
    data, _ = plot._repr_mimebundle_()
    assert set(data) == {"application/vnd.vegalite.v6+json", "text/plain", "text/html"}
    with pytest.raises(StudiousError, match="takes the studious command"):
        plot.png()


def test_what_is_not_there_is_said(address: str) -> None:
    with pytest.raises(StudiousError, match=r"no study plains that you may see. There are: valley"):
        studious.Study("plains", url=address)
    with pytest.raises(StudiousError, match="404: there is no study local/plains"):
        _ = studious.Study("plains", url=address, namespace="local").name
    with pytest.raises(StudiousError, match="can't be reached"):
        studious.Study("valley", url="http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://studious.example", "Use https, or a tunnel"),
        ("ftp://localhost", "must be https://HOST"),
        ("localhost:8443", "must be https://HOST"),
        ("https://user:pass@localhost", "without user, query or fragment"),
        ("https://localhost/?a=b", "without user, query or fragment"),
    ],
)
def test_addresses_that_would_leak_are_refused(url: str, told: str) -> None:
    with pytest.raises(StudiousError, match=told):
        studious.Study("valley", url=url)


def test_tokens_and_certificates_are_looked_at(tmp_path: Path) -> None:
    with pytest.raises(StudiousError, match="printable ASCII"):
        studious.Study("valley", url="https://localhost", token="a\nb: c")
    with pytest.raises(StudiousError, match="can't be read as certificates"):
        studious.Study("valley", url="https://localhost", ca=tmp_path / "none.pem")


Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture
def serve() -> Iterator[Callable[[dict[str, Answer]], tuple[str, list[dict[str, str]]]]]:
    """Serve what a test says; also give the headers that came."""
    servers: list[HTTPServer] = []

    def start(answers: dict[str, Answer]) -> tuple[str, list[dict[str, str]]]:
        came: list[dict[str, str]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                came.append({name.lower(): value for name, value in self.headers.items()})
                code, headers, body = answers.get(self.path, (404, {}, b"{}"))
                self.send_response(code)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}", came

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


Serve = Callable[[dict[str, Answer]], tuple[str, list[dict[str, str]]]]
STUDIES = "/v1/studies"


def listed(*namespaces: str) -> Answer:
    studies = [{"name": "digits", "namespace": namespace} for namespace in namespaces]
    return 200, {}, json.dumps({"studies": studies}).encode()


def test_the_token_goes_to_the_server_and_nowhere_else(serve: Serve) -> None:
    elsewhere, strangers = serve({})
    there, came = serve({STUDIES: (307, {"Location": elsewhere}, b"")})
    with pytest.raises(StudiousError, match=r"a redirection .*not followed"):
        studious.Study("digits", url=there, token="secret")
    assert came[0]["studious-token"] == "secret"
    assert strangers == []


def test_a_token_may_come_from_the_environment(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDIOUS_TOKEN", "secret")
    url, came = serve({STUDIES: listed("team")})
    study = studious.Study("digits", url=url)
    assert came[0]["studious-token"] == "secret"
    assert "secret" not in repr(vars(study._source)["_base"]) + str(study._source.where)


def test_two_studies_of_a_name_need_a_namespace(serve: Serve) -> None:
    url, _ = serve({STUDIES: listed("a", "b")})
    with pytest.raises(StudiousError, match=r"in a, b. Say which with namespace="):
        studious.Study("digits", url=url)


def test_whoever_may_not_is_told_what_helps(serve: Serve) -> None:
    url, _ = serve({STUDIES: (401, {}, b'{"error": "no token"}')})
    with pytest.raises(StudiousError, match=r"401: no token. Give a token: kubectl create token"):
        studious.Study("digits", url=url)


def test_answers_are_bounded(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_http, "MOST_BYTES", 100)
    records = "/v1/namespaces/team/studies/digits/records"
    url, _ = serve(
        {STUDIES: (200, {}, b" " * 200), records: (200, {}, b'{"name": "a"}\n' + b"x" * 200)}
    )
    with pytest.raises(StudiousError, match="larger than 100 bytes"):
        studious.Study("digits", url=url)
    lines = studious.Study("digits", url=url, namespace="team")._source.records()
    assert next(lines) == {"name": "a"}
    with pytest.raises(StudiousError, match="larger than this reads"):
        next(lines)


def test_what_is_no_operator_is_said_so(serve: Serve) -> None:
    url, _ = serve({STUDIES: (200, {}, b"<html>")})
    with pytest.raises(StudiousError, match="Is this the address of an operator"):
        studious.Study("digits", url=url)


def test_a_certificate_is_verified(tmp_path: Path) -> None:
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    made = subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        capture_output=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    import ssl

    body = listed("team")[2]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"https://localhost:{server.server_port}"
    try:
        with pytest.raises(StudiousError, match=r"certificate is not trusted: .* as ca="):
            studious.Study("digits", url=url)
        assert studious.Study("digits", url=url, ca=certificate)._source.where.endswith("digits")
    finally:
        server.shutdown()
        server.server_close()
