import { readFile } from 'node:fs/promises'
import { fromJson } from '../util/json.js'

/**
 * A result of more than 64 KB, which stays in a file of the machine that made it.
 *
 * ```ts
 * const value = result instanceof ResultFile ? await result.read() : result
 * ```
 */
export class ResultFile<T = unknown> {
  constructor(
    /** The absolute path, on the host where the task ran. */
    readonly path: string,
    /** The size of its JSON. */
    readonly bytes: number,
  ) {}

  /** Reads the result; works on the host where the task ran. */
  async read(): Promise<T> {
    return fromJson(await readFile(this.path, 'utf8'))
  }
}
