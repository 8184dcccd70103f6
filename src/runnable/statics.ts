import { RegistrationError } from '../errors.js'
import type { Class } from '../registry/registration.js'
import { isMapping } from '../util/plain-object.js'
import { needsOf } from './needs.js'
import type { RequiredSecrets } from './secrets/secrets.js'

/**
 * Checks what a class of runnables states in its statics.
 *
 * @throws {@link RegistrationError} when one of them is wrong.
 */
export function expectStatics(Class: Class): void {
  requiredSecretsOf(Class)
  requiredFilesOf(Class)
  needsOf(Class)
}

/** The `static secrets` of a class of runnables. */
export function requiredSecretsOf(Class: Class): RequiredSecrets | undefined {
  const { secrets } = Class as { secrets?: unknown }
  if (secrets === undefined || isRequired(secrets)) return secrets
  const message = `The static "secrets" of class "${Class.name}" must be lists of keys by section: write "static secrets = { AWS: ['ACCESS_KEY'] }"`
  throw new RegistrationError(message, { code: 'BAD_STATIC_SECRETS' })
}

function isRequired(value: unknown): value is RequiredSecrets {
  const isKeys = (keys: unknown): boolean =>
    Array.isArray(keys) && keys.every((key) => typeof key === 'string' && key !== '')
  return isMapping(value) && Object.values(value).every(isKeys)
}

/** The `static files` of a class of runnables. */
export function requiredFilesOf(Class: Class): readonly string[] {
  const { files = [] } = Class as { files?: unknown }
  if (isFilePatterns(files)) return files
  const message = `The static "files" of class "${Class.name}" must be a list of paths and patterns: write "static files = ['data/*.csv']"`
  throw new RegistrationError(message, { code: 'BAD_STATIC_FILES' })
}

/** Whether a value is a list of paths and patterns. */
export function isFilePatterns(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string' && each !== '')
}
