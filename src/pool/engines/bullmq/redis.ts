import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Redis, RedisOptions } from 'ioredis'
import { FlambeauError } from '../../../errors.js'
import { mistakeCode } from '../../../util/exit-codes.js'
import { loadPackages } from './packages.js'

/** Where Redis is, and how it is known to be the right one. */
export interface RedisAddress {
  /** The URL of Redis or Valkey: `redis://:password@host:6379`, `rediss://` for TLS. */
  redis: string
  /**
   * For `rediss://`: the certificate of who vouches for it, or of itself, as PEM or the path of a file; those that Node
   * trusts when absent.
   */
  ca?: string
}

/** Milliseconds between two attempts to reach a Redis that went away. */
const maxRetryMs = 1000
/** Milliseconds that a connection may take: where packets are dropped there is no answer at all. */
const connectTimeoutMs = 3000

/**
 * Connects to Redis or Valkey, and connects again whenever it comes back.
 *
 * @throws {@link FlambeauError} when it cannot be reached now; the message has no password.
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
  // Without a listener, Node would end the process; commands wait until it is back.
  redis.on('error', () => {})
  await connectOnce(redis, url)
  return redis
}

async function tlsOptions(url: string, ca: string | undefined): Promise<Pick<RedisOptions, 'tls'>> {
  if (ca === undefined) return {}
  if (new URL(url).protocol === 'redis:')
    throw badUrl('Redis is to show a certificate of "ca", but not by TLS')
  return { tls: { ca: await readCertificates(ca) } }
}

async function connectOnce(redis: Redis, url: string): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      redis.once('error', reject)
      redis
        .connect()
        .then(() => redis.ping())
        .then(() => resolve(), reject)
    })
  } catch (cause) {
    redis.disconnect()
    // The arguments of AUTH: the password.
    delete (cause as { command?: unknown }).command
    throw unreachable(url, cause as Error)
  }
}

function validUrl(url: string): string {
  if (!URL.canParse(url) || !/^rediss?:$/.test(new URL(url).protocol))
    throw badUrl('The URL of Redis is none')
  if (!isDecodable(url))
    throw badUrl('The URL of Redis has a "%" that begins no escape (write "%25" for "%")')
  return url
}

// "ioredis" decodes all of these, and throws what has the password in it.
function isDecodable(url: string): boolean {
  const { username, password, pathname, search } = new URL(url)
  try {
    for (const part of [username, password, pathname, search]) decodeURIComponent(part)
    return true
  } catch {
    return false
  }
}

/** A mistake in the URL of Redis. */
export function badUrl(what: string): FlambeauError {
  const message = `${what}: write "redis://:password@host:6379", or "rediss://" for TLS`
  return new FlambeauError(message, { code: 'BAD_REDIS_URL', exitCode: mistakeCode })
}

function unreachable(url: string, cause: Error): FlambeauError {
  const { host, protocol } = new URL(url)
  const what = protocol === 'redis:' ? 'its URL and password' : 'its URL, password and certificate ("ca")'
  const message = `Redis cannot be used at "${host}" (${cause.message}): start it, or check ${what}`
  return new FlambeauError(message, { code: 'REDIS_UNREACHABLE', exitCode: 69, cause })
}

const pemHeader = '-----BEGIN CERTIFICATE-----'

/**
 * The text of certificates that are given as such, or by the path of their file.
 *
 * @throws {@link FlambeauError} when it is none.
 */
export async function readCertificates(ca: string): Promise<string> {
  if (ca.includes(pemHeader)) return validCertificates(ca, 'The text of "ca"')
  const text = await readFile(ca, 'utf8').catch((cause) => {
    throw badCertificate(`The file "${ca}" cannot be read (${cause.code})`)
  })
  return validCertificates(text, `"${ca}"`)
}

function validCertificates(text: string, what: string): string {
  try {
    new X509Certificate(text)
    return text
  } catch {
    throw badCertificate(`${what} is no certificate`)
  }
}

function badCertificate(what: string): FlambeauError {
  const message = `${what}: give "ca" the path of a PEM file, or its text, with "${pemHeader}" in it`
  return new FlambeauError(message, { code: 'BAD_CERTIFICATE', exitCode: mistakeCode })
}
