#!/usr/bin/env python3
"""Measures ingest, size and queries of the lake side by side with DuckDB and chDB on the same files, into bench/runs/<date>-<machine>-lake/.

Needs a Python with duckdb and chdb: it makes one under the target folder from bench/lake-requirements.txt."""
import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", pathlib.Path.home() / ".cache/skywarden/target"))

# Ours in Logs Insights QL, theirs in SQL over the same Parquet files; {trail} and {flow} are the files, the rest is picked from the data.
QUERIES = [
    ("failed logins by address",
     "SOURCE 'cloudtrail' | filter eventName = 'ConsoleLogin' and responseElements.ConsoleLogin = 'Failure' | stats count(*) as n by sourceIPAddress | sort n desc | limit 100",
     "SELECT sourceIPAddress, count(*) n FROM {trail} WHERE api_operation = 'ConsoleLogin' AND responseElements['ConsoleLogin'] = 'Failure' GROUP BY 1 ORDER BY n DESC LIMIT 100"),
    ("all of a principal",
     "SOURCE 'cloudtrail' | filter userIdentity.arn = '{arn}' | stats count(*) as n by eventName | sort n desc",
     "SELECT api_operation, count(*) n FROM {trail} WHERE actor_user_uid = '{arn}' GROUP BY 1 ORDER BY n DESC"),
    ("needle: address",
     "SOURCE 'cloudtrail' | filter sourceIPAddress = '{ip}' | stats count(*) as n, min(eventTime) as first, max(eventTime) as last",
     "SELECT count(*), min(eventTime), max(eventTime) FROM {trail} WHERE sourceIPAddress = '{ip}'"),
    ("needle: access key",
     "SOURCE 'cloudtrail' | filter userIdentity.accessKeyId = '{key}' | fields eventTime, eventName, sourceIPAddress | limit 100000",
     "SELECT eventTime, api_operation, sourceIPAddress FROM {trail} WHERE userIdentity_accessKeyId = '{key}'"),
    ("needle: event id",
     "SOURCE 'cloudtrail' | filter eventID = '{id}' | fields eventTime, eventName, @message",
     "SELECT eventTime, api_operation, raw FROM {trail} WHERE metadata_uid = '{id}'"),
    ("group by a JSON path",
     "SOURCE 'cloudtrail' | stats count(*) as n by requestParameters.bucketName | sort n desc | limit 100",
     "SELECT requestParameters['bucketName'], count(*) n FROM {trail} GROUP BY 1 ORDER BY n DESC LIMIT 100"),
    ("regex over the record",
     "SOURCE 'cloudtrail' | filter @message like /(?i)secret[a-z]*:prod/ | stats count(*) as n",
     "SELECT count(*) FROM {trail} WHERE regexp_matches(raw, '(?i)secret[a-z]*:prod')"),
    ("hourly bins",
     "SOURCE 'cloudtrail' | stats count(*) as n by bin(1h) as t, eventName | sort n desc | limit 100",
     "SELECT time_bucket(INTERVAL 1 hour, time_dt AT TIME ZONE 'UTC') t, api_operation, count(*) n FROM {trail} GROUP BY 1, 2 ORDER BY n DESC LIMIT 100"),
    ("top talkers",
     "SOURCE 'vpc' | stats sum(bytes) as b by srcAddr, dstAddr | sort b desc | limit 20",
     "SELECT srcaddr, dstaddr, sum(traffic_bytes) b FROM {flow} GROUP BY 1, 2 ORDER BY b DESC LIMIT 20"),
    ("distinct counts",
     "SOURCE 'cloudtrail' | stats count_distinct(userIdentity.arn) as arns, count_distinct(sourceIPAddress) as ips",
     "SELECT count(DISTINCT actor_user_uid), count(DISTINCT sourceIPAddress) FROM {trail}"),
]


