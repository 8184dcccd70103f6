import { currentRegistry } from '../registry/default-registry.js'
import type { Class } from '../registry/registration.js'
import type { Registry } from '../registry/registry.js'
import type { Tag } from '../registry/tag.js'
import { SafeExecutionContext } from '../runnable/context.js'
import type { Outcome } from '../runnable/outcome.js'
import type { RunFileOptions } from '../runnable/run-file.js'
import { pickRunOptions } from '../runnable/run-options.js'
import type { Runnable } from '../runnable/runnable.js'
import { type SecretsConfig, type SecretValues, secretsOf } from '../runnable/secrets/secrets.js'
import { type LogLine, MemoryLogger } from './memory-logger.js'
import { within } from './with-registry.js'

/** Options of {@link runYaml}, besides those of `runFile`. */
export interface RunYamlOptions extends Omit<RunFileOptions, 'secrets' | 'logger'> {
  /** Classes to register, under the tags that they declare; or by tag, in place of whatever has that tag. */
  readonly classes?: readonly Class[] | Readonly<Record<Tag, Class>>
  /** Values by key by section; or the path of a file, or secrets that were read. */
  readonly secrets?: SecretValues | SecretsConfig | string
  /**
   * Extensions by name: where one comes from, as a file says it above `---`; or a module that was imported, whose
   * classes get tags as if it were an extension.
   */
  readonly extensions?: Readonly<Record<string, string | object>>
  /** What errors call the text; where relative paths of extensions begin. */
  readonly filename?: string
}

/** What became of a text. */
export interface YamlRun<T = unknown> {
  /** The value, or the error, with the exit code. */
  readonly outcome: Outcome<T>
  /** What was logged, by the runnable and about it. */
  readonly logs: readonly LogLine[]
  /** What the text was constructed to, if it came so far. */
  readonly runnable?: Runnable<T, any>
}

/**
 * Runs the text of a runnable file as `runFile` does, in a registry of its own, and tells what became of it.
 *
 * ```ts
 * const { outcome, logs } = await runYaml('!Greet { name: Ada }', { classes: [Greet], secrets: { MAIL: { KEY: 'k' } } })
 * assert.deepEqual(outcome, { ok: true, value: 'Hello Ada', exitCode: 0 })
 * assert.deepEqual(logs, [{ level: 'info', text: 'greeting Ada' }])
 * ```
 *
 * What the text or the run has wrong is in the outcome.
 *
 * @throws `RegistrationError` when `classes` cannot be registered.
 */
export async function runYaml<T = unknown>(text: string, options: RunYamlOptions = {}): Promise<YamlRun<T>> {
  const registry = (options.registry ?? currentRegistry()).child()
  register(options.classes ?? [], registry)
  const logger = new MemoryLogger()
  const made = await within(registry, () => run<T>(text, { ...options, registry, logger }))
  return { ...made, logs: logger.lines }
}

type Given = RunYamlOptions & { registry: Registry; logger: MemoryLogger }

async function run<T>(text: string, given: Given): Promise<Omit<YamlRun<T>, 'logs'>> {
  const content = withExtensions(text, sourcesIn(given.extensions ?? {}))
  const filename = given.filename ?? '<text>'
  const context = new SafeExecutionContext({ content, filename }, given)
  let runnable: Runnable<any, any> | undefined
  const outcome = await context.run<T>(async (complete) => {
    await importModules(given)
    runnable = (await context.preprocess(preprocessOptions(given))).runnable
    if (given.dryRun) return undefined as T
    return runnable.run({ ...complete, ...given.runOptions })
  }, pickRunOptions(given))
  return { outcome, ...(runnable && { runnable }) }
}

function register(classes: readonly Class[] | Readonly<Record<Tag, Class>>, registry: Registry): void {
  if (Array.isArray(classes)) for (const Class of classes) registry.add(Class)
  else for (const [tag, Class] of Object.entries(classes)) registry.add(Class, tag as Tag, { override: true })
}

function sourcesIn(extensions: Readonly<Record<string, string | object>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(extensions).flatMap(([name, source]) =>
      typeof source === 'string' ? [[name, source]] : [],
    ),
  )
}

async function importModules({ extensions = {}, registry }: Given): Promise<void> {
  const modules = Object.entries(extensions).filter(([, source]) => typeof source === 'object')
  if (modules.length === 0) return
  const { registerExports } = await import('../extensions/index.js')
  for (const [name, module] of modules) registerExports(new Map(Object.entries(module)), name, registry)
}

function preprocessOptions({ secrets, ...options }: Given) {
  const read = typeof secrets === 'string' || secrets === undefined ? secrets : configOf(secrets)
  return { ...options, ...(read !== undefined && { secrets: read }) }
}

function configOf(secrets: SecretValues | SecretsConfig): SecretsConfig {
  return isConfig(secrets) ? secrets : secretsOf(secrets)
}

function isConfig(secrets: SecretValues | SecretsConfig): secrets is SecretsConfig {
  return typeof secrets['get'] === 'function'
}

/** A runnable file: a text below the extensions that it shall declare, which take one line. */
export function withExtensions(text: string, extensions: Readonly<Record<string, string>>): string {
  if (Object.keys(extensions).length === 0) return text
  const head = JSON.stringify(extensions)
  const begins = /^(?:[ \t]*(?:#.*)?\r?\n)*---/.test(text)
  return begins ? `${head}\n${text}` : `${head}\n---\n${text}`
}
