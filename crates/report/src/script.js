"use strict";
// Only niceties: the page says all it has to say without this script.
(() => {
  const $ = (id) => document.getElementById(id);
  const root = document.documentElement;
  const list = $("finding-list");
  const all = list ? [...list.children] : [];

  const theme = $("theme");
  const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const nameTheme = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
  theme.hidden = false;
  theme.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; nameTheme(); });
  nameTheme();

  document.addEventListener("mouseover", (e) => {
    const time = e.target.closest && e.target.closest("time");
    if (time && !time.title) time.title = new Date(time.dateTime).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
  });

  const openTarget = () => {
    const at = location.hash.startsWith("#f-") && $(location.hash.slice(1));
    if (!at) return;
    if (at.tagName === "DETAILS") { at.open = true; at.hidden = false; }
    at.scrollIntoView({ block: "start" });
  };
  addEventListener("hashchange", openTarget);
  document.addEventListener("click", (e) => {
    const link = e.target.closest && e.target.closest("a[href^='#f-']");
    if (link && link.getAttribute("href") === location.hash) openTarget();
  });
  openTarget();

  let printed = [];
  addEventListener("beforeprint", () => {
    const worst = all.filter((d) => d.dataset.rank <= 20 && /critical|high/.test(d.dataset.sev));
    printed = [...worst, ...[...document.querySelectorAll("details.story")].slice(0, 5)].filter((d) => !d.open);
    for (const d of printed) d.open = true;
  });
  addEventListener("afterprint", () => { for (const d of printed) d.open = false; printed = []; });

  if (!$("toolbar")) return;
  $("toolbar").hidden = false;
  const input = $("filter");
  const chips = [...document.querySelectorAll(".chip")];
  const texts = new Map();
  const textOf = (d) => {
    if (!texts.has(d)) {
      const said = d.querySelector("summary").textContent + " " + [...d.querySelectorAll(".body > .facts, .evidence table")].map((e) => e.textContent).join(" ");
      texts.set(d, said.toLowerCase());
    }
    return texts.get(d);
  };
  const filter = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const on = new Set(chips.filter((c) => c.getAttribute("aria-pressed") === "true").map((c) => c.dataset.sev));
    let shown = 0;
    for (const d of all) {
      d.hidden = !(on.has(d.dataset.sev) && words.every((w) => textOf(d).includes(w)));
      if (!d.hidden) shown++;
    }
    const { total, all: inWords } = $("shown").dataset;
    $("shown").textContent = shown + " of " + all.length + (+total > all.length ? " in full, " + inWords + " in all" : "");
    $("none").hidden = shown > 0;
  };
  input.addEventListener("input", filter);
  for (const chip of chips) chip.addEventListener("click", () => {
    chip.setAttribute("aria-pressed", chip.getAttribute("aria-pressed") === "true" ? "false" : "true");
    filter();
  });

  const orders = {
    rank: (a, b) => a.rank - b.rank,
    first: (a, b) => a.first - b.first || a.rank - b.rank,
    last: (a, b) => b.last - a.last || a.rank - b.rank,
    count: (a, b) => b.count - a.count || a.rank - b.rank,
    who: (a, b) => a.who.localeCompare(b.who) || a.rank - b.rank,
  };
  $("sort").addEventListener("change", (e) => {
    const order = orders[e.target.value];
    all.sort((a, b) => order(a.dataset, b.dataset));
    list.append(...all);
  });

  $("expand").addEventListener("click", (e) => {
    const open = e.target.textContent === "Expand all";
    for (const d of all) if (!d.hidden) d.open = open;
    e.target.textContent = open ? "Collapse all" : "Expand all";
  });

  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName)) {
      if (e.key === "Escape" && e.target === input) { input.value = ""; filter(); input.blur(); }
      return;
    }
    if (e.key === "/") { e.preventDefault(); input.focus(); }
    if (e.key !== "j" && e.key !== "k") return;
    const shown = all.filter((d) => !d.hidden);
    const at = shown.findIndex((d) => d.contains(document.activeElement));
    const next = shown[at < 0 ? 0 : Math.min(Math.max(at + (e.key === "j" ? 1 : -1), 0), shown.length - 1)];
    if (next) { next.querySelector("summary").focus(); next.scrollIntoView({ block: "nearest" }); }
  });
  filter();
})();
