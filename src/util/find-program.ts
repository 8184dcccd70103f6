import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The folders in which this host looks for programs. */
export function programFolders(): string[] {
  return (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
}

/** The path of a program; nothing where there is none: looking costs far less than trying to start it. */
export function findProgram(name: string): string | undefined {
  return programFolders()
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path))
}
