import { registrable } from './decorators.js'
import { defaultRegistry } from './default-registry.js'
import { type Importers, LazyTags, type TagOrigin } from './lazy-tags.js'
import type { Class, RegistrationOptions } from './registration.js'
import { Registry } from './registry.js'
import type { Tag } from './tag.js'

const registrableClass = ['MappedRegistrable', 'Registrable'] as const
const cluster = ['Checked', 'Cluster', 'Runnable', ...registrableClass] as const
const parameter = ['Checked', 'Parameter', ...registrableClass] as const

/** The tags of this package. Tests compare them with what the entry points register. */
export const ownTags: Readonly<Record<Tag, TagOrigin>> = {
  '!RemoteEnvironment': ['flambeau', 'RemoteEnvironment', ...registrableClass],
  '!LocalCluster': ['flambeau/cluster', 'LocalCluster', ...cluster],
  '!SSHCluster': ['flambeau/cluster', 'SSHCluster', ...cluster],
  '!SlurmCluster': ['flambeau/cluster', 'SlurmCluster', ...cluster],
  '!Asha': ['flambeau/pool', 'Asha', 'Checked', ...registrableClass],
  '!Sweep': ['flambeau/pool', 'Sweep', 'Checked', 'ClusterRunnable', 'Runnable', ...registrableClass],
  '!Tpe': ['flambeau/pool', 'Tpe', 'Checked', ...registrableClass],
  '!choice': ['flambeau/pool', 'Choice', 'Parameter', ...registrableClass],
  '!int': ['flambeau/pool', 'Int', ...parameter],
  '!logUniform': ['flambeau/pool', 'LogUniform', ...parameter],
  '!range': ['flambeau/pool', 'Range', ...parameter],
  '!uniform': ['flambeau/pool', 'Uniform', ...parameter],
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
