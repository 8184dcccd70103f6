import type { Operation } from '../wire/protocol.js'
import { isTreePath } from '../wire/tree-path.js'

type Check = (value: unknown) => boolean

const isText: Check = (value) => typeof value === 'string' && !value.includes('\0')
const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0
const isName =
  (pattern: RegExp): Check =>
  (value) =>
    typeof value === 'string' && pattern.test(value)
const isTree: Check = (value) => {
  const { files } = Object(value) as { files?: unknown }
  return Array.isArray(files) && files.every((file) => isTreePath(String(file?.path)) && isCount(file?.size))
}

/** The fields that lead to a place on this host, whichever question they belong to: a mistake there removes the wrong thing. */
const checks: Readonly<Record<string, Check>> = {
  cluster: isName(/^[A-Za-z0-9][\w.-]{0,63}$/),
  packageHash: isName(/^[0-9a-f]+$/),
  trees: (value) => Array.isArray(value) && value.every((path) => isTreePath(String(path))),
  manifest: isTree,
  path: isText,
  from: isText,
  to: isText,
  cwd: isText,
  paths: (value) => Array.isArray(value) && value.every(isText),
  commands: (value) => Array.isArray(value) && value.flat().every(isText),
  size: isCount,
  input: isCount,
  offset: isCount,
  tail: isCount,
  graceMs: isCount,
}

/** @throws Error when a question is none, or would lead to another place than it says. */
export function checkRequest(op: Operation, ask: unknown): void {
  if (typeof ask !== 'object' || ask === null) throw new Error(`"${op}" without a question`)
  for (const [name, value] of Object.entries(ask))
    if (value !== undefined && Object.hasOwn(checks, name) && !checks[name]!(value))
      throw new Error(`"${name}" of "${op}" is not valid`)
}
