import { MappedRegistrable } from '../document/construct/registrable-base.js'
import { registrable } from '../registry/decorators.js'
import type { Representer } from '../registry/hooks.js'
import type { Tag } from '../registry/tag.js'

/** Options of {@link RemoteEnvironment}; in YAML they are in snake case. */
export interface RemoteEnvironmentOptions {
  /** The path of the key with which the hosts reach each other. */
  key: string
  /** The address of the orchestrator that the factories see. */
  orchestratorIp: string
  /** The addresses of the factories that the orchestrator sees. */
  factoriesIps: string[]
  /** The user on all hosts. */
  user: string
  /** The user who started the run, on the computer where it was started. */
  localUser: string
  /** The address of the orchestrator that the outside sees, if it has one. */
  publicOrchestratorIp?: string | null
  /** The addresses of the factories that the outside sees, if they have them. */
  publicFactoriesIps?: string[] | null
}

/**
 * What a runnable on a cluster knows of it. Its YAML is that of flambé's class of the same name, key by key
 * (flambe/runnable/environment.py in asappresearch/flambe): a file written by either loads in the other.
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

// A call and no decorator: nothing that the root of the package imports needs tslib.
registrable('!RemoteEnvironment', { keys: 'snake_case', twin: true })(RemoteEnvironment)

type Name = keyof RemoteEnvironmentOptions

// By hand and not by a schema: the root of the package exports this class, and loads no library for it.
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
