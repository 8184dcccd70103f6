import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

let own: string | undefined

/** The folder in which this package is installed; asked when it is needed, since in a bundle there is none. */
export function ownFolder(): string {
  own ??= packageAbove(dirname(fileURLToPath(import.meta.url)))
  return own
}

// Wherever it is installed, even in a home folder.
function packageAbove(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : packageAbove(dirname(folder))
}
