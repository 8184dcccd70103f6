import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The nearest folder upwards that has a `package.json`; without any, the folder itself. */
export function packageAbove(folder: string): string {
  for (let at = folder; at !== dirname(at); at = dirname(at))
    if (existsSync(join(at, 'package.json'))) return at
  return folder
}

let own: string | undefined

/** The folder in which this package is installed; asked when it is needed, since in a bundle there is none. */
export function ownFolder(): string {
  own ??= packageAbove(dirname(fileURLToPath(import.meta.url)))
  return own
}
