import { MappedRegistrable } from '../document/construct/registrable-base.js'
import type { Representer } from '../registry/hooks.js'
import { registrable } from '../registry/registrable.js'
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

  /** @throws TypeError when an option is missing. */
  constructor(options: RemoteEnvironmentOptions) {
    super(options)
    this.key = required(options, 'key')
    this.orchestratorIp = required(options, 'orchestratorIp')
    this.factoriesIps = [...required(options, 'factoriesIps')]
    this.user = required(options, 'user')
    this.localUser = required(options, 'localUser')
    if (options.publicOrchestratorIp) this.publicOrchestratorIp = options.publicOrchestratorIp
    if (options.publicFactoriesIps) this.publicFactoriesIps = [...options.publicFactoriesIps]
  }

  static toYaml(representer: Representer, value: RemoteEnvironment, tag: Tag) {
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

function required<K extends keyof RemoteEnvironmentOptions>(options: RemoteEnvironmentOptions, name: K) {
  const value = options?.[name]
  if (value !== undefined && value !== null) return value as NonNullable<RemoteEnvironmentOptions[K]>
  const key = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  throw new TypeError(`option "${key}" is missing${key === name ? '' : ` ("${name}" in code)`}`)
}
