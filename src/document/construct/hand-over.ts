import { shared } from '../../registry/default-registry.js'
import type { StandardSchema } from '../../registry/standard-schema.js'

/** Calls `make`, whose constructor need not ask `schema` again for what it made of the options. */
export function handOver<T>(options: unknown, schema: StandardSchema, make: () => T): T {
  shared.handedOver = { options, schema }
  try {
    return make()
  } finally {
    shared.handedOver = undefined
  }
}

/** Whether these very options come from this very schema, on their way to the constructor that asks; once. */
export function isHandedOver(options: unknown, schema: StandardSchema): boolean {
  const { handedOver } = shared
  if (!handedOver || handedOver.schema !== schema || !Object.is(handedOver.options, options)) return false
  shared.handedOver = undefined
  return true
}
