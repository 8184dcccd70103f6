import { MappedRegistrable } from '../document/construct/registrable-base.js'
import type { Representer } from '../registry/hooks.js'
import { ownRegistrable as registrable } from '../registry/own-tags.js'
import type { Tag } from '../registry/tag.js'

/** Options of {@link RemoteEnvironment}; in YAML they are in snake case. */
export interface RemoteEnvironmentOptions {
  /** The path of the key with which the hosts reach each other. */
  key: string
  /** The address of the orchestrator as the workers see it. */
  orchestratorIp: string
  /** The addresses of the workers as the orchestrator sees them. */
  factoriesIps: string[]
  /** The user on all hosts. */
  user: string
  /** The user who submitted the run, on the machine that submitted it. */
  localUser: string
  /** The public address of the orchestrator, if it has one. */
  publicOrchestratorIp?: string | null
  /** The public addresses of the workers, if they have any. */
  publicFactoriesIps?: string[] | null
}

/**
 * Describes a cluster to the runnable that runs on it. Its YAML has the keys of flambé's class of the same name
 * (flambe/runnable/environment.py in asappresearch/flambe): each loads the files of the other.
 *
 * ```ts
 * override async run() {
 *   const factories = this.env?.factoriesIps ?? []   // none, where there is no cluster
 * }
 * ```
 */
export class RemoteEnvironment extends MappedRegistrable {
  readonly key: string
  readonly orchestratorIp: string
  readonly factoriesIps: readonly string[]
  readonly user: string
  readonly localUser: string
  readonly publicOrchestratorIp?: string
  readonly publicFactoriesIps?: readonly string[]

  /** @throws TypeError when an option is missing, or of another type. */
  constructor(options: RemoteEnvironmentOptions) {
    super(options)
    this.key = text(options, 'key')
    this.orchestratorIp = text(options, 'orchestratorIp')
    this.factoriesIps = texts(options, 'factoriesIps')
    this.user = text(options, 'user')
    this.localUser = text(options, 'localUser')
    if (isGiven(options, 'publicOrchestratorIp'))
      this.publicOrchestratorIp = text(options, 'publicOrchestratorIp')
    if (isGiven(options, 'publicFactoriesIps')) this.publicFactoriesIps = texts(options, 'publicFactoriesIps')
  }

  static override toYaml(representer: Representer, value: RemoteEnvironment, tag: Tag) {
    return representer.representMapping(tag, {
      key: value.key,
      orchestrator_ip: value.orchestratorIp,
      factories_ips: value.factoriesIps,
      public_orchestrator_ip: value.publicOrchestratorIp ?? null,
      public_factories_ips: value.publicFactoriesIps ?? null,
      user: value.user,
      local_user: value.localUser,
    })
  }
}

// A call and not a decorator: the root of the package exports this class, and importing it must not load tslib.
registrable('!RemoteEnvironment', { keys: 'snake_case', twin: true })(RemoteEnvironment)

type Name = keyof RemoteEnvironmentOptions

// Checked by hand: the root of the package exports this class, and must not load a schema library.
function text(options: RemoteEnvironmentOptions, name: Name): string {
  const value = required(options, name)
  if (typeof value === 'string') return value
  throw wrong(name, `must be a string, but is ${described(value)}`)
}

function texts(options: RemoteEnvironmentOptions, name: Name): string[] {
  const value = required(options, name)
  if (!Array.isArray(value)) throw wrong(name, `must be a list of strings, but is ${described(value)}`)
  const index = value.findIndex((item) => typeof item !== 'string')
  if (index < 0) return [...value]
  throw wrong(name, `must be a list of strings, but item ${index + 1} is ${described(value[index])}`)
}

function required(options: RemoteEnvironmentOptions, name: Name): unknown {
  if (isGiven(options, name)) return options[name]
  throw wrong(name, 'is missing')
}

function isGiven(options: RemoteEnvironmentOptions, name: Name): boolean {
  return options?.[name] !== undefined && options[name] !== null
}

function described(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'a mapping' : `the ${typeof value} ${JSON.stringify(value)}`
}

function wrong(name: Name, reason: string): TypeError {
  const key = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  const inCode = key === name ? '' : ` ("${name}" in code)`
  return new TypeError(`option "${key}" ${reason}${inCode}`)
}