def main():
    args = arguments()
    work = pathlib.Path(tempfile.mkdtemp(prefix="lake-bench-", dir=args.work))
    try:
        raw = measure(args, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    out = args.out or HERE / "runs" / f"{raw['date']}-{raw['machine']}-lake"
    out.mkdir(parents=True, exist_ok=True)
    (out / "raw.json").write_text(json.dumps(raw, indent=1) + "\n")
    (out / "summary.md").write_text(summary(raw))
    print(out / "summary.md")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="CloudTrail events (%(default)s), twice as many flow rows")
    parser.add_argument("--repetitions", type=int, default=3, help="runs of each query (%(default)s)")
    parser.add_argument("--skywarden", type=pathlib.Path, default=TARGET / "release/skywarden")
    parser.add_argument("--work", type=pathlib.Path, default=None, help="where the lake is made; a folder with room")
    parser.add_argument("--out", type=pathlib.Path)
    return parser.parse_args()


def python():
    venv = TARGET / "bench-venv"
    if not (venv / "bin/python").exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        subprocess.run([venv / "bin/pip", "install", "--quiet", "-r", HERE / "lake-requirements.txt"], check=True)
    return venv / "bin/python"


def run(command, stdout=subprocess.DEVNULL):
    """CPU seconds and peak memory of a process, as the kernel counts them."""
    start = time.monotonic()
    child = subprocess.Popen([str(part) for part in command], stdout=stdout, stderr=subprocess.PIPE)
    err = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, 4):
        sys.exit(f"{' '.join(map(str, command))} ended with {code}\n{err.decode(errors='replace')}")
    return {"cpu_s": round(usage.ru_utime + usage.ru_stime, 3), "wall_s": round(time.monotonic() - start, 2), "rss_mb": round(usage.ru_maxrss / 1024)}


def size(folder, suffix=""):
    return sum(path.stat().st_size for path in pathlib.Path(folder).rglob("*" + suffix) if path.is_file())


def measure(args, work):
    sys.path.insert(0, str(HERE))
    import corpora
    trail, flows = corpora.generated(args.skywarden, args.events)
    # A rule for a log that is not there: as good as none.
    empty = work / "no-rules"
    empty.mkdir()
    (empty / "none.yml").write_text("title: none\nid: 00000000-0000-4000-8000-000000000000\nlogsource: {product: none}\ndetection: {a: {b: c}, condition: a}\nlevel: low\n")
    ingests = []
    for name, paths, rules in [("CloudTrail, no rules", trail.paths, ["--only-rules", empty]), ("CloudTrail, our rules", trail.paths, []), ("flow logs, our rules", flows.paths, [])]:
        lake = work / f"lake-{len(ingests)}"
        figures = run([args.skywarden, "ingest", "--quiet", "--threads", "1", "--lake", lake, *rules, *paths])
        status = json.loads(subprocess.run([args.skywarden, "lake", "status", "--format", "json", "--lake", lake], check=True, capture_output=True).stdout)
        rows = sum(entry["lake"] for entry in status)
        packed = sum(size(path) if pathlib.Path(path).is_dir() else pathlib.Path(path).stat().st_size for path in paths)
        data = size(lake / ("aws_vpc_flow" if "flow" in name else "aws_cloudtrail") / "data", ".parquet")
        ingests.append({"what": name, **figures, "rows": rows, "per_cpu_s": round(rows / figures["cpu_s"]), "packed_bytes": packed, "lake_bytes": data, "ratio": round(data / packed, 3)})
        print(ingests[-1], file=sys.stderr)
        if len(ingests) < 2:
            shutil.rmtree(lake)
    lake = work / "lake-1"
    run([args.skywarden, "ingest", "--quiet", "--lake", lake, *flows.paths])
    shutil.rmtree(work / "lake-2")
    compact = run([args.skywarden, "lake", "compact", "--lake", lake])
    run([args.skywarden, "lake", "expire", "--keep", "1", "--age", "0", "--lake", lake])
    data = size(lake / "aws_cloudtrail/data", ".parquet")
    compact |= {"lake_bytes": data, "ratio": round(data / ingests[1]["packed_bytes"], 3)}
    return {"date": str(datetime.date.today()), "machine": machine(), "events": args.events, "ingest": ingests, "compact": compact, "queries": queries(args, lake)}


