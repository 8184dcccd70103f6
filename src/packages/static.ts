import 'reflect-metadata/lite'
import * as library from 'yaml'

/** The `yaml` package. */
export type Yaml = typeof library

/** The `yaml` package, for bundlers, which need a static import. */
export function yaml(): Yaml {
  return library
}
