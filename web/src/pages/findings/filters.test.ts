import { expect, test } from "vitest";
import type { Finding } from "../../api/client";
import { asked, fits, OPEN, readFilters } from "./filters";

const read = (text: string) => readFilters(new URLSearchParams(text));
const finding = { uid: "u", status: "new", severity_id: 4, rule: "r", account: "111122223333", principal: "user/Mara", assignee: null, verdict: null, first_seen: "2026-11-23T02:00:00Z", last_seen: "2026-11-23T03:00:00Z" } as Finding;

test("open findings are shown unless the address says otherwise", () => {
  expect(read("").status).toEqual(OPEN);
  expect(read("status=resolved").status).toEqual(["resolved"]);
  expect(read("status=nonsense").status).toEqual(OPEN);
  expect(asked(read("status=all"))).toEqual({ sort: "worst" });
});

test("what the address says is what the API is asked", () => {
  expect(asked(read("severity_min=4&account=111122223333&text=x&sort=latest&status=new&colour=red"))).toEqual({
    severity_min: 4, account: "111122223333", text: "x", sort: "latest", status: "new",
  });
  expect(asked(read("tactic=Impact"))).not.toHaveProperty("tactic");
  expect(asked(read("severity_min=9"))).not.toHaveProperty("severity_min");
});

test("a finding that came just now counts only where it would be listed", () => {
  expect(fits(finding, read(""), null)).toBe(true);
  expect(fits(finding, read("principal=mara"), null)).toBe(true);
  expect(fits(finding, read("assignee=-"), null)).toBe(true);
  expect(fits(finding, read("assignee=admin"), null)).toBe(false);
  expect(fits(finding, read("severity_min=5"), null)).toBe(false);
  expect(fits(finding, read("status=resolved"), null)).toBe(false);
  expect(fits(finding, read("from=2026-11-23T02:30:00Z"), null)).toBe(true);
  expect(fits(finding, read("to=2026-11-23T02:00:00Z"), null)).toBe(false);
  expect(fits(finding, read("tactic=Impact"), ["q", "r"])).toBe(true);
  expect(fits(finding, read("tactic=Impact"), ["q"])).toBe(false);
});
