import type { StandardSchema } from './standard-schema.js'
import type { ResolvedTag } from './types.js'

/** The schema of what a tag stands for: that of the class, or of its factory. */
export function schemaOf({ definition, factory }: ResolvedTag): StandardSchema | undefined {
  return factory === undefined ? definition.schema : definition.factories.get(factory)?.schema
}
