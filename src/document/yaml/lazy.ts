import { createRequire } from 'node:module'
import type { Yaml } from './static.js'

let library: Yaml | undefined

/** The `yaml` package, loaded when it is first needed: most files never need it, and it takes half of the start. */
export function yaml(): Yaml {
  library ??= createRequire(import.meta.url)('yaml') as Yaml
  return library
}
