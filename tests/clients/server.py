"""A server of its own for each test, and what a test asks of it."""

import http.client
import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import time

TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", pathlib.Path.home() / ".cache/skywarden/target"))
BINARY = os.environ.get("SKYWARDEN_BIN", str(TARGET / "debug/skywarden"))
PASSWORD = "correct horse battery 1"
ACCOUNT = "111122223333"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def event(number, name="DescribeInstances"):
    """A CloudTrail record as a line."""
    return json.dumps({
        "eventVersion": "1.09", "eventID": f"{number:08x}-0000-4000-8000-{ACCOUNT}", "eventTime": "2026-11-24T00:00:00Z",
        "eventSource": "ec2.amazonaws.com", "eventName": name, "awsRegion": "eu-west-1", "recipientAccountId": ACCOUNT,
        "sourceIPAddress": "203.0.113.9", "userAgent": "tests", "eventType": "AwsApiCall", "eventCategory": "Management",
        "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/m", "accountId": ACCOUNT, "userName": "m"},
        "requestParameters": None, "responseElements": None, "readOnly": True, "managementEvent": True,
    }, separators=(",", ":"))


def wait(what, is_so, seconds=60):
    deadline = time.time() + seconds
    while time.time() < deadline:
        if is_so():
            return
        time.sleep(0.1)
    raise AssertionError(f"not so after {seconds} s: {what}")


class Server:
    def __init__(self, data, *flags, ca=None, env=None):
        self.port = free_port()
        self.ca = ca
        command = [BINARY, "serve", "--data", str(data), "--listen", f"127.0.0.1:{self.port}", "--commit-after-s", "1", *flags]
        self.log = open(pathlib.Path(data).parent / f"log-{self.port}", "w+")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, env={**os.environ, **(env or {})})
        wait("the server answers", self.answers)
        self.token = None

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended: {self.said()}")
        try:
            return self.call("GET", "/healthz")[0] == 200
        except OSError:
            return False

    def said(self):
        self.log.flush()
        return pathlib.Path(self.log.name).read_text()

    @property
    def url(self):
        return f"{'https' if self.ca else 'http'}://127.0.0.1:{self.port}"

    def call(self, method, path, body=None, headers=None):
        if self.ca:
            context = ssl.create_default_context(cafile=self.ca)
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=context)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {"content-type": "application/json", **(headers or {})}
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, text, dict(answer.getheaders())

    def with_admin(self):
        """Makes the first admin and a token of its."""
        secret = re.search(r"/setup#([0-9a-f]+)", self.said()).group(1)
        assert self.call("POST", "/api/v1/setup", {"secret": secret, "name": "admin", "password": PASSWORD})[0] == 204
        status, body, headers = self.call("POST", "/api/v1/session", {"name": "admin", "password": PASSWORD})
        assert status == 200, body
        cookie = next(value for name, value in headers.items() if name.lower() == "set-cookie").split(";")[0]
        self.session = {"cookie": cookie, "x-skywarden-csrf": json.loads(body)["csrf"]}
        self.token = self.make_token("tests", "admin")
        return self

    def make_token(self, name, role):
        status, body, _ = self.call("POST", "/api/v1/tokens", {"name": name, "role": role}, self.session)
        assert status in (200, 201), body
        return json.loads(body)["secret"]

    def get(self, path):
        status, body, _ = self.call("GET", path, headers={"authorization": f"Bearer {self.token}"})
        assert status == 200, body
        return json.loads(body)

    def ids(self):
        """The ids of all events in the lake, with repetitions if there are any."""
        headers = {"authorization": f"Bearer {self.token}"}
        query = {"text": "SELECT eventID FROM cloudtrail ORDER BY eventID", "lang": "sql"}
        status, body, _ = self.call("POST", "/api/v1/queries?wait_s=20", query, headers)
        assert status in (200, 201, 202), body
        job = json.loads(body)
        assert job.get("error") is None, job
        rows = self.call("GET", f"/api/v1/queries/{job['id']}/rows", headers=headers)[1].decode().splitlines()
        return [int(json.loads(row)["eventID"][:8], 16) for row in rows]

    def holds(self, numbers):
        wait(f"events {numbers} are in the lake, once", lambda: self.ids() == list(numbers))

    def stop(self):
        self.process.terminate()
        assert self.process.wait(timeout=60) == 0, self.said()
        self.log.close()
