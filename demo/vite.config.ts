import { defineConfig } from "vite";

export default defineConfig({
  root: "demo",
  // relative addresses: the page is served from any path
  base: "./",
  build: {
    outDir: "../build/demo",
    emptyOutDir: true,
    target: "es2022",
    // one file for all parts but the writers of files: small, and there at once when a part is opened
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1000,
  },
});
