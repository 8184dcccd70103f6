import * as library from 'yaml'

/** The `yaml` package. */
export type Yaml = typeof library

/** The `yaml` package: this is what bundlers take, which must see the import. */
export function yaml(): Yaml {
  return library
}
