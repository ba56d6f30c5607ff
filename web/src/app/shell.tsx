// The frame of every page: bar, navigation, messages, split panel.
import AppLayout, { type AppLayoutProps } from "@cloudscape-design/components/app-layout";
import Button from "@cloudscape-design/components/button";
import Flashbar, { type FlashbarProps } from "@cloudscape-design/components/flashbar";
import SideNavigation, { type SideNavigationProps } from "@cloudscape-design/components/side-navigation";
import { createContext, Suspense, useCallback, useContext, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { Redirect, Route, Switch, useLocation } from "wouter";
import { useSession } from "../api/session";
import { PAGES, type Page } from "../pages";
import { KeyHelp, useKeys } from "../parts/keys";
import { Empty, Failed, Loading } from "../parts/states";
import { AwayBanner } from "./away";
import { Bar } from "./bar";
import { Guard } from "./guard";

interface ShellTools {
  /** Says something that stays until it is dismissed, or for a while if it went well. */
  say: (what: Omit<FlashbarProps.MessageDefinition, "id">) => void;
  /** Shows details beside the page; null closes them. */
  setPanel: (panel: ReactNode | null) => void;
}
const Tools = createContext<ShellTools>({ say: () => {}, setPanel: () => {} });

/** What pages can ask of the frame. */
export function useShell(): ShellTools {
  return useContext(Tools);
}

const NOTE_MS = 5000;

export function Shell() {
  const [path, go] = useLocation();
  const { data: me } = useSession();
  const [notes, setNotes] = useState<FlashbarProps.MessageDefinition[]>([]);
  const [panel, setPanel] = useState<ReactNode | null>(null);
  const [isNavOpen, setNavOpen] = useState(() => innerWidth > 900);
  const [panelSize, setPanelSize] = useState(460);
  const layout = useRef<AppLayoutProps.Ref>(null);

  const say = useCallback((what: Omit<FlashbarProps.MessageDefinition, "id">) => {
    const id = crypto.randomUUID?.() ?? String(Math.random());
    const drop = () => setNotes((all) => all.filter((note) => note.id !== id));
    // The first of a stack is the one that is seen.
    setNotes((all) => [{ dismissible: true, dismissLabel: "Dismiss", ...what, id, onDismiss: drop }, ...all.slice(0, 3)]);
    if (what.type === "success" || what.type === "info") setTimeout(drop, NOTE_MS);
  }, []);
  const tools = useMemo(() => ({ say, setPanel }), [say]);
  useEffect(() => setPanel(null), [path]);

  useEffect(() => {
    // Cloudscape says on narrow screens of its navigation which way it lies, which a navigation may not say.
    const tidy = () => document.querySelectorAll("nav[aria-orientation]").forEach((nav) => nav.removeAttribute("aria-orientation"));
    tidy();
    const watch = new MutationObserver(tidy);
    watch.observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["aria-orientation"] });
    return () => watch.disconnect();
  }, []);

  const may = (page: Page) => !page.needs || (me?.permissions.includes(page.needs) ?? false);
  const seen = PAGES.filter((page) => page.nav && may(page));
  useKeys(seen.filter((page) => page.key).map((page) => ({ key: `g ${page.key}`, does: `Go to ${page.title}`, act: () => go(page.path) })));
  const isTold = PAGES.find((page) => page.path === path);
  const title = isTold?.title ?? PAGES.find((page) => page.path !== "/" && path.startsWith(page.path))?.title;
  useEffect(() => {
    document.title = title ? `${title} · Skywarden` : "Skywarden";
  }, [title]);

  const groups = ["See", "Ask", "Detect", "Run"] as const;
  const items: SideNavigationProps.Item[] = groups.flatMap((group) => {
    const links = seen
      .filter((page) => page.nav === group)
      .map((page): SideNavigationProps.Link => ({ type: "link", text: page.title, href: page.path }));
    return links.length === 0 ? [] : [{ type: "section-group" as const, title: group, items: links }];
  });
  const active = seen
    .map((page) => page.path)
    .filter((href) => path === href || (href !== "/" && path.startsWith(`${href}/`)))
    .at(-1);

  return (
    <Tools.Provider value={tools}>
      <Bar />
      <AppLayout
        ref={layout}
        headerSelector="#bar"
        navigationOpen={isNavOpen}
        navigationWidth={220}
        onNavigationChange={({ detail }) => setNavOpen(detail.open)}
        navigation={
          <SideNavigation
            activeHref={active ?? path}
            items={items}
            onFollow={(event) => {
              event.preventDefault();
              go(event.detail.href);
              if (innerWidth <= 688) setNavOpen(false);
            }}
          />
        }
        notifications={
          <>
            <AwayBanner />
            <Flashbar items={notes} stackItems />
          </>
        }
        stickyNotifications
        toolsHide
        maxContentWidth={1800}
        splitPanel={panel ?? undefined}
        splitPanelOpen={panel !== null}
        splitPanelSize={panelSize}
        splitPanelPreferences={{ position: "side" }}
        onSplitPanelResize={({ detail }) => setPanelSize(detail.size)}
        onSplitPanelToggle={({ detail }) => detail.open || setPanel(null)}
        ariaLabels={{ navigation: "Pages", navigationClose: "Close navigation", navigationToggle: "Open navigation", notifications: "Messages" }}
        content={
          <Guard key={path}>
            <Suspense fallback={<Loading what="the page" />}>
              <Switch>
                {PAGES.map((page) => (
                  <Route key={page.path} path={page.path}>
                    {may(page) ? <page.View /> : page.path === "/" ? <Redirect to="/settings" /> : <NotAllowed page={page} />}
                  </Route>
                ))}
                <Route>
                  <Empty title="There is no such page" action={<Button onClick={() => go("/")}>Go to Overview</Button>}>
                    The address may be cut off, or from another version.
                  </Empty>
                </Route>
              </Switch>
            </Suspense>
          </Guard>
        }
      />
      <KeyHelp />
    </Tools.Provider>
  );
}

function NotAllowed({ page }: { page: Page }) {
  return <Failed what={`show ${page.title}`} error={new Error("Your role, or the accounts that you are bound to, do not allow it. An admin can change that under Settings.")} />;
}
