// A package of a user's own in a folder, with flambeau as its one dependency.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

/** How a command ended. */
export interface CommandEnd {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The package; {@link UserPackage.end} removes it. */
export class UserPackage {
  readonly folder: string

  constructor(name: string) {
    this.folder = mkdtempSync(join(tmpdir(), `flambeau-${name}-`))
    this.file('package.json', `{ "name": "${name}", "version": "1.0.0", "type": "module" }\n`)
    mkdirSync(join(this.folder, 'node_modules'))
    symlinkSync(process.cwd(), join(this.folder, 'node_modules/flambeau'))
  }

  /** Writes a file, and gives its path. */
  file(name: string, content: string): string {
    const path = join(this.folder, name)
    writeFileSync(path, content)
    return path
  }

  end(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** What a command prints, and how it ends. */
export async function endOf(child: ChildProcess): Promise<CommandEnd> {
  const end = once(child, 'close')
  const [stdout, stderr] = await Promise.all([text(child.stdout!), text(child.stderr!)])
  const [code] = await end
  return { code, stdout, stderr }
}
