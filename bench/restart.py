#!/usr/bin/env python3
"""How long a server takes to be there again with a gigabyte of deliveries that it had not yet taken in, and what memory that takes.

    bench/restart.py BINARY [--bytes 1073741824] [--out FILE]

Deliveries are sent faster than they are taken in until the log holds as much, the server is killed, and begun again. Only the standard library.
"""

import argparse
import json
import os
import pathlib
import subprocess
import threading
import time

from serve import call, cpu, first_admin, marker, measured, status


def begin(binary, data):
    server = subprocess.Popen([binary, "serve", "--data", data, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    address = server.stdout.readline().split("http://")[1].strip().rstrip("/")
    return server, address


def wal_bytes(data):
    return sum(path.stat().st_size for path in (data / "log").rglob("*") if path.is_file())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--bytes", type=int, default=1 << 30)
    parser.add_argument("--out")
    args = parser.parse_args()
    measured(args, "restart-bench-", run)


def run(args, folder):
    data = folder / "data"
    server, address = begin(args.binary, data)
    lines = [server.stdout.readline() for _ in range(2)]
    auth = first_admin(address, lines[1].split("#")[1].strip())
    sent, full, number = [0], threading.Event(), iter(range(1 << 40))

    def blast():
        while not full.is_set():
            n = next(number)
            body = "\n".join(marker(1)[1].replace("marker-1", f"{n:08x}-{k:06}") for k in range(5_000)).encode()
            try:
                if call(address, "POST", "/api/v1/ingest", body, auth)[0] == 200:
                    sent[0] += 5_000
            except OSError:
                return

    threads = [threading.Thread(target=blast) for _ in range(3)]
    for thread in threads:
        thread.start()
    deadline = time.time() + 240
    while time.time() < deadline:
        try:
            log = json.loads(call(address, "GET", "/api/v1/status", headers=auth)[1])["log"]
        except OSError:
            break
        if log["bytes"] >= args.bytes:
            break
        time.sleep(0.2)
    server.kill()
    full.set()
    for thread in threads:
        thread.join()
    held = wal_bytes(data)
    at = time.time()
    server, address = begin(args.binary, data)
    ready, ready_peak = time.time() - at, status(server.pid, "VmHWM")
    while True:
        log = json.loads(call(address, "GET", "/api/v1/status", headers=auth)[1])["log"]
        if log["committed"] == log["durable"]:
            break
        time.sleep(0.5)
    settled = time.time() - at
    peak = status(server.pid, "VmHWM")
    ledger = json.loads(call(address, "GET", "/api/v1/ledger", headers=auth)[1])
    trail = next(entry for entry in ledger if entry["source"] == "aws_cloudtrail")
    used = cpu(server.pid)
    server.terminate()
    server.wait(timeout=60)
    return {
        "log_bytes": held, "ready_s": round(ready, 2), "ready_peak_rss_mb": ready_peak, "settled_s": round(settled, 1),
        "settled_peak_rss_mb": peak, "cpu_s": round(used, 1), "acknowledged": sent[0], "lake": trail["lake"], "balanced": trail["balanced"],
        "lost": max(0, sent[0] - trail["lake"]),
    }


if __name__ == "__main__":
    main()
