/** How much longer than usual fuzz tests run: `FLATVOL_FUZZ=20 npx vitest run --project node`. */
export const LONGER = Number(globalThis.process?.env?.FLATVOL_FUZZ ?? 1);
