"""What other engines make of a lake. Prints one JSON object; a Rust test compares it with what was written.

    check.py read FOLDER            pyiceberg by catalog.db, DuckDB by folder and by metadata file, pyarrow by data files
    check.py append FOLDER          pyiceberg appends three rows
    check.py bucket ENDPOINT URI    DuckDB and pyiceberg by folder in a bucket
    check.py create-bucket ENDPOINT BUCKET
"""

import importlib.resources
import json
import os
import sys

NAMESPACE = "skywarden"
FILTER = "time_dt >= '2026-03-02T00:00:00+00:00'"


def catalog(folder):
    from pyiceberg.catalog.sql import SqlCatalog

    return SqlCatalog("skywarden", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}")


def duck(*names):
    import duckdb

    con = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    for name in names:
        root = importlib.resources.files(f"duckdb_extension_{name}") / "extensions" / f"v{duckdb.__version__}"
        con.execute(f"LOAD '{root / (name + '.duckdb_extension')}'")
    return con


def summed(table):
    total = 0
    for value in table.column("bytes").to_pylist():
        total += value or 0
    return total


def read(folder):
    import pyarrow.parquet

    table = catalog(folder).load_table((NAMESPACE, "events"))
    whole = table.scan().to_arrow()
    requests = dict(zip(whole.column("raw").to_pylist(), whole.column("request").to_pylist()))
    files = [task.file.file_path for task in table.scan().plan_files()]
    con = duck("avro", "iceberg")
    at = folder + "/events"
    print(json.dumps({
        "tables": [".".join(name) for name in catalog(folder).list_tables(NAMESPACE)],
        "rows": whole.num_rows,
        "bytes": summed(whole),
        "bucket": dict(requests['{"id":1,"content":0}'])["bucketName"],
        "filtered": table.scan(row_filter=FILTER).to_arrow().num_rows,
        "planned": len(list(table.scan(row_filter=FILTER).plan_files())),
        "named": table.scan(row_filter="name == 'Event3'").to_arrow().num_rows,
        "snapshots": len(table.snapshots()),
        "operation": str(table.current_snapshot().summary.operation.value),
        "doc": table.schema().find_field("name").doc,
        "duck_folder": con.execute(f"SELECT count(*), sum(bytes) FROM iceberg_scan('{at}')").fetchone(),
        "duck_file": con.execute(f"SELECT count(*) FROM iceberg_scan('{table.metadata_location}') WHERE name = 'Event3'").fetchone()[0],
        "arrow_rows": sum(pyarrow.parquet.read_table(f.removeprefix("file://"), partitioning=None).num_rows for f in files),
    }))


def append(folder):
    import datetime

    import pyarrow

    table = catalog(folder).load_table((NAMESPACE, "events"))
    day = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.timezone.utc)
    rows = [{
        # Against the order of time, and one on another day.
        "time_dt": day + datetime.timedelta(hours=hours),
        "event_identity": bytes([hours]) * 16,
        "name": "Foreign",
        "bytes": 1000,
        "request": [("bucketName", "theirs")],
        "raw": "{}",
    } for hours in (2, 1, 30)]
    table.append(pyarrow.Table.from_pylist(rows, schema=table.schema().as_arrow()))
    print(json.dumps({"rows": table.scan().to_arrow().num_rows}))


def bucket(endpoint, uri):
    from pyiceberg.table import StaticTable

    con = duck("avro", "httpfs", "iceberg")
    host = endpoint.removeprefix("http://")
    con.execute(f"CREATE SECRET (TYPE s3, KEY_ID 'test', SECRET 'test', REGION 'us-east-1', ENDPOINT '{host}', URL_STYLE 'path', USE_SSL false)")
    count = con.execute(f"SELECT count(*), sum(bytes) FROM iceberg_scan('{uri}/events')").fetchone()
    newest = max(con.execute(f"SELECT file FROM glob('{uri}/events/metadata/v*.metadata.json')").fetchall(),
                 key=lambda row: int(row[0].rsplit("/v", 1)[1].split(".")[0]))[0]
    table = StaticTable.from_metadata(newest, properties={
        "s3.endpoint": endpoint, "s3.access-key-id": "test", "s3.secret-access-key": "test", "s3.region": "us-east-1",
    })
    print(json.dumps({"duck_folder": count, "rows": table.scan().to_arrow().num_rows}))


def create_bucket(endpoint, name):
    import boto3

    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test").create_bucket(Bucket=name)
    print("{}")


if __name__ == "__main__":
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    {"read": read, "append": append, "bucket": bucket, "create-bucket": create_bucket}[sys.argv[1]](*sys.argv[2:])
