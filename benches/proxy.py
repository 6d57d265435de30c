"""A reverse proxy on loopback that counts the calls by operation, so that nobody has to believe a client about them"""

import http.client
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

# Of the connection between two neighbours, or written anew by the server
HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "server", "date"}


class Counted:
    """A proxy before the server at `url`, for as long as the `with`"""

    def __init__(self, url):
        self.behind, self.calls = urlsplit(url).netloc, Counter()

    def __enter__(self):
        # each connection has a thread, and so a handler, of its own
        handler = type("Counting", (Handler,), {"counted": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def take(self):
        """The calls since the last time it was asked"""
        calls, self.calls = self.calls, Counter()
        return calls


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.behind = http.client.HTTPConnection(self.counted.behind)

    def finish(self):
        super().finish()
        self.behind.close()

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.counted.calls[operation(self.headers, body)] += 1
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
        self.behind.request("POST", self.path, body, headers)
        answer = self.behind.getresponse()
        content = answer.read()
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def operation(headers, body):
    """By the header of JSON 1.1, or by the form of STS"""
    target = headers.get("X-Amz-Target")
    if target:
        return target.rpartition(".")[2]
    return parse_qs(body.decode(errors="replace")).get("Action", ["?"])[0]
