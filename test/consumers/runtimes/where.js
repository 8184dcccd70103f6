import { Runnable, registrable } from 'flambeau'

/** Returns what runs it. */
export class Where extends Runnable {
  run() {
    const { bun, deno } = process.versions
    if (bun) return 'bun'
    return deno ? 'deno' : 'node'
  }
}
registrable('!Where')(Where)
