"""A corpus from real events with ids, times, addresses, accounts, keys and names replaced: perturb.py LOGS N DIR"""
import gzip, json, pathlib, random, re, sys, datetime

PER_FILE = 5_000


def main():
    logs, count, folder = pathlib.Path(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(5)
    texts = []
    for file in sorted(logs.rglob("*.json.gz")):
        texts += [json.dumps(r, separators=(",", ":")) for r in json.load(gzip.open(file))["Records"]]
    ranked = lambda make, n: ([make(i) for i in range(n)], [1 / (i + 1) for i in range(n)])
    accounts = ranked(lambda i: f"{111100000000 + i * 7919:012}", 40)
    ips = ranked(lambda i: f"198.51.{i // 250}.{i % 250 + 1}", 3000)
    names = ranked(lambda i: f"person-{i}", 2000)
    pick = lambda r: rng.choices(r[0], r[1])[0]
    uuid = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
    key = re.compile(r"\b(AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}\b")
    start = datetime.datetime(2026, 3, 1)
    done = 0
    while done < count:
        records = []
        for _ in range(min(PER_FILE, count - done)):
            text = rng.choice(texts)
            new = f"{rng.getrandbits(128):032x}"
            text = uuid.sub(f"{new[:8]}-{new[8:12]}-{new[12:16]}-{new[16:20]}-{new[20:]}", text, count=2)
            text = key.sub(lambda m: m[1] + f"{rng.getrandbits(64):016X}", text)
            text = text.replace("123837392027", pick(accounts)).replace("192.168.10.20", pick(ips)).replace("bert-jan", pick(names))
            at = start + datetime.timedelta(seconds=done / count * 86_400 * 30 + rng.random() * 300)
            text = re.sub(r'"eventTime":"[^"]*"', f'"eventTime":"{at:%Y-%m-%dT%H:%M:%SZ}"', text, count=1)
            records.append(text)
        with gzip.open(folder / f"part-{done:09}.json.gz", "wb", compresslevel=6) as out:
            out.write(('{"Records":[' + ",".join(records) + "]}").encode())
        done += len(records)


main()
