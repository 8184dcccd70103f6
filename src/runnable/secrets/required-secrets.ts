import { nodeProblem } from '../../document/problems.js'
import { MissingSecretsError, type Problem } from '../../errors.js'
import { isApplicationTag } from '../../node.js'
import { reportProblems } from '../../problem-report.js'
import type { Class } from '../../registry/registration.js'
import type { Registry } from '../../registry/registry.js'
import { isRunnable } from '../runnable.js'
import type { RunnableFile } from '../runnable-file.js'
import { requiredSecretsOf } from '../statics.js'
import { emptySecrets, type SecretsConfig, tableOf } from './secrets.js'
import { missingSecrets } from './secrets-errors.js'

/**
 * Checks that there are the secrets that the classes in a file require. The tags decide, not objects: so the runnables in
 * templates, such as the trials of a sweep, are checked as well, and before anything is constructed.
 *
 * @throws {@link MissingSecretsError} with all that are missing, each at the first node that requires it.
 * @throws {@link RegistrationError} when the `static secrets` of a class is wrong.
 */
export function expectSecrets(
  { source, document }: RunnableFile,
  registry: Registry,
  secrets: SecretsConfig = emptySecrets(),
): void {
  const reported = new Set<string>()
  const problems: Problem[] = []
  for (const node of document.tagged)
    for (const { code, message } of missingOf(classOf(node.tag, registry), secrets)) {
      if (reported.has(message)) continue
      reported.add(message)
      problems.push(
        nodeProblem(
          node,
          source,
          code,
          `"${node.tag}" needs secrets: ${message[0]!.toLowerCase()}${message.slice(1)}`,
        ),
      )
    }
  if (problems.length > 0) throw new MissingSecretsError(reportProblems(problems), { problems })
}

function classOf(tag: string | undefined, registry: Registry): Class | undefined {
  const Class = isApplicationTag(tag) ? registry.get(tag)?.Class : undefined
  return Class && isRunnable(Class.prototype) ? Class : undefined
}

function missingOf(Class: Class | undefined, secrets: SecretsConfig): { code: string; message: string }[] {
  const required = Class && requiredSecretsOf(Class)
  if (!required) return []
  return Object.entries(required).flatMap(([section, keys]) => {
    const missing = keys.filter((key) => !secrets.has(section, key))
    if (secrets.has(section) && missing.length === 0) return []
    return missingSecrets(tableOf(secrets), section, missing)
  })
}
