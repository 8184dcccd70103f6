import { join } from 'node:path'
import { type Certificate, certificateFile, keyFile } from './redis-certificate.js'

/** What a Redis of a run is made of. */
export interface RedisSettings {
  /** The one address that it listens on. */
  readonly address: string
  readonly port: number
  readonly password: string
  /** Where its append-only file lies. */
  readonly folder: string
  /** With one, nothing but TLS is taken. */
  readonly tls?: Certificate
}

/** The only user, whose password ends with the run. */
const redisUser = 'flambeau'

/**
 * The configuration of a Redis that keeps what it acknowledged, and lets in one user for the keys of queues.
 *
 * The default user is off for everyone, but has to keep its rights: in its name Redis replays its file.
 */
export function redisConfig({ address, port, password, folder, tls }: RedisSettings): string {
  const lines = [
    `bind ${address}`,
    ...(tls ? tlsLines(port, folder) : [`port ${port}`]),
    'protected-mode no',
    `dir ${quoted(folder)}`,
    'appendonly yes',
    'save ""',
    'maxmemory-policy noeviction',
    'user default off resetpass ~* &* +@all',
    `user ${redisUser} on >${password} ~flambeau:* &flambeau:* +@all -@admin -@dangerous +info`,
  ]
  return lines.map((line) => `${line}\n`).join('')
}

function tlsLines(port: number, folder: string): string[] {
  return [
    'port 0',
    `tls-port ${port}`,
    `tls-cert-file ${quoted(join(folder, certificateFile))}`,
    `tls-key-file ${quoted(join(folder, keyFile))}`,
    // Clients have a password.
    'tls-auth-clients no',
  ]
}

function quoted(path: string): string {
  return `"${path.replace(/["\\]/g, '\\$&')}"`
}

/** The URL with which workers and the engine connect. */
export function redisUrl({ address, port, password, tls }: RedisSettings): string {
  const host = address.includes(':') ? `[${address}]` : address
  return `${tls ? 'rediss' : 'redis'}://${redisUser}:${password}@${host}:${port}`
}
