import { createRequire } from 'node:module'
import type { Yaml } from './static.js'

const require = createRequire(import.meta.url)

// Node searches a CommonJS file that is imported for its exports, which would take as long as half of an empty process.
require('reflect-metadata/lite')

let library: Yaml | undefined

/** The `yaml` package, loaded on first use: most files never need it, and it takes half of the startup time. */
export function yaml(): Yaml {
  library ??= require('yaml') as Yaml
  return library
}
