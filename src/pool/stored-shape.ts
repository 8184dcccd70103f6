import { ResourceError } from '../errors.js'

/** What a field of stored data is: `?` lets it be absent. */
type Kind = 'string' | 'number' | 'boolean' | 'object' | `${'string' | 'number' | 'boolean' | 'object'}?`

/** The fields of stored data. Others may be there. */
export type Shape = Readonly<Record<string, Kind>>

const kinds: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
  object: 'a mapping',
}

/** Says what is wrong with data that was stored, and perhaps edited since; nothing when it has its shape. */
export function misfit(stored: unknown, shape: Shape): string | undefined {
  if (!isObject(stored)) return 'it must be a mapping'
  for (const [name, kind] of Object.entries(shape)) {
    const value = stored[name]
    const [plain = ''] = kind.split('?')
    if (value === undefined && kind.endsWith('?')) continue
    if (!fits(value, plain))
      return value === undefined ? `"${name}" is missing` : `"${name}" must be ${kinds[plain]}`
  }
  return undefined
}

function fits(value: unknown, kind: string): boolean {
  if (kind === 'object') return isObject(value)
  return kind === 'number' ? Number.isFinite(value) : typeof value === kind
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The error for a file of results that was changed by something else. */
export function editedResults(where: string, why: string): ResourceError {
  const message = `${where} is not what was written there: ${why}; repair or remove it, or begin anew with "force" (as a flag "--force")`
  return new ResourceError(message, { code: 'EDITED_RESULTS' })
}
