/** Whether Node runs this, and not Bun or Deno. */
export const isNode = process.versions['bun'] === undefined && process.versions['deno'] === undefined
