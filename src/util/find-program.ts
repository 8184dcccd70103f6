import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The folders in PATH. */
export function programFolders(): string[] {
  return (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
}

/** The path of a program; `undefined` if there is none. This is much faster than trying to start it. */
export function findProgram(name: string): string | undefined {
  return programFolders()
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path))
}
