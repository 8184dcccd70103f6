// Projects of YAML files for tests of files that are made of files.
import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after } from 'node:test'
import type { Problem } from 'flambeau'

/** A folder for the projects of one test file, which is removed after its tests. */
export class YamlProjects {
  readonly folder = mkdtempSync(join(tmpdir(), 'flambeau-yaml-'))
  #count = 0

  constructor() {
    after(() => rmSync(this.folder, { recursive: true, force: true }))
  }

  /** Writes files into a project of their own, and returns the path of the first. */
  async write(files: Record<string, string>): Promise<string> {
    const own = join(this.folder, String(this.#count++))
    await mkdir(own)
    await writeFile(join(own, 'package.json'), '{}')
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(own, name)), { recursive: true })
      await writeFile(join(own, name), text)
    }
    return join(own, Object.keys(files)[0]!)
  }
}

/** `file:line:column` with the file name alone. */
export function where({ file, line, column }: Pick<Problem, 'file' | 'line' | 'column'>): string {
  return `${file.split('/').at(-1)}:${line}:${column}`
}
