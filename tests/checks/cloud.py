"""What the jobs of the checks speak with: the embedded sandbox as AWS, and a server that keeps comments as GitHub and GitLab do

The sandbox is asked with Amazon's own client what is there: our program's word for what it has written is not enough.
"""

import http.server
import json
import re
import subprocess
import threading
import urllib.parse

import boto3

from program import PROGRAM

ACCOUNT, REGION = "111122223333", "us-east-1"
# Of a job that may write comments, and of one that may only read
WRITES, READS = "token-that-writes-0123456789", "token-that-reads-0123456789"
ID_TOKEN = "the-token-of-this-job"


class Sandbox:
    """AWS, until the end of the test"""

    def __init__(self, test, *flags):
        command = [PROGRAM, "sandbox", "--port", "0", *flags]
        environment = test.environment()
        self.process = subprocess.Popen(
            command, cwd=test.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        test.addCleanup(self.stop)
        self.url = self.process.stdout.readline().strip()
        keys = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "sandbox"}
        self.kms = boto3.client("kms", endpoint_url=self.url, region_name=REGION, **keys)
        test.addCleanup(self.kms.close)

    def stop(self):
        self.process.kill()
        self.process.communicate()

    def aliases(self):
        """Where each alias points, without AWS's own"""
        pages = self.kms.get_paginator("list_aliases").paginate()
        live = [alias for page in pages for alias in page["Aliases"]]
        return {alias["AliasName"]: alias["TargetKeyId"] for alias in live if not alias["AliasName"].startswith("alias/aws/")}


class Server:
    """GitHub at /, GitLab below /api/v4, and the exchange of a job's token for AWS's at /sts"""

    def __init__(self, test):
        self.comments = {}  # by the path of their list
        self.merged = {}  # what the servers answer about a commit
        self.roles = []  # that were assumed with the token of a job
        keeper = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                length = int(self.headers.get("content-length", 0))
                status, body = keeper.answer(self.command, self.path, self.headers, self.rfile.read(length))
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PATCH = do_PUT = answer

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        test.addCleanup(thread.join)
        test.addCleanup(server.server_close)
        test.addCleanup(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_port}"

    def bodies(self):
        """The text of every comment"""
        return [comment["body"] for comments in self.comments.values() for comment in comments]

    def answer(self, method, path, headers, body):
        path = path.partition("?")[0]
        if path == "/sts/":
            return self.exchange(dict(urllib.parse.parse_qsl(body.decode())))
        token = headers.get("private-token") or headers.get("authorization", "").removeprefix("Bearer ")
        status, answer = self.forge(method, path, token, json.loads(body or b"null"))
        return status, json.dumps(answer).encode()

    def forge(self, method, path, token, body):
        if token not in (WRITES, READS):
            return 401, {"message": "Bad credentials"}
        if method != "GET" and path != "/graphql" and token != WRITES:
            return 403, {"message": "Resource not accessible by integration"}
        if path == "/user":  # the token of a job at GitHub is no user's
            return 403, {"message": "Resource not accessible by integration"}
        if path == "/graphql":
            return 200, {"data": {"viewer": {"login": "github-actions[bot]"}}}
        if path == "/api/v4/user":
            return 200, {"id": 1, "username": "project_42_bot"}
        if path in self.merged:
            return 200, self.merged[path]
        if edited := re.fullmatch(r"(/repos/[^/]+/[^/]+/issues/)comments/(\d+)|(/api/v4/.*/notes)/(\d+)", path):
            number = int(edited[2] or edited[4])
            comment = next(one for comments in self.comments.values() for one in comments if one["id"] == number)
            comment["body"] = body["body"]
            return 200, comment
        if not re.fullmatch(r"/repos/o/r/issues/7/comments|/api/v4/projects/42/merge_requests/8/notes", path):
            return 404, {"message": "Not Found"}
        comments = self.comments.setdefault(path, [])
        if method == "GET":
            return 200, comments
        me = {"id": 1, "login": "github-actions[bot]", "username": "project_42_bot"}
        comments.append({"id": 1000 + len(comments), "user": me, "author": me, "system": False, "body": body["body"]})
        return 201, comments[-1]

    def exchange(self, asked):
        """AssumeRoleWithWebIdentity, which the sandbox does not have"""
        if asked["Action"] != "AssumeRoleWithWebIdentity" or asked["WebIdentityToken"] != ID_TOKEN:
            return 403, b"<ErrorResponse><Error><Code>InvalidIdentityToken</Code></Error></ErrorResponse>"
        self.roles.append(asked["RoleArn"])
        given = f"<AccessKeyId>{ACCOUNT}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
        given = f"<Credentials>{given}<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
        name = "AssumeRoleWithWebIdentity"
        answer = f'<{name}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{name}Result>{given}</{name}Result></{name}Response>'
        return 200, answer.encode()
