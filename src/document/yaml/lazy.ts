import { createRequire } from 'node:module'
import type { Yaml } from './static.js'

let library: Yaml | undefined

/** The `yaml` package, loaded on first use: most files never need it, and it takes half of the startup time. */
export function yaml(): Yaml {
  library ??= createRequire(import.meta.url)('yaml') as Yaml
  return library
}
