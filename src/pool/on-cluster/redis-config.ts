/** What a Redis of a run is made of. */
export interface RedisSettings {
  /** The one address that it listens on. */
  readonly address: string
  readonly port: number
  readonly password: string
  /** Where its append-only file lies. */
  readonly folder: string
}

/** The only user, whose password ends with the run. */
export const redisUser = 'flambeau'

/**
 * The configuration of a Redis that keeps what it acknowledged, and lets in one user for the keys of queues.
 *
 * The default user is off for everyone, but has to keep its rights: in its name Redis replays its file.
 */
export function redisConfig({ address, port, password, folder }: RedisSettings): string {
  const lines = [
    `bind ${address}`,
    `port ${port}`,
    'protected-mode no',
    `dir "${folder.replace(/["\\]/g, '\\$&')}"`,
    'appendonly yes',
    'save ""',
    'maxmemory-policy noeviction',
    'user default off resetpass ~* &* +@all',
    `user ${redisUser} on >${password} ~flambeau:* &flambeau:* +@all -@admin -@dangerous +info`,
  ]
  return lines.map((line) => `${line}\n`).join('')
}

/** The URL with which workers and the engine connect. */
export function redisUrl({ address, port, password }: RedisSettings): string {
  const host = address.includes(':') ? `[${address}]` : address
  return `redis://${redisUser}:${password}@${host}:${port}`
}
