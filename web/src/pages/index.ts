// All pages: one file a page, and one line here.
import { lazy, type ComponentType, type LazyExoticComponent } from "react";

export interface Page {
  path: string;
  title: string;
  /** Where it stands in the navigation; nothing if it is reached from others. */
  nav?: "See" | "Ask" | "Detect" | "Run";
  /** Whose right is needed to see it. */
  needs?: string;
  /** `g` and this letter go there. */
  key?: string;
  View: LazyExoticComponent<ComponentType>;
}

function page(path: string, title: string, load: () => Promise<{ default: ComponentType }>, more: Omit<Page, "path" | "title" | "View"> = {}): Page {
  return { path, title, View: lazy(load), ...more };
}

export const PAGES: Page[] = [
  page("/", "Overview", () => import("./overview"), { nav: "See", key: "o", needs: "findings:read" }),
  page("/findings", "Findings", () => import("./findings"), { nav: "See", key: "f", needs: "findings:read" }),
  page("/findings/:uid", "Finding", () => import("./finding"), { needs: "findings:read" }),
  page("/investigate", "Investigate", () => import("./investigate"), { nav: "Ask", key: "i", needs: "query:run" }),
  page("/query", "Query", () => import("./query"), { nav: "Ask", key: "q", needs: "query:run" }),
  page("/search", "Search", () => import("./search")),
  page("/detections", "Detections", () => import("./detections"), { nav: "Detect", key: "d", needs: "rules:read" }),
  page("/detections/:id", "Rule", () => import("./rule"), { needs: "rules:read" }),
  page("/coverage", "Coverage", () => import("./coverage"), { nav: "Detect", key: "c", needs: "rules:read" }),
  page("/sources", "Sources & health", () => import("./sources"), { nav: "Run", key: "s", needs: "system:read" }),
  page("/settings", "Settings & audit", () => import("./settings"), { nav: "Run", key: "e" }),
  page("/start", "Get started", () => import("./start"), { nav: "Run", needs: "system:read" }),
];
