import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Writable } from 'node:stream'
import type { Redis, RedisOptions } from 'ioredis'
import { FlambeauError } from '../../../errors.js'
import { deferred } from '../../../util/concurrency.js'
import { mistakeCode, unavailableCode } from '../../../util/exit-codes.js'
import { loadPackages } from './packages.js'

/** The address of Redis. */
export interface RedisAddress {
  /** The URL of Redis or Valkey: `redis://:password@host:6379`, `rediss://` for TLS. */
  redis: string
  /**
   * For `rediss://`: the certificate of its authority, or of the server itself, as PEM or the path of a file. When
   * absent, the authorities that Node trusts.
   */
  ca?: string
}

/** The longest pause between two attempts to reconnect. */
const maxRetryMs = 1000
/** How long a connection may take: a firewall that drops packets gives no answer at all. */
const connectTimeoutMs = 3000

/**
 * Connects to Redis or Valkey, and reconnects whenever the connection is lost.
 *
 * @throws {@link FlambeauError} when Redis cannot be reached now; the message has no password.
 */
export async function connect({ redis: url, ca }: RedisAddress): Promise<Redis> {
  const { Redis } = await loadPackages()
  const redis = new Redis(validUrl(url), {
    lazyConnect: true,
    connectTimeout: connectTimeoutMs,
    maxRetriesPerRequest: null,
    retryStrategy: (times) => Math.min(times * 100, maxRetryMs),
    ...(await tlsOptions(url, ca)),
  })
  // Without a listener, Node would end the process when the connection is lost. Commands wait meanwhile.
  redis.on('error', () => {})
  writeTogether(redis)
  await connectOnce(redis, url)
  return redis
}

/**
 * Makes a connection write the commands of one turn of the event loop together. Redis then answers them together, so that the jobs
 * in the answers go to the workers, and their results to Redis, in groups: a write of its own costs more than what it says.
 */
function writeTogether(redis: Redis): void {
  const send = redis.sendCommand
  redis.sendCommand = (...command) => {
    holdWrites((redis as unknown as { readonly stream?: Writable }).stream)
    return send.apply(redis, command)
  }
}

function holdWrites(stream: Writable | undefined): void {
  if (!stream || stream.writableCorked > 0) return
  stream.cork()
  setImmediate(() => stream.uncork())
}

async function tlsOptions(url: string, ca: string | undefined): Promise<Pick<RedisOptions, 'tls'>> {
  if (ca === undefined) return {}
  if (new URL(url).protocol === 'redis:')
    throw badUrl('"ca" needs TLS, but the URL of Redis does not ask for it')
  return { tls: { ca: await readCertificates(ca) } }
}

async function connectOnce(redis: Redis, url: string): Promise<void> {
  try {
    const { promise: failure, reject } = deferred<never>()
    redis.once('error', reject)
    await Promise.race([redis.connect().then(() => redis.ping()), failure])
  } catch (cause) {
    redis.disconnect()
    // It holds the arguments of AUTH: the password.
    delete (cause as { command?: unknown }).command
    throw unreachable(url, cause as Error)
  }
}

function validUrl(url: string): string {
  if (!URL.canParse(url) || !/^rediss?:$/.test(new URL(url).protocol))
    throw badUrl('The URL of Redis is not valid')
  if (!isDecodable(url))
    throw badUrl('The URL of Redis has a "%" without two hex digits (write "%25" for "%")')
  return url
}

// "ioredis" decodes all of these, and throws an error with the password in it.
function isDecodable(url: string): boolean {
  const { username, password, pathname, search } = new URL(url)
  try {
    for (const part of [username, password, pathname, search]) decodeURIComponent(part)
    return true
  } catch {
    return false
  }
}

export function badUrl(what: string): FlambeauError {
  const message = `${what}: write "redis://:password@host:6379", or "rediss://" for TLS`
  return new FlambeauError(message, { code: 'BAD_REDIS_URL', exitCode: mistakeCode })
}

function unreachable(url: string, cause: Error): FlambeauError {
  const { host, protocol } = new URL(url)
  const what = protocol === 'redis:' ? 'its URL and password' : 'its URL, password and certificate ("ca")'
  const message = `Redis cannot be used at "${host}" (${cause.message}): start it, or check ${what}`
  return new FlambeauError(message, { code: 'REDIS_UNREACHABLE', exitCode: unavailableCode, cause })
}

const pemHeader = '-----BEGIN CERTIFICATE-----'

/**
 * The PEM text of certificates, which are given as this text or as the path of a file.
 *
 * @throws {@link FlambeauError} when there is no certificate.
 */
export async function readCertificates(ca: string): Promise<string> {
  if (ca.includes(pemHeader)) return validCertificates(ca, 'The text of "ca"')
  const text = await readFile(ca, 'utf8').catch((cause) => {
    throw badCertificate(`The file "${ca}" cannot be read (${cause.code})`, cause)
  })
  return validCertificates(text, `"${ca}"`)
}

function validCertificates(text: string, what: string): string {
  try {
    new X509Certificate(text)
    return text
  } catch (cause) {
    throw badCertificate(`${what} is not a certificate`, cause)
  }
}

function badCertificate(what: string, cause: unknown): FlambeauError {
  const message = `${what}: set "ca" to the path of a PEM file, or to its text with "${pemHeader}"`
  return new FlambeauError(message, { code: 'BAD_CERTIFICATE', exitCode: mistakeCode, cause })
}
