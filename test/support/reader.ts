import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** Somebody who reads a guide at a shell: in an empty folder, with an empty home folder. */
export class Reader {
  readonly #root = mkdtempSync(join(tmpdir(), 'flambeau-reader-'))
  readonly #environment: NodeJS.ProcessEnv
  /** The current folder of the shell; a `cd` changes it. */
  folder: string

  constructor(registry: string) {
    const home = join(this.#root, 'home')
    this.folder = join(this.#root, 'folder')
    for (const folder of [home, this.folder]) mkdirSync(folder)
    this.#environment = {
      PATH: process.env['PATH'],
      HOME: home,
      NO_COLOR: '1',
      npm_config_registry: registry,
      // Tarballs of other packages come straight from their registry.
      npm_config_replace_registry_host: 'never',
    }
  }

  write(name: string, text: string): void {
    const path = join(this.folder, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }

  /** Types lines into a shell, and returns what is printed on either stream; a line that fails is an error. */
  type(lines: string): Promise<string> {
    const script = `set -e; exec 2>&1\n${lines}\nprintf '\\0%s' "$PWD"`
    const options = { cwd: this.folder, env: this.#environment, timeout: 300_000, maxBuffer: 1 << 26 }
    return new Promise((done, fail) => {
      execFile('bash', ['-c', script], options, (error, printed) => {
        if (error) return fail(new Error(`"${lines.trim()}" failed (${error.code}):\n${printed}`))
        const end = printed.lastIndexOf('\0')
        this.folder = printed.slice(end + 1)
        done(printed.slice(0, end))
      })
    })
  }

  leave(): void {
    rmSync(this.#root, { recursive: true, force: true, maxRetries: 5 })
  }
}
