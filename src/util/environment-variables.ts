import { isMapping } from './plain-object.js'
import { isSecretVariable } from './private-names.js'

/** What environment variables must be, as the end of a message. */
export const notVariables = 'must be a mapping such as "{ OMP_NUM_THREADS: 2 }"'

/** Why a value is no mapping of environment variables to set, as the end of a message; `undefined` when it is one. */
export function variablesMistake(variables: unknown): string | undefined {
  if (!isMapping(variables)) return notVariables
  for (const [name, value] of Object.entries(variables)) {
    if (!/^[A-Za-z_]\w*$/.test(name)) return `has "${name}", which is not the name of an environment variable`
    if (/^FLAMBEAU_/i.test(name)) return `sets "${name}", which flambeau sets itself: remove it`
    if (isSecretVariable(name))
      return `sets "${name}", which looks like a secret: put it into the secrets, since the variables are stored as they are`
    const isText = typeof value === 'string' && !value.includes('\0')
    if (!isText && !Number.isFinite(value)) return `must have a text or a number for "${name}"`
  }
  return undefined
}

/** Environment variables as a process gets them. */
export function variableTexts(variables: Readonly<Record<string, string | number>>): Record<string, string> {
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, String(value)]))
}
