"""The least that a client can do: pages through ListAliases over one connection and looks at nothing but the marker"""

import http.client
import json
import re
import time
from urllib.parse import urlsplit

from figures import CannotRun
from worlds import HOME, REGION

MARKER = re.compile(rb'"NextMarker":\s*"([^"]+)"')


def call(connection, operation, body):
    """One request; nobody checks its signature"""
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"TrentService.{operation}",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={HOME}/20260101/{REGION}/kms/aws4_request, SignedHeaders=host, Signature=0",
    }
    connection.request("POST", "/", json.dumps(body), headers)
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != 200:
        raise CannotRun(f"{operation} is answered with {answer.status}: {content[:500]!r}")
    return content


def connect(url):
    return http.client.HTTPConnection(urlsplit(url).netloc)


def page_through(url):
    """How long it takes to list all aliases so, and how many pages there are"""
    connection, began, pages, marker = connect(url), time.monotonic(), 0, {}
    while marker is not None:
        found = MARKER.search(call(connection, "ListAliases", {"Limit": 100} | marker))
        marker = {"Marker": found[1].decode()} if found else None
        pages += 1
    connection.close()
    return time.monotonic() - began, pages
