"""Can it be fetched: asked of a loopback server that answers, refuses or keeps silent."""

from __future__ import annotations

import http.server
import os
import socket
import threading
import time

import pytest

from dogcam.core import downloads
from dogcam.core.downloads import require_reachable
from dogcam.core.errors import Unavailable

REMEDY = "Put it at /some/where, or run: dogcam demo"


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with the status that the path names; /moved leads to /200."""

    asked: list[tuple[str, str]]

    def do_HEAD(self):
        self.asked.append((self.command, self.path))
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/200")
        else:
            status = self.path.rsplit("/", 1)[1]
            self.send_response(int(status) if status.isdigit() else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD  # noqa: N815

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    handler = type("Remembering", (Handler,), {"asked": []})
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    running.url = f"http://127.0.0.1:{running.server_port}"
    running.asked = handler.asked
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@pytest.fixture
def refused():
    """A port where nobody listens, and which nobody else can take meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture
def silent():
    """A port that takes a connection and says nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


@pytest.fixture
def garbled():
    """A port that answers what is no HTTP."""
    listening = socket.create_server(("127.0.0.1", 0))

    def answer():
        connection, _ = listening.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(b"220 mail.example ready\r\n")

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    yield listening.getsockname()[1]
    listening.close()
    thread.join(5)


def error_of(url):
    with pytest.raises(Unavailable) as caught:
        require_reachable(url, REMEDY)
    text = str(caught.value)
    assert text.startswith(f"cannot fetch {url} (")
    assert text.endswith(f"). {REMEDY}")
    assert "\n" not in text
    return text


def test_a_file_that_is_there_is_asked_for_once_and_not_fetched(server):
    assert require_reachable(f"{server.url}/200", REMEDY) is None
    assert server.asked == [("HEAD", "/200")]


def test_a_file_that_moved_is_followed(server):
    require_reachable(f"{server.url}/moved", REMEDY)
    assert [path for _, path in server.asked] == ["/moved", "/200"]


@pytest.mark.parametrize("status", [405, 501])
def test_a_server_that_does_not_know_the_question_is_there_all_the_same(server, status):
    require_reachable(f"{server.url}/{status}", REMEDY)
    assert server.asked == [("HEAD", f"/{status}")]


@pytest.mark.parametrize(("status", "said"), [(404, "HTTP 404 Not Found"), (403, "HTTP 403"), (503, "HTTP 503")])
def test_a_refusal_is_told_by_its_number(server, status, said):
    assert said in error_of(f"{server.url}/{status}")


def test_a_port_where_nobody_listens(refused):
    start = time.monotonic()
    assert "refused" in error_of(f"http://127.0.0.1:{refused}/file")
    assert time.monotonic() - start < 3


def test_a_server_that_never_answers_is_given_up(silent, monkeypatch):
    monkeypatch.setattr(downloads, "PATIENCE_SECONDS", 0.3)
    start = time.monotonic()
    text = error_of(f"http://127.0.0.1:{silent}/file")
    assert 0.2 < time.monotonic() - start < 3
    assert "no answer within 0.3 seconds" in text or "timed out" in text


def test_a_name_that_is_never_found_is_given_up(monkeypatch):
    """Looking up a name knows no time limit."""
    released = threading.Event()

    def getaddrinfo(*arguments, **options):
        released.wait(20)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(downloads, "PATIENCE_SECONDS", 0.2)
    start = time.monotonic()
    text = error_of("http://example.invalid/file")
    released.set()
    assert time.monotonic() - start < 3
    assert "no answer within 0.2 seconds" in text


def test_a_name_that_does_not_resolve(monkeypatch):
    def getaddrinfo(*arguments, **options):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    assert "Name or service not known" in error_of("http://example.invalid/file")


def test_an_answer_that_is_no_http(garbled):
    assert "220 mail.example ready" in error_of(f"http://127.0.0.1:{garbled}/file")


def test_an_error_without_words_is_still_an_error(monkeypatch):
    def wordless(*arguments, **options):
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", wordless)
    assert "(OSError)" in error_of("http://127.0.0.1/file")


@pytest.mark.parametrize("url", ["nonsense", "gs://bucket/file", "http://[broken/file"])
def test_an_address_that_cannot_be_asked(url):
    error_of(url)


def test_the_proxy_of_the_environment_is_asked(server, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url)
    require_reachable("http://example.invalid/200", REMEDY)
    assert server.asked == [("HEAD", "http://example.invalid/200")]
    assert "HTTP 404" in error_of("http://example.invalid/404")


def test_no_proxy_for_a_host_that_is_excepted(server, refused, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{refused}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    require_reachable(f"{server.url}/200", REMEDY)
    assert server.asked == [("HEAD", "/200")]


def test_a_proxy_that_is_not_there_is_no_network(refused, monkeypatch):
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{refused}")
    assert "refused" in error_of("https://example.invalid/file")


def test_a_local_file_is_reachable_while_it_is_there(tmp_path):
    path = tmp_path / "images.tar"
    path.write_bytes(b"x")
    require_reachable(path.as_uri(), REMEDY)
    path.unlink()
    assert "No such file" in error_of(path.as_uri())


def test_patience_leaves_time_for_the_rest_of_fifteen_seconds():
    """TensorFlow takes up to five seconds to import, and the program starts in one."""
    assert 3 <= downloads.PATIENCE_SECONDS <= 8
