import type { Problem } from '../../errors.js'
import { currentRegistry } from '../../registry/default-registry.js'
import { inFileOrder } from '../problem-list.js'
import { parse } from '../read/parse.js'
import { defaultName, type ReadOptions } from '../read/read-options.js'
import { examine } from './examine.js'
import { tagAsKey } from './tag-as-key.js'

/**
 * Every problem of a text, in file order: syntax, tags, options.
 *
 * ```ts
 * for (const { line, column, message } of check(text)) console.log(`${line}:${column} ${message}`)
 * ```
 *
 * No user code is run but schemas. In the options of its parent, an object that only has the prototype of its
 * class stands for a tagged child, and issues beneath it are dropped.
 */
export function check(text: string, options: ReadOptions = {}): Problem[] {
  const { filename = defaultName, registry = currentRegistry(), onWarning } = options
  const parsed = parse(text, filename)
  const { problems, doubtful, warnings } = examine(parsed, registry)
  const untagged = parsed.documents.flatMap((document) => tagAsKey(document, parsed.source, registry))
  if (onWarning) for (const warning of warnings) onWarning(warning)
  return inFileOrder([...problems, ...doubtful, ...untagged])
}
