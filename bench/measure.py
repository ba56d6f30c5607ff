"""Runs contestants and reads what they took: CPU time and peak memory as the kernel counts them for the whole process."""
import collections
import json
import os
import re
import subprocess
import sys
import tempfile
import time


class Contestant(collections.namedtuple("Contestant", "who rules corpus threads command")):
    """One program on one corpus, whose paths complete the command."""

    def key(self):
        return f"{self.who} | {self.rules} | {self.corpus.name}" + (f" | {self.threads} threads" if self.threads > 1 else "")


def run(command, out):
    """Runs a program with its output in a file; figures of the run."""
    start = time.monotonic()
    with tempfile.TemporaryFile() as err:
        child = subprocess.Popen([str(part) for part in command], stdout=out, stderr=err)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - start
        # 4 is Skywarden's word for input of which a part could not be read.
        if child.returncode not in (0, 4):
            err.seek(0)
            sys.exit(f"{' '.join(map(str, command))} ended with {child.returncode}\n{err.read().decode(errors='replace')}")
    return {"cpu_s": round(usage.ru_utime + usage.ru_stime, 3), "sys_s": round(usage.ru_stime, 3), "wall_s": round(wall, 3), "rss_mb": round(usage.ru_maxrss / 1024)}


def once(command, paths):
    with tempfile.TemporaryFile("w+") as out:
        figures = run([*command, *paths], out)
        out.seek(0)
        text = out.read(1 << 20)
    if text.startswith("{"):  # A peer.
        told = json.loads(text)
        figures |= {name: told[name] for name in ("events", "bytes", "rules", "hits") if name in told}
        # The kernel counts what a child had before it became the program, which is as large as a small peer.
        figures["rss_mb"] = round(told["peak_rss_kb"] / 1024)
        figures["own_cpu_s"] = round(told["cpu_s"], 3)
    else:
        figures["events"] = int(re.search(r"([\d,]+) events?\b", text)[1].replace(",", ""))
        rules = re.search(r"([\d,]+) rules", text)
        figures["rules"] = rules and int(rules[1].replace(",", ""))
    return figures


def measure(contestants, repetitions):
    """Figures by contestant. They take turns, each second round in reverse order, so that the machine's moods fall on all alike."""
    out = {}
    for c in contestants:
        start = once(c.command, [c.corpus.small])["cpu_s"]
        out[c.key()] = {"who": c.who, "rule_set": c.rules, "corpus": c.corpus.name, "threads": c.threads, "start_cpu_s": start, "runs": []}
    for round_ in range(repetitions):
        for c in contestants[:: -1 if round_ % 2 else 1]:
            figures = once(c.command, c.corpus.paths)
            out[c.key()]["runs"].append(figures)
            print(f"round {round_ + 1}: {c.key()}: {figures['cpu_s']} CPU s, {figures['rss_mb']} MB", file=sys.stderr)
    for figures in out.values():
        best = min(figures["runs"], key=lambda run: run["cpu_s"])
        figures |= {name: value for name, value in best.items() if name != "own_cpu_s"}
        figures["wall_s"] = min(run["wall_s"] for run in figures["runs"])
        figures["rss_mb"] = max(run["rss_mb"] for run in figures["runs"])
        figures["per_cpu_s"] = round(figures["events"] / figures["cpu_s"])
    check_events(out)
    return out


def check_events(figures):
    """All must have read the same events, or their times say nothing."""
    by_corpus = collections.defaultdict(set)
    for one in figures.values():
        by_corpus[one["corpus"]].add(one["events"])
    for corpus, counts in by_corpus.items():
        if len(counts) > 1:
            sys.exit(f"contestants read different numbers of events of {corpus}: {sorted(counts)}")


def hits_by_rule(command, paths):
    """Hits by rule id, each event counted once: of Skywarden off its findings, of a peer as it says."""
    by_rule = collections.Counter()
    with tempfile.TemporaryFile("w+") as out:
        run([*command, *paths], out)
        out.seek(0)
        counted = set()
        for line in out:
            told = json.loads(line)
            if "by_rule" in told:
                return collections.Counter(told["by_rule"])
            info = told["finding_info"]
            # A finding of many events goes on on further lines.
            if info["uid"] not in counted:
                counted.add(info["uid"])
                by_rule[info["analytic"]["uid"]] += told["count"]
    return by_rule


def agreement(ours, theirs):
    """How far two counts of hits agree."""
    differ = {rule for rule in ours.keys() | theirs.keys() if ours[rule] != theirs[rule]}
    return {"ours": ours.total(), "theirs": theirs.total(), "rules_with_hits": len(ours.keys() | theirs.keys()), "rules_that_differ": len(differ),
            "only_ours": sum(max(0, ours[r] - theirs[r]) for r in differ), "only_theirs": sum(max(0, theirs[r] - ours[r]) for r in differ)}, sorted(differ)
