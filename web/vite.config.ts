import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";
import { licences } from "./scripts/licences.mjs";

const server = process.env.SKYWARDEN_URL ?? "http://127.0.0.1:8787";

// Cloudscape brings Open Sans inside its styles; we bring our own font, and fetch only the letters that are shown.
const noOpenSans: Plugin = {
  name: "no-open-sans",
  enforce: "pre",
  transform(code, id) {
    if (!/global-styles\/.*\.css/.test(id)) return undefined;
    return { code: code.replace(/@font-face\s*\{[^}]*\}/g, ""), map: null };
  },
};

export default defineConfig({
  plugins: [noOpenSans, react(), licences()],
  build: {
    target: "es2022",
    // Data URIs would be styles and pictures that no cache keeps apart.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
    rollupOptions: {
      output: {
        manualChunks(id) {
          if (/node_modules\/(echarts|zrender)\//.test(id)) return "charts";
          if (/node_modules\/(@codemirror|@lezer)\//.test(id)) return "editor";
          return undefined;
        },
      },
    },
  },
  server: { proxy: { "/api": server, "/healthz": server, "/metrics": server } },
});
