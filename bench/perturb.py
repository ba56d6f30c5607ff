#!/usr/bin/env python3
"""Makes a corpus of any size from real CloudTrail events: perturb.py LOGS EVENTS FOLDER

Each event is a real one in which id, time, account, user, key, address and bucket are replaced. Who acts is drawn by a Zipf law from
people who each have an account, keys and addresses of their own; what a record says several times stays the same all through it.
"""
import bisect
import datetime
import gzip
import itertools
import json
import pathlib
import random
import re
import sys

EVENTS_PER_FILE = 5_000
SECONDS_PER_EVENT = 2.6  # A million events make 30 days.
START = datetime.datetime(2026, 3, 1)
N_PEOPLE, N_ACCOUNTS, N_BUCKETS, N_RESOURCES = 2_000, 40, 300, 2_000


class Zipf:
    """Draws from a list, its first the most often."""

    def __init__(self, rng, values):
        self.rng, self.values = rng, values
        self.sums = list(itertools.accumulate(1 / rank for rank in range(1, len(values) + 1)))

    def draw(self):
        return self.values[bisect.bisect_left(self.sums, self.rng.random() * self.sums[-1])]


class Person:
    def __init__(self, rng, i):
        self.user = f"{rng.choice('anna ben carla deniz eva farid'.split())}.{i}"
        self.account = f"{111100000000 + rng.randrange(N_ACCOUNTS) * 7919:012}"
        self.ips = [f"{rng.choice(('198.51.100', '203.0.113', '192.0.2', '100.64.7'))}.{rng.randrange(1, 255)}" for _ in range(3)]
        self.letters = [letters(rng) for _ in range(4)]


def letters(rng):
    return "".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16))


def uuid(rng):
    h = f"{rng.getrandbits(128):032x}"
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


def real_events(folder):
    for path in sorted(folder.rglob("*.json.gz")):
        with gzip.open(path) as file:
            yield from json.load(file)["Records"]


def names(events):
    """A pattern of everything to replace, each kind a group of its own."""
    either = lambda values: "|".join(sorted(map(re.escape, {v for v in values if isinstance(v, str)}), key=lambda v: (-len(v), v)))
    address = re.compile(r"\d+\.\d+\.\d+\.\d+$")
    of = lambda event, part, key: (event.get(part) or {}).get(key)
    return re.compile("|".join([
        r'(?<="eventID":")(?P<event>[0-9a-f-]{36})',
        r'(?<="requestID":")(?P<request>[0-9a-f-]{36})',
        r'(?<="eventTime":")(?P<time>[^"]+)',
        r"(?P<resource>\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b)",
        r"\b(?:AKIA|ASIA|AROA|AIDA)(?P<letters>[A-Z0-9]{16,17})\b",
        f"(?P<account>{either(e.get('recipientAccountId') for e in events)})",
        rf"\b(?P<ip>{either(e['sourceIPAddress'] for e in events if address.match(e['sourceIPAddress']))})\b",
        rf"\b(?P<bucket>{either(of(e, 'requestParameters', 'bucketName') for e in events)})\b",
        rf"\b(?P<user>{either(of(e, 'userIdentity', 'userName') for e in events)})\b",
    ]))


def template(event, pattern):
    """The text of an event in pieces: what stays, in turn with (kind, which of that kind)."""
    text = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
    pieces, seen, at = [], {}, 0
    for match in pattern.finditer(text):
        kind = match.lastgroup
        of_kind = seen.setdefault(kind, {})
        pieces += [text[at:match.start(kind)], (kind, of_kind.setdefault(match[kind], len(of_kind)))]
        at = match.end(kind)
    return pieces, text[at:]


def main():
    logs, count, folder = pathlib.Path(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(5)
    events = list(real_events(logs))
    pattern = names(events)
    templates = [template(event, pattern) for event in events]
    people = Zipf(rng, [Person(rng, i) for i in range(N_PEOPLE)])
    buckets = Zipf(rng, [f"{rng.choice('logs data media backup'.split())}-{rng.getrandbits(40):010x}" for _ in range(N_BUCKETS)])
    resources = Zipf(rng, [uuid(rng) for _ in range(N_RESOURCES)])
    make = {
        "event": lambda person, n, time: uuid(rng),
        "request": lambda person, n, time: uuid(rng),
        "time": lambda person, n, time: time,
        "resource": lambda person, n, time: resources.draw(),
        "letters": lambda person, n, time: person.letters[n] if n < len(person.letters) else letters(rng),
        "account": lambda person, n, time: person.account,
        "ip": lambda person, n, time: rng.choice(person.ips),
        "bucket": lambda person, n, time: buckets.draw(),
        "user": lambda person, n, time: person.user if n == 0 else people.draw().user,
    }

    def record(i):
        person = people.draw()
        time = f"{START + datetime.timedelta(seconds=int(i * SECONDS_PER_EVENT + rng.random() * 300)):%Y-%m-%dT%H:%M:%SZ}"
        pieces, rest = rng.choice(templates)
        new = {}
        for slot in pieces[1::2]:
            if slot not in new:
                new[slot] = make[slot[0]](person, slot[1], time)
        return "".join(piece if isinstance(piece, str) else new[piece] for piece in pieces) + rest

    for first in range(0, count, EVENTS_PER_FILE):
        records = [record(i) for i in range(first, min(first + EVENTS_PER_FILE, count))]
        with gzip.open(folder / f"part-{first:09}.json.gz", "wb", compresslevel=6) as out:
            out.write(('{"Records":[' + ",".join(records) + "]}").encode())


if __name__ == "__main__":
    main()
