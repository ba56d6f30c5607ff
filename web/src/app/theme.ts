// Our palette over Cloudscape's tokens, and what the user chose: light or dark, comfortable or compact.
import { applyDensity, applyMode, Density, Mode } from "@cloudscape-design/global-styles";
import { applyTheme, type Theme } from "@cloudscape-design/components/theming";
import { useSyncExternalStore } from "react";

const accent = { light: "#0a6a60", dark: "#63d1c1" };
const accentHover = { light: "#084d46", dark: "#8fe3d6" };
const accentTint = { light: "#e3f3f0", dark: "#12302c" };
const theme: Theme = {
  tokens: {
    fontFamilyBase: "'Inter Variable', system-ui, sans-serif",
    fontFamilyMonospace: "ui-monospace, 'DejaVu Sans Mono', 'Cascadia Mono', Menlo, Consolas, monospace",
    borderRadiusButton: "6px",
    borderRadiusContainer: "8px",
    borderRadiusInput: "6px",
    borderRadiusBadge: "4px",
    borderRadiusToken: "6px",
    borderRadiusAlert: "8px",
    borderRadiusFlashbar: "8px",
    borderRadiusTiles: "8px",
    colorBackgroundLayoutMain: { light: "#f3f6f5", dark: "#0d1312" },
    colorBackgroundContainerContent: { light: "#ffffff", dark: "#151d1c" },
    colorBackgroundContainerHeader: { light: "#ffffff", dark: "#151d1c" },
    colorBackgroundLayoutToolbar: { light: "#f7faf9", dark: "#111918" },
    colorBorderDividerDefault: { light: "#d9e2df", dark: "#283533" },
    colorTextBodyDefault: { light: "#16211f", dark: "#e4ecea" },
    colorTextAccent: accent,
    colorTextLinkDefault: accent,
    colorTextLinkHover: accentHover,
    colorBackgroundButtonPrimaryDefault: { light: "#0a6a60", dark: "#63d1c1" },
    colorBackgroundButtonPrimaryHover: accentHover,
    colorBackgroundButtonPrimaryActive: accentHover,
    colorBorderButtonNormalDefault: accent,
    colorBorderButtonNormalHover: accentHover,
    colorBorderButtonNormalActive: accentHover,
    colorTextButtonNormalDefault: accent,
    colorTextButtonNormalHover: accentHover,
    colorTextButtonNormalActive: accentHover,
    colorBackgroundControlChecked: accent,
    colorBackgroundItemSelected: accentTint,
    colorBorderItemSelected: accent,
    colorItemSelected: accent,
    colorBorderItemFocused: accent,
    colorBorderInputFocused: accent,
    colorBackgroundSegmentActive: accent,
    colorBackgroundLayoutToggleSelectedDefault: accent,
    colorBackgroundLayoutToggleSelectedHover: accentHover,
    colorBackgroundProgressBarValueDefault: accent,
    colorBackgroundSliderHandleDefault: accent,
    colorBackgroundSliderRangeDefault: accent,
    colorBackgroundNotificationBlue: accent,
  },
};

export type ModeName = "light" | "dark";
export type DensityName = "comfortable" | "compact";
export interface Look {
  mode: ModeName;
  density: DensityName;
}

const KEPT = "skywarden-look";
const listeners = new Set<() => void>();
let look: Look = read();

function read(): Look {
  const usual: Look = {
    mode: matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light",
    density: "comfortable",
  };
  try {
    return { ...usual, ...(JSON.parse(localStorage.getItem(KEPT) ?? "{}") as Partial<Look>) };
  } catch {
    return usual;
  }
}

function show(): void {
  applyMode(look.mode === "dark" ? Mode.Dark : Mode.Light);
  applyDensity(look.density === "compact" ? Density.Compact : Density.Comfortable);
  document.documentElement.dataset.mode = look.mode;
}

export function setLook(change: Partial<Look>): void {
  look = { ...look, ...change };
  localStorage.setItem(KEPT, JSON.stringify(look));
  show();
  listeners.forEach((tell) => tell());
}

export function useLook(): Look {
  return useSyncExternalStore(
    (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    () => look,
  );
}

export function startTheme(): void {
  applyTheme({ theme });
  show();
}
