// The bar on top: name, search for anything, health, look, user.
import Autosuggest from "@cloudscape-design/components/autosuggest";
import TopNavigation, { type TopNavigationProps } from "@cloudscape-design/components/top-navigation";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useLocation } from "wouter";
import { call, type Schema } from "../api/client";
import { useIsLive } from "../api/live";
import { useAway } from "../api/reach";
import { useLogout, useMay, useSession } from "../api/session";
import { useKeys } from "../parts/keys";
import { guess, networkOf } from "./entity";
import { setLook, useLook } from "./theme";
import { link, searchLink } from "./url";

const PATIENCE_MS = 15_000;

export function useStatus() {
  const mayAsk = useMay("system:read");
  return useQuery({
    queryKey: ["status"],
    // A server that hangs is as good as none.
    queryFn: ({ signal }) => call<Schema<"ServerStatus">>("/api/v1/status", { signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]) }),
    refetchInterval: 10_000,
    enabled: mayAsk,
  });
}

export function Bar() {
  const [, go] = useLocation();
  const { data: me } = useSession();
  const status = useStatus();
  const isLive = useIsLive();
  const logout = useLogout();
  const look = useLook();

  const isAway = useAway() !== null;
  // Whoever may not see how the server does is still to know that what is shown is made up.
  const isDemo = status.data?.demo ?? me?.demo ?? false;

  const health = status.error || isAway
    ? { text: "No contact", icon: "status-negative" as const }
    : status.data?.trouble
      ? { text: "Trouble", icon: "status-warning" as const }
      : { text: isLive ? "Live" : "Connecting", icon: isLive ? ("status-positive" as const) : ("status-pending" as const) };
  const utilities: TopNavigationProps.Utility[] = [
    ...(isDemo ? [{ type: "button" as const, text: "DEMO: made-up data", href: "/start", onClick: follow(go) }] : []),
    { type: "button", text: health.text, iconName: health.icon, href: "/sources", onClick: follow(go), title: status.data?.trouble ?? "Sources and health" },
    {
      type: "menu-dropdown",
      iconName: "settings",
      ariaLabel: "Look",
      title: "Look",
      items: [
        { id: "mode", text: look.mode === "dark" ? "Light colours" : "Dark colours" },
        { id: "density", text: look.density === "compact" ? "Comfortable spacing" : "Compact spacing" },
      ],
      onItemClick: ({ detail }) => {
        if (detail.id === "mode") setLook({ mode: look.mode === "dark" ? "light" : "dark" });
        else setLook({ density: look.density === "compact" ? "comfortable" : "compact" });
      },
    },
    {
      type: "menu-dropdown",
      text: me?.name ?? "",
      description: me?.role,
      iconName: "user-profile",
      items: [
        { id: "settings", text: "Settings" },
        { id: "logout", text: "Log out" },
      ],
      onItemClick: ({ detail }) => (detail.id === "logout" ? void logout() : go("/settings")),
    },
  ];
  return (
    <div id="bar" className="bar">
      <TopNavigation
        identity={{ href: "/", title: "Skywarden", logo: { src: "/logo.svg", alt: "" }, onFollow: follow(go) }}
        search={<Search />}
        utilities={utilities}
        i18nStrings={{ overflowMenuTriggerText: "More", overflowMenuTitleText: "All", searchIconAriaLabel: "Search", searchDismissIconAriaLabel: "Close search" }}
      />
    </div>
  );
}

function follow(go: (to: string) => void) {
  return (event: CustomEvent<{ href?: string }> | { preventDefault: () => void; detail?: { href?: string } }) => {
    event.preventDefault();
    if (event.detail?.href) go(event.detail.href);
    else go("/");
  };
}

/** The bar holds a second copy of itself, which nobody sees, to measure its width; on narrow screens the field is behind a button. */
function focusSearch(): void {
  const isSeen = (one: Element) => one.closest('[aria-hidden="true"]') === null;
  const field = () => [...document.querySelectorAll<HTMLInputElement>("#bar input")].find(isSeen);
  const there = field();
  if (there) return there.focus();
  [...document.querySelectorAll<HTMLElement>('#bar [aria-label="Search"]')].find(isSeen)?.click();
  setTimeout(() => field()?.focus());
}

/** A thing's name leads to its profile, other words to findings that hold them. */
function Search() {
  const [, go] = useLocation();
  const [text, setText] = useState("");
  const mayAsk = useMay("query:run");
  useKeys([{ key: "/", does: "Search", act: focusSearch }]);
  useEffect(() => {
    document.querySelectorAll("#bar input").forEach((input) => input.setAttribute("spellcheck", "false"));
  }, []);
  const wanted = text.trim();
  const open = (value: string) => {
    setText("");
    go(value);
    (document.activeElement as HTMLElement | null)?.blur();
  };
  const network = networkOf(wanted);
  const entities = wanted === "" || !mayAsk || network !== null ? [] : guess(wanted);
  const options = [
    ...(mayAsk && network !== null ? [{ value: searchLink(wanted), label: `Addresses in ${network}`, description: "Network" }] : []),
    ...entities.map(({ kind, label }) => ({ value: searchLink(wanted, kind), label: `${label} ${wanted}`, description: "Profile" })),
    ...(wanted === "" ? [] : [{ value: link("/findings", { text: wanted }), label: `Findings with “${wanted}”`, description: "Findings" }]),
    ...(entities.length === 0 ? [] : [{ value: searchLink(wanted), label: `Whatever is known of ${wanted}`, description: "All kinds" }]),
  ];
  return (
    <Autosuggest
      value={text}
      onChange={({ detail }) => setText(detail.value.startsWith("/") && detail.value.includes("?") ? "" : detail.value)}
      onSelect={({ detail }) => {
        const first = options[0];
        if (detail.selectedOption) open(detail.value);
        else if (first) open(first.value);
      }}
      options={options}
      filteringType="manual"
      enteredTextLabel={(value) => `Search for ${value}`}
      placeholder="Name, ARN, address, key, words"
      ariaLabel="Search"
      empty="Type an ARN, an address, an access key, an account, or words of a finding"
    />
  );
}
