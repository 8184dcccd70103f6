import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ClusterError } from '../../../errors.js'

/** The settings of a Redis for a run. */
export interface RedisSettings {
  /** The only address that it listens on. */
  readonly address: string
  readonly port: number
  readonly password: string
  /** The folder of its append-only file. */
  readonly folder: string
  /** With a certificate, it takes TLS connections only. */
  readonly tls: Certificate | undefined
}

/** The only user. The password is made for the run. */
const redisUser = 'flambeau'

/**
 * The configuration of a Redis that keeps what it has acknowledged, and lets one user use the keys of queues.
 *
 * Nobody can log in as the default user, which must keep its rights all the same: Redis replays its file as this user.
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
    // Clients authenticate with the password.
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

const execute = promisify(execFile)

/** A self-signed certificate and its private key, as PEM. */
interface Certificate {
  readonly certificate: string
  readonly key: string
}

/** The files of a certificate, in the folder of a Redis. */
const certificateFile = 'certificate.pem'
const keyFile = 'key.pem'

/** Longer than any run. */
const validDays = 3650

/**
 * Makes a certificate for the addresses of a server, without writing it or its key to a file.
 *
 * @throws {@link ClusterError} when there is no `openssl`, or it fails.
 */
export async function makeCertificate(addresses: readonly string[]): Promise<Certificate> {
  const names = addresses.map((each) => `IP:${each}`).join(',')
  const request = ['req', '-x509', '-batch', '-subj', '/CN=flambeau', '-days', String(validDays)]
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', '-']
  const made = execute('openssl', [...request, ...key, '-addext', `subjectAltName=${names}`])
  const { stdout } = await made.catch((cause) => Promise.reject(certificateError(cause)))
  return { certificate: pemSection(stdout, 'CERTIFICATE'), key: pemSection(stdout, 'PRIVATE KEY') }
}

/** Writes the files of a certificate for a program that reads them as it starts; removes that of the key afterwards. */
export async function withCertificateFiles<T>(
  { certificate, key }: Certificate,
  folder: string,
  start: () => Promise<T>,
): Promise<T> {
  const [keyPath, mode] = [join(folder, keyFile), 0o600]
  try {
    await writeFile(join(folder, certificateFile), certificate, { mode })
    await writeFile(keyPath, key, { mode })
    return await start()
  } finally {
    await rm(keyPath, { force: true })
  }
}

function pemSection(text: string, kind: string): string {
  const [part = ''] = new RegExp(`-----BEGIN ${kind}-----[^-]*-----END ${kind}-----\n`).exec(text) ?? []
  return part
}

function certificateError(cause: Error & { code?: unknown; stderr?: string }): ClusterError {
  if (cause.code !== 'ENOENT')
    return new ClusterError(`"openssl" made no certificate: ${cause.stderr?.trim()}`, {
      code: 'NO_CERTIFICATE',
      cause,
    })
  const message =
    'The orchestrator has no "openssl", which makes the certificate of a Redis with "tls": install it ("apt-get install openssl", in "setup_cmds")'
  return new ClusterError(message, { code: 'NO_OPENSSL', cause })
}
