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
  /** Classes to register under the tags that they declare; or classes by tag, which replace what has that tag. */
  readonly classes?: readonly Class[] | Readonly<Record<Tag, Class>>
  /** Values by key, by section; or the path of a file, or secrets that were read. */
  readonly secrets?: SecretValues | SecretsConfig | string
  /**
   * Extensions by name: a source, as in a file above `---`; or an imported module, whose classes get tags as if the module
   * were an extension.
   */
  readonly extensions?: Readonly<Record<string, string | object>>
  /** The name of the text in errors; relative paths of extensions start at its folder. */
  readonly filename?: string
}

/** The result of {@link runYaml}. */
export interface YamlRun<T = unknown> {
  /** The value, or the error, with the exit code. */
  readonly outcome: Outcome<T>
  /** Everything that was logged, by the runnable and about it. */
  readonly logs: readonly LogLine[]
  /** The runnable, if the text could be constructed. */
  readonly runnable?: Runnable<T, any>
}

/**
 * Runs the text of a runnable file as `runFile` does, in its own registry, and returns the outcome and the log.
 *
 * ```ts
 * const { outcome, logs } = await runYaml('!Greet { name: Ada }', { classes: [Greet], secrets: { MAIL: { KEY: 'k' } } })
 * assert.deepEqual(outcome, { ok: true, value: 'Hello Ada', exitCode: 0 })
 * assert.deepEqual(logs, [{ level: 'info', text: 'greeting Ada' }])
 * ```
 *
 * Errors of the text and of the run are in the outcome.
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

type CompleteOptions = RunYamlOptions & { registry: Registry; logger: MemoryLogger }

async function run<T>(text: string, options: CompleteOptions): Promise<Omit<YamlRun<T>, 'logs'>> {
  const content = withExtensions(text, sourcesIn(options.extensions ?? {}))
  const filename = options.filename ?? '<text>'
  const context = new SafeExecutionContext({ content, filename }, options)
  let runnable: Runnable<any, any> | undefined
  const outcome = await context.run<T>(async (complete) => {
    await importModules(options)
    runnable = (await context.preprocess(preprocessOptions(options))).runnable
    if (options.dryRun) return undefined as T
    return runnable.run({ ...complete, ...options.runOptions })
  }, pickRunOptions(options))
  return runnable ? { outcome, runnable } : { outcome }
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

async function importModules({ extensions = {}, registry }: CompleteOptions): Promise<void> {
  const modules = Object.entries(extensions).filter(([, source]) => typeof source === 'object')
  if (modules.length === 0) return
  const { registerExports } = await import('../extensions/index.js')
  for (const [name, module] of modules) registerExports(new Map(Object.entries(module)), name, registry)
}

function preprocessOptions({ secrets, ...options }: CompleteOptions) {
  const read = typeof secrets === 'string' || secrets === undefined ? secrets : configOf(secrets)
  return { ...options, secrets: read }
}

function configOf(secrets: SecretValues | SecretsConfig): SecretsConfig {
  return isConfig(secrets) ? secrets : secretsOf(secrets)
}

function isConfig(secrets: SecretValues | SecretsConfig): secrets is SecretsConfig {
  return typeof secrets['get'] === 'function'
}

/** Adds the declarations of extensions to a text, in one line above it. */
export function withExtensions(text: string, extensions: Readonly<Record<string, string>>): string {
  if (Object.keys(extensions).length === 0) return text
  const head = JSON.stringify(extensions)
  const begins = /^(?:[ \t]*(?:#.*)?\r?\n)*---/.test(text)
  return begins ? `${head}\n${text}` : `${head}\n---\n${text}`
}