def machine():
    model = next((line.split(":")[1] for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    return re.sub(r"[^a-z0-9]+", "-", " ".join(model.lower().split()[:2])).strip("-") + f"-{os.cpu_count()}c"


# One query in a warm process, as often as asked; prints the best CPU seconds and the number of rows.
DUCKDB = """
import duckdb, json, sys, time
files, sql, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
con = duckdb.connect(); con.sql("SET threads=2"); con.sql("SET TimeZone='UTC'")
best = 1e9
for _ in range(n):
    t = time.process_time(); rows = con.sql(sql).fetchall(); best = min(best, time.process_time() - t)
print(json.dumps({"cpu_s": best, "rows": len(rows)}))
"""


def queries(args, lake):
    trail = f"read_parquet('{lake}/aws_cloudtrail/data/*/*.parquet')"
    flow = f"read_parquet('{lake}/aws_vpc_flow/data/*/*.parquet')"
    picked = json.loads(subprocess.run([python(), "-c", f"""
import duckdb, json
row = duckdb.sql("SELECT actor_user_uid, sourceIPAddress, userIdentity_accessKeyId, metadata_uid FROM {trail} WHERE userIdentity_accessKeyId IS NOT NULL AND actor_user_uid IS NOT NULL ORDER BY metadata_uid LIMIT 1").fetchone()
print(json.dumps(dict(zip(['arn', 'ip', 'key', 'id'], row))))"""], check=True, capture_output=True, text=True).stdout)
    out = []
    for name, ql, sql in QUERIES:
        fill = lambda text: text.replace("{trail}", trail).replace("{flow}", flow).replace("{arn}", picked["arn"]).replace("{ip}", picked["ip"]).replace("{key}", picked["key"]).replace("{id}", picked["id"])
        ours = min((run([args.skywarden, "query", fill(ql), "--format", "jsonl", "--lake", lake]) for _ in range(args.repetitions)), key=lambda one: one["cpu_s"])
        told = subprocess.run([python(), "-c", DUCKDB, "", fill(sql), str(args.repetitions)], check=True, capture_output=True, text=True).stdout
        # Before it may stand a progress bar.
        theirs = json.loads(told[told.rindex('{'):])
        out.append({"what": name, "skywarden_cpu_s": ours["cpu_s"], "skywarden_rss_mb": ours["rss_mb"], "duckdb_cpu_s": round(theirs["cpu_s"], 3), "ratio": round(ours["cpu_s"] / max(theirs["cpu_s"], 0.001), 2)})
        print(out[-1], file=sys.stderr)
    return out


def summary(raw):
    lines = [f"# The lake, {raw['events']:,} generated CloudTrail events", "", "CPU seconds of whole processes; ingest with one thread. Machines are shared: compare ratios.", "",
             "| ingest | rows | CPU s | rows/CPU s | peak MB | size / .gz |", "|---|---|---|---|---|---|"]
    for one in raw["ingest"]:
        lines.append(f"| {one['what']} | {one['rows']:,} | {one['cpu_s']} | {one['per_cpu_s']:,} | {one['rss_mb']} | {one['ratio']} |")
    c = raw["compact"]
    lines += ["", f"Compaction: {c['cpu_s']} CPU s, {c['rss_mb']} MB; CloudTrail is then {c['ratio']} of its .gz.", "",
              "| query | skywarden CPU s (cold process) | peak MB | DuckDB CPU s (warm) | ratio |", "|---|---|---|---|---|"]
    for q in raw["queries"]:
        lines.append(f"| {q['what']} | {q['skywarden_cpu_s']} | {q['skywarden_rss_mb']} | {q['duckdb_cpu_s']} | {q['ratio']} |")
    product = 1.0
    for q in raw["queries"]:
        product *= max(q["ratio"], 0.01)
    lines += ["", f"Geometric mean of the ratios: {product ** (1 / len(raw['queries'])):.2f}"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
