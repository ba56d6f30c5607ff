#!/usr/bin/env python3
"""The server under load: events at a steady rate over HTTP with all rules, and how long acknowledgements and findings take.

    bench/serve.py BINARY [--rate 20000] [--seconds 60] [--out FILE]

Logs are made by the binary's own generator, a body for each of its files. A marker event goes in every second: an act that our rules call
critical, in an account of its own, so that its finding tells when it was seen. Only the standard library is needed.
"""

import argparse
import gzip
import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import time


def percentile(values, share):
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 1) if ordered else None


def call(address, method, path, body=None, headers=()):
    connection = http.client.HTTPConnection(address, timeout=120)
    connection.request(method, path, body, dict(headers))
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, data, dict(answer.getheaders())


def first_admin(address, secret):
    """Makes the first admin; the header of a token of its."""
    plain = {"content-type": "application/json"}
    call(address, "POST", "/api/v1/setup", json.dumps({"secret": secret, "name": "bench", "password": "bench bench bench"}), plain)
    _, body, headers = call(address, "POST", "/api/v1/session", json.dumps({"name": "bench", "password": "bench bench bench"}), plain)
    session = {"cookie": headers["set-cookie"].split(";")[0], "x-skywarden-csrf": json.loads(body)["csrf"], **plain}
    token = json.loads(call(address, "POST", "/api/v1/tokens", json.dumps({"name": "b", "role": "admin"}), session)[1])["secret"]
    return {"authorization": f"Bearer {token}"}


def measured(args, prefix, run):
    """Runs in a folder of its own, and prints and keeps what came of it."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix=prefix))
    try:
        result = run(args, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    text = json.dumps(result, indent=1)
    print(text)
    if args.out:
        pathlib.Path(args.out).write_text(text + "\n")


def marker(number):
    account = f"{900000000000 + number:012}"
    return account, json.dumps({
        "eventVersion": "1.09", "eventID": f"marker-{number}", "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "eventSource": "cloudtrail.amazonaws.com", "eventName": "StopLogging", "awsRegion": "eu-west-1", "recipientAccountId": account,
        "sourceIPAddress": "203.0.113.9", "userAgent": "bench", "eventType": "AwsApiCall", "eventCategory": "Management",
        "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::{account}:user/m", "accountId": account, "userName": "m"},
        "requestParameters": {"name": "main"}, "responseElements": None, "readOnly": False, "managementEvent": True,
    })


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--out")
    args = parser.parse_args()
    measured(args, "serve-bench-", run)


ROUND_SECONDS = 60


def bodies(args, folder):
    """Files of the generator, put together to bodies of about a quarter second each. What is longer than a minute is the same minute again,
    with ids of its own."""
    seconds = min(args.seconds, ROUND_SECONDS)
    subprocess.run([args.binary, "generate", folder / "logs", "--events", str(args.rate * seconds), "--flows", "1"], check=True, stdout=subprocess.DEVNULL)
    paths = sorted((folder / "logs").rglob("*CloudTrail*.json.gz"))
    # The generator delivers some events twice, as AWS does; here each counts.
    texts, batch, known = [], [], set()
    for path in paths:
        records = json.loads(gzip.decompress(path.read_bytes()))["Records"]
        new = {record["eventID"]: record for record in records if record["eventID"] not in known}
        known.update(new)
        batch.extend(json.dumps(record, separators=(",", ":")) for record in new.values())
        while len(batch) >= args.rate // 4:
            texts.append("\n".join(batch[: args.rate // 4]).encode())
            batch = batch[args.rate // 4 :]
    out = []
    for number in range(args.seconds * 4):
        text = texts[number % len(texts)]
        if number >= len(texts):
            text = text.replace(b'"eventID":"', b'"eventID":"%03d-' % (number // len(texts)))
        out.append(gzip.compress(text, 1))
    return out, len(out) * (args.rate // 4)


def run(args, folder):
    sent, n_events = bodies(args, folder)
    data = folder / "data"
    server = subprocess.Popen([args.binary, "serve", "--data", data, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    lines = [server.stdout.readline() for _ in range(3)]
    address = lines[0].split("http://")[1].strip().rstrip("/")
    secret = lines[2].split("#")[1].strip()
    auth = first_admin(address, secret)

    seen, stopped = {}, threading.Event()

    def listen():
        connection = http.client.HTTPConnection(address, timeout=300)
        connection.request("GET", "/api/v1/stream", headers=auth)
        stream = connection.getresponse()
        while not stopped.is_set():
            line = stream.readline()
            if line.startswith(b"data: "):
                finding = json.loads(line[6:])
                if finding["severity_id"] == 5:
                    seen.setdefault(finding["account"], time.time())

    threading.Thread(target=listen, daemon=True).start()
    time.sleep(1)
    idle_cpu = cpu(server.pid)
    time.sleep(5)
    idle = {"rss_mb": status(server.pid, "VmRSS"), "cpu_share": round((cpu(server.pid) - idle_cpu) / 5, 4)}

    acks, refused, markers = [], 0, {}
    begin, begin_cpu = time.time(), cpu(server.pid)

    def mark(number):
        account, event = marker(number)
        markers[account] = time.time()
        call(address, "POST", "/api/v1/ingest", event, auth)

    def post(body):
        nonlocal refused
        at = time.time()
        while call(address, "POST", "/api/v1/ingest", body, auth)[0] != 200:
            refused += 1
            time.sleep(0.2)
        acks.append((time.time() - at) * 1000)

    threads = []
    for number, body in enumerate(sent):
        pause = begin + number / 4 - time.time()
        if pause > 0:
            time.sleep(pause)
        new = [threading.Thread(target=post, args=(body,))]
        if number % 4 == 0:
            new.append(threading.Thread(target=mark, args=(number,)))
        for thread in new:
            thread.start()
        threads += new
    for thread in threads:
        thread.join()
    took = time.time() - begin
    deadline = time.time() + 120
    while time.time() < deadline:
        log = json.loads(call(address, "GET", "/api/v1/status", headers=auth)[1])["log"]
        if log["committed"] == log["durable"]:
            break
        time.sleep(0.5)
    settled = time.time() - begin
    used = cpu(server.pid) - begin_cpu
    time.sleep(2)
    ledger = json.loads(call(address, "GET", "/api/v1/ledger", headers=auth)[1])
    peak = status(server.pid, "VmHWM")
    stopped.set()
    stop = time.time()
    server.send_signal(signal.SIGTERM)
    server.wait(timeout=120)
    stopped_after = time.time() - stop
    delays = [(seen[account] - at) * 1000 for account, at in markers.items() if account in seen]
    trail = next(entry for entry in ledger if entry["source"] == "aws_cloudtrail")
    return {
        "events": n_events, "markers": len(markers), "rate_asked": args.rate, "rate": round(n_events / took), "seconds": round(took, 1),
        "settled_after_s": round(settled - took, 1),
        "ack_ms": {"p50": percentile(acks, 0.5), "p99": percentile(acks, 0.99), "max": percentile(acks, 1)}, "refused": refused,
        "finding_ms": {"p50": percentile(delays, 0.5), "p99": percentile(delays, 0.99), "max": percentile(delays, 1), "seen": len(delays)},
        "cpu_s": round(used, 1), "events_per_cpu_s": round(n_events / used), "peak_rss_mb": peak, "stopped_after_s": round(stopped_after, 1), "idle": idle, "ledger": trail,
        "lost": n_events + len(markers) - trail["lake"],
    }


def cpu(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def status(pid, name):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) // 1024
    return None


if __name__ == "__main__":
    main()
