"""Figures as a page: what was measured, which goals were met, how far hits agree."""

SAME_RULES = ("SigmaHQ", "SigmaHQ + Suzaku")
TRAILS = ("generated", "perturbed real")


def key(who, rules, corpus):
    return f"{who} | {rules} | {corpus}"


def ratio(figures, a, b):
    """How many times as fast a is as b, best against best, and the least and the most in one round."""
    if a not in figures or b not in figures:
        return None
    a, b = figures[a], figures[b]
    rounds = [y["cpu_s"] / x["cpu_s"] for x, y in zip(a["runs"], b["runs"])]
    return a["per_cpu_s"] / b["per_cpu_s"], min(rounds), max(rounds)


def goals(figures, memory):
    """(goal, reached, whether it is met)."""
    rows = []
    for corpus in TRAILS:
        one = figures.get(key("skywarden", "SigmaHQ + ours", corpus))
        if one:
            rows.append((f"250,000 events a CPU second, SigmaHQ and our rules, {corpus}", f"{one['per_cpu_s']:,}", one["per_cpu_s"] >= 250_000))
    for rules in SAME_RULES:
        for corpus in TRAILS:
            peers = [one for peer in ("rsigma", "sigma-rust") if (one := ratio(figures, key("skywarden", rules, corpus), key(peer, rules, corpus)))]
            if peers:
                best, least, most = min(peers)
                rows.append((f"3 times the best peer, {rules}, {corpus}", f"{best:.2f} ({least:.2f} to {most:.2f})", best >= 3))
    shares = [(f"70 % of the speed with 3,000 rules in place of 100, {corpus}",
               ratio(figures, key("skywarden", "3,000 made", corpus), key("skywarden", "100 made", corpus))) for corpus in TRAILS]
    shares.append(("70 % of the ceiling of flow logs, rules on", ratio(figures, key("skywarden", "ours", "flow logs"), key("ceiling", "none", "flow logs"))))
    for goal, reached in shares:
        if reached:
            rows.append((goal, "{:.0f} % ({:.0f} to {:.0f})".format(*(100 * r for r in reached)), reached[0] >= 0.7))
    worst = max([one for one in figures.values() if one["who"] == "skywarden"] + memory, key=lambda one: one["rss_mb"])
    rows.append(("under 300 MB, whatever the input", f"{worst['rss_mb']} MB ({worst['rule_set']}, {worst['corpus']})", worst["rss_mb"] < 300))
    return rows


def table(head, rows):
    rows = [[str(cell) for cell in row] for row in rows]
    sides = ["---:" if all(row[i][:1].isdigit() for row in rows) else "---" for i in range(len(head))]
    return ["", *("| " + " | ".join(row) + " |" for row in [head, sides, *rows])]


def measured_rows(figures, inflated):
    for one in figures.values():
        times = [run["cpu_s"] for run in one["runs"]]
        mb_per_s = inflated[one["corpus"]] / 1e6 / one["cpu_s"] if inflated.get(one["corpus"]) else 0
        yield (one["who"], one["rule_set"], one["corpus"], one["threads"], f"{one['cpu_s']:.2f}", f"{one['sys_s']:.2f}", f"{max(times) / min(times):.2f}", f"{one['start_cpu_s']:.2f}",
               f"{one['wall_s']:.2f}", f"{one['per_cpu_s']:,}", f"{mb_per_s:,.0f}", one["rss_mb"])


def page(raw):
    figures, memory, inflated = raw["figures"], raw["memory"], raw["inflated_bytes"]
    events = {one["corpus"]: one["events"] for one in figures.values()}
    lines = [f"# {raw['date']}, {raw['machine']}", "",
             f"{raw['version']}. CPU seconds (user and system) of whole processes, start-up and loading of rules included; best of {raw['repetitions']},"
             " contestants in turn. *Spread* is the slowest run over the fastest: on a shared machine compare ratios, and trust none finer than that."
             " *System* time is mostly first touch of memory, which a virtual machine may take ten times as long for in one run as in the next."
             " *Start* is the CPU time with a file of one event or few: loading rules, mostly. Ratios are best against best, in brackets the least and the most in one round.", "",
             "Corpora, gzip as delivered: " + "; ".join(f"{name}: {n:,} events" + (f", {inflated[name] / 1e6:,.0f} MB inflated" if inflated.get(name) else "") for name, n in events.items()) + "."]
    lines += table(["goal", "reached", "met"], [(goal, reached, "yes" if met else "no") for goal, reached, met in goals(figures, memory)])
    head = ["program", "rules", "corpus", "threads", "CPU s", "of it system", "spread", "start", "wall s", "events / CPU s", "MB / CPU s", "peak MB"]
    lines += table(head, measured_rows(figures, inflated))
    if memory:
        lines += ["", f"Memory on a corpus {raw['larger']} times as large, two threads:"]
        lines += table(["rules", "corpus", "events", "peak MB", "peak MB on the smaller"], [(m["rule_set"], m["corpus"], f"{m['events']:,}", m["rss_mb"], m["smaller_mb"]) for m in memory])
    if raw["agreement"]:
        lines += ["", "Hits on the same rules and events, an event that was delivered twice counted once:"]
        head = ["peer", "rules", "corpus", "Skywarden", "peer's", "only Skywarden", "only peer", "rules that hit", "rules that differ"]
        lines += table(head, [(a["peer"], a["rule_set"], a["corpus"], f"{a['ours']:,}", f"{a['theirs']:,}", a["only_ours"], a["only_theirs"], a["rules_with_hits"], a["rules_that_differ"])
                              for a in raw["agreement"]])
    return "\n".join(lines) + "\n"
