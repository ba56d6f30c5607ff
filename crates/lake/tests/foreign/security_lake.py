"""What other engines make of an export for Security Lake. The first line is one JSON object; each further line is one event as OCSF.

    security_lake.py FOLDER         DuckDB by its pattern with Hive partitions, pyarrow file by file
"""

import datetime
import json
import pathlib
import sys

import duckdb
import pyarrow.parquet

MIB = 1 << 20


def plain(value):
    """A value as JSON has it: what is null is left out, maps are objects, instants are RFC 3339."""
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items() if member is not None}
    if isinstance(value, list):
        if value and isinstance(value[0], tuple):
            return dict(value)
        return [plain(item) for item in value]
    if isinstance(value, datetime.datetime):
        assert value.utcoffset() == datetime.timedelta(0), value
        ms = value.microsecond // 1000
        return value.strftime("%Y-%m-%dT%H:%M:%S") + (f".{ms:03}" if ms else "") + "Z"
    return value


def check(folder, path):
    """Yields the events of a file, and asserts that it is as the layout says."""
    file = pyarrow.parquet.ParquetFile(path)
    partition = dict(part.split("=", 1) for part in path.parts if "=" in part)
    for number in range(file.metadata.num_row_groups):
        group = file.metadata.row_group(number)
        columns = [group.column(at) for at in range(group.num_columns)]
        assert {column.compression for column in columns} == {"ZSTD"}, path
        assert sum(column.total_compressed_size for column in columns) <= 256 * MIB, path
        assert [column.path_in_schema for column in columns][group.sorting_columns[0].column_index] == "time", path
    rows = [plain(row) for row in file.read().to_pylist()]
    assert rows, f"{path} is empty"
    times = [row["time"] for row in rows]
    assert times == sorted(times), f"{path} is not in the order of time"
    class_uid = int(path.relative_to(folder).parts[1].rsplit("_", 1)[1])
    for row in rows:
        day = datetime.datetime.fromtimestamp(row["time"] / 1000, datetime.timezone.utc).strftime("%Y%m%d")
        assert (row["class_uid"], day) == (class_uid, partition["eventDay"]), path
        # What no Region can be called is not part of a path.
        assert row.get("cloud", {}).get("region") in (partition["region"], None) or partition["region"] == "unknown", path
    return rows


def main(folder):
    files = sorted(pathlib.Path(folder).rglob("*"))
    files = [path for path in files if path.is_file()]
    assert all(path.suffix == ".parquet" for path in files), files
    events = [event for path in files for event in check(folder, path)]
    if not files:
        print(json.dumps({"files": 0, "rows": 0}))
        return
    con = duckdb.connect()
    con.execute("SET timezone = 'UTC'")
    # Classes have columns of their own, so that a reader of all takes them by name.
    of = f"FROM read_parquet('{folder}/ext/*/*/*/*/*.parquet', hive_partitioning = true, hive_types_autocast = false, union_by_name = true)"
    pairs = lambda sql: [list(row) for row in con.execute(sql).fetchall()]
    print(json.dumps({
        "files": len(files),
        "rows": con.execute(f"SELECT count(*) {of}").fetchone()[0],
        "classes": pairs(f"SELECT class_uid, count(*) {of} GROUP BY 1 ORDER BY 1"),
        "partitions": pairs(f"SELECT region, accountId, eventDay, count(*) {of} GROUP BY ALL ORDER BY ALL"),
        "days": pairs(f"SELECT strftime(time_dt, '%Y%m%d'), count(*) {of} GROUP BY 1 ORDER BY 1"),
        "users": pairs(f"SELECT actor.user.uid, count(*) {of} WHERE class_uid <> 4001 GROUP BY 1 ORDER BY 1") if any("cloudtrail" in str(path) for path in files) else [],
        "bytes": con.execute(f"SELECT sum(traffic.bytes)::BIGINT {of}").fetchone()[0] if any("flow" in str(path) for path in files) else None,
    }))
    for event in events:
        print(json.dumps(event))


if __name__ == "__main__":
    main(sys.argv[1])
