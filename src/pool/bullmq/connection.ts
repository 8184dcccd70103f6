import type { Redis } from 'ioredis'
import { FlambeauError } from '../../errors.js'
import { loadPackages } from './packages.js'

/** Milliseconds between two attempts to reach a Redis that went away. */
const longestPause = 1000

/**
 * Connects to Redis or Valkey, and connects again whenever it comes back.
 *
 * @throws {@link FlambeauError} when it cannot be reached now; the message has no password.
 */
export async function connect(url: string): Promise<Redis> {
  const { Redis } = await loadPackages()
  const redis = new Redis(checked(url), {
    lazyConnect: true,
    maxRetriesPerRequest: null,
    retryStrategy: (times) => Math.min(times * 100, longestPause),
  })
  // Without a listener, Node would end the process; commands wait until it is back.
  redis.on('error', () => {})
  await firstContact(redis, url)
  return redis
}

async function firstContact(redis: Redis, url: string): Promise<void> {
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
    throw unreachable(url, cause as Error)
  }
}

function checked(url: string): string {
  if (URL.canParse(url) && /^rediss?:$/.test(new URL(url).protocol)) return url
  throw new FlambeauError(
    'The URL of Redis is none: write "redis://:password@host:6379", or "rediss://" for TLS',
    {
      code: 'BAD_REDIS_URL',
      exitCode: 22,
    },
  )
}

function unreachable(url: string, cause: Error): FlambeauError {
  const message = `Redis cannot be used at "${new URL(url).host}" (${cause.message}): start it, or check its URL and password`
  return new FlambeauError(message, { code: 'REDIS_UNREACHABLE', exitCode: 69, cause })
}
