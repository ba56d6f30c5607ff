"""awscli and boto3 write to a bucket and a queue of a local server, and Skywarden takes what is there."""

import gzip
import json
import os
import subprocess
import sys

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer

from server import event, free_port, wait

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "eu-west-1"}
PREFIX = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/24/"


@pytest.fixture
def cloud(monkeypatch):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    port = free_port()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    # What an earlier test made is kept in this process.
    requests.post(f"http://127.0.0.1:{port}/moto-api/reset", timeout=10).raise_for_status()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    yield f"http://127.0.0.1:{port}"
    server.stop()


def trail(path, numbers):
    path.write_bytes(gzip.compress(('{"Records":[' + ",".join(event(number) for number in numbers) + "]}").encode()))
    return path


def aws(*words):
    done = subprocess.run([sys.executable, "-m", "awscli", "--endpoint-url", os.environ["AWS_ENDPOINT_URL"], *words], capture_output=True, text=True, env={**os.environ})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout.strip().startswith("{") else done.stdout


def test_a_bucket_that_awscli_fills(serve, cloud, tmp_path):
    aws("s3", "mb", "s3://trails")
    for n in range(5):
        trail(tmp_path / f"t{n}.json.gz", range(n * 10, n * 10 + 10))
    aws("s3", "cp", str(tmp_path), f"s3://trails/{PREFIX}", "--recursive", "--exclude", "*", "--include", "t*.json.gz")
    server = serve("--bucket", "s3://trails/AWSLogs/")
    server.holds(range(50))
    aws("s3", "cp", str(trail(tmp_path / "t9.json.gz", range(50, 60))), f"s3://trails/{PREFIX}later.json.gz")
    assert server.get("/api/v1/status")["feeds"], "the bucket is told of"


def test_a_queue_that_tells_of_objects(serve, cloud, tmp_path):
    aws("s3", "mb", "s3://trails")
    queue = aws("sqs", "create-queue", "--queue-name", "new-objects", "--output", "json")["QueueUrl"]
    arn = aws("sqs", "get-queue-attributes", "--queue-url", queue, "--attribute-names", "QueueArn", "--output", "json")["Attributes"]["QueueArn"]
    wanted = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
    aws("s3api", "put-bucket-notification-configuration", "--bucket", "trails", "--notification-configuration", json.dumps(wanted))
    server = serve("--queue", queue)
    aws("s3", "cp", str(trail(tmp_path / "a.json.gz", range(10))), f"s3://trails/{PREFIX}a.json.gz")
    boto3.client("s3").upload_file(str(trail(tmp_path / "b.json.gz", range(10, 20))), "trails", f"{PREFIX}b.json.gz")
    server.holds(range(20))
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def is_empty():
        told = boto3.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=counts)["Attributes"]
        return all(int(told[name]) == 0 for name in counts)

    wait("the queue is empty", is_empty)
