import { registrable } from './decorators.js'
import { defaultRegistry } from './default-registry.js'
import { type Importers, LazyTags, type TagOrigin } from './lazy-tags.js'
import type { Class, RegistrationOptions } from './registration.js'
import { Registry } from './registry.js'
import type { Tag } from './tag.js'

/** The tags of this package. A test compares them with what the entry points register. */
export const ownTags: Readonly<Record<Tag, TagOrigin>> = {
  '!RemoteEnvironment': ['flambeau', 'RemoteEnvironment'],
  '!LocalCluster': ['flambeau/cluster', 'LocalCluster'],
  '!SSHCluster': ['flambeau/cluster', 'SSHCluster'],
  '!Asha': ['flambeau/pool', 'Asha'],
  '!Sweep': ['flambeau/pool', 'Sweep'],
  '!Tpe': ['flambeau/pool', 'Tpe'],
  '!choice': ['flambeau/pool', 'Choice'],
  '!int': ['flambeau/pool', 'Int'],
  '!logUniform': ['flambeau/pool', 'LogUniform'],
  '!range': ['flambeau/pool', 'Range'],
  '!uniform': ['flambeau/pool', 'Uniform'],
}

let lazyTags: LazyTags | undefined

/** Adds the tags of this package to the default registry, for a program whose files may use all of them. */
export async function addOwnTags(importers: Importers): Promise<void> {
  if (lazyTags) return
  const tags = new LazyTags(ownTags, importers, defaultRegistry)
  // Another copy of this package may have made the registry. Where no ES module can be required, code may need a tag and cannot wait.
  if (!(defaultRegistry instanceof Registry) || !requiresModules()) return tags.import(tags.tags())
  lazyTags = tags
  defaultRegistry.addLazily(tags)
}

/** Imports all tags of this package that are not imported yet. */
export async function importOwnTags(): Promise<void> {
  await lazyTags?.import(lazyTags.tags())
}

function requiresModules(): boolean {
  return Boolean((process.features as { readonly require_module?: boolean }).require_module)
}

/** Registers a class of this package, as `registrable` does. */
export const ownRegistrable: typeof registrable = ((tag: Tag, options?: RegistrationOptions) =>
  (Class: Class, context?: never): Class =>
    registrable(tag, { ...options, ...lazyTags?.claim(tag) })(Class as never, context)) as typeof registrable
