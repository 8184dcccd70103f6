import type { Problem } from '../../errors.js'
import type { Registry } from '../../registry/registry.js'
import type { Source } from '../../source.js'
import { spanOf } from '../problems.js'
import type { ParsedDocument } from '../read/parsed.js'

/**
 * Finds a tag at the top that was written without its "!": `Train:` for `!Train`.
 *
 * A key in quotes is meant as a key.
 */
export function tagAsKey({ root }: ParsedDocument, source: Source, registry: Registry): Problem[] {
  if (root.kind !== 'mapping' || root.tag !== undefined || root.entries.length !== 1) return []
  const [{ key, value }] = root.entries as [(typeof root.entries)[number]]
  if (key.kind !== 'scalar' || !key.plain || typeof key.value !== 'string' || key.tag !== undefined) return []
  const tag = `!${key.value}`
  if (!registry.has(tag) || (value.kind !== 'mapping' && (value.kind !== 'scalar' || value.value !== null)))
    return []
  const message = `"${key.value}" is a key here, not a tag: write "${tag}" in place of "${key.value}:", or the key in quotes`
  return [source.problem('KEY_IS_TAG', message, spanOf(key), tag)]
}
