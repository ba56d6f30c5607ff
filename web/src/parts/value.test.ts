import { expect, test } from "vitest";
import { visible } from "./value";

test("signs that turn or hide are shown", () => {
  expect(visible("admin\u202egnp")).toBe("admin\\u202egnp");
  expect(visible("a\u200bb\u0000\u00adc\u{e0041}")).toBe("a\\u200bb\\u0000\\u00adc\\ue0041");
});

test("marks do not heap up, and letters of any script stay", () => {
  expect(visible("e" + "\u0301".repeat(500))).toBe("e\u0301\u0301\u0301\u0301◌×496");
  expect(visible("é שָׁלוֹם ที่นี่ नमस्ते 你好 👩‍💻".normalize("NFC"))).toContain("שָׁלוֹם ที่นี่ नमस्ते 你好");
});

test("lines and tabs stay", () => {
  expect(visible("a\n\tb\r\n")).toBe("a\n\tb\r\n");
});
