"""Corpora and rule sets, made once each into a cache outside the repository."""
import collections
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
SHARED = ROOT.parent / "shared" / "data"
CACHE = pathlib.Path(os.environ.get("SKYWARDEN_BENCH_DIR", pathlib.Path.home() / ".cache/skywarden/bench"))

# Paths to read, and the smallest file of this kind: what is spent on it is spent on starting.
Corpus = collections.namedtuple("Corpus", "name paths small")

FLOWS_PER_EVENT = 2
EVENTS_PER_DAY = 70_000  # Of a larger corpus there are more days, and not larger files.


def made(name, makers, make):
    """The folder of this name, as `make` fills it. What makes it is a part of its name."""
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(makers))).hexdigest()[:8]
    folder = CACHE / f"{name}-{digest}"
    if not folder.exists():
        print(f"making {folder.name}", file=sys.stderr)
        unfinished = folder.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        make(unfinished)
        unfinished.rename(folder)
    return folder


def by(*command):
    """Fills a folder by a command that takes it as its last word."""
    return lambda folder: subprocess.run([*map(str, command), folder], check=True, stdout=subprocess.DEVNULL)


def generated(skywarden, events):
    """CloudTrail files and flow logs, as our own generator writes them."""
    days = max(2, round(events / EVENTS_PER_DAY))
    make = by(skywarden, "generate", "--events", events, "--flows", FLOWS_PER_EVENT * events, "--days", days)
    folder = made(f"generated-{events}-{days}d", (ROOT / "crates/generate/src").rglob("*.rs"), make) / "AWSLogs"
    trail, flows = sorted(folder.glob("o-*")), sorted(folder.glob("[0-9]*/vpcflowlogs"))
    return Corpus("generated", trail, smallest_file(trail)), Corpus("flow logs", flows, smallest_file(flows))


def smallest_file(folders):
    return min((path for folder in folders for path in folder.rglob("*.gz")), key=lambda path: (path.stat().st_size, path))


def perturbed(events, small):
    """Real events with new names; none where the real ones are not here."""
    real = SHARED / "cloudtrail/invictus/logs"
    if not real.exists():
        return []
    folder = made(f"perturbed-{events}", [HERE / "perturb.py"], by(sys.executable, HERE / "perturb.py", real, events))
    return [Corpus("perturbed real", [folder], small)]


def made_rules(count):
    return made(f"rules-{count}", [HERE / "rules.py"], by(sys.executable, HERE / "rules.py", count))


def shared_rules():
    """Rule sets of others by name; none where they are not here."""
    sigmahq, suzaku = SHARED / "sigma/sigmahq-aws", SHARED / "sigma/suzaku-aws"
    if not sigmahq.exists() or not suzaku.exists():
        return {}
    # Rules that only serve a correlation are silent in a scan and count as hits elsewhere, so all get the rules of single events.
    single = [path for path in suzaku.rglob("*.yml") if "\ncorrelation:" not in path.read_text()]
    copy = lambda folder: [shutil.copy(path, folder) for path in single]
    return {"SigmaHQ": [sigmahq], "SigmaHQ + Suzaku": [sigmahq, made("suzaku", single, copy)]}
