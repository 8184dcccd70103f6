import type { RemoteEnvironment } from '../../cluster/remote-environment.js'
import type { CurrentRun } from '../../cluster/run/current-run.js'
import { certificatesOf } from '../bullmq/certificates.js'
import { badUrl, type RedisAddress } from '../bullmq/connection.js'
import type { PoolOptions } from '../pool-options.js'
import { RedisServer } from './redis-server.js'

/** The Redis of a pool on a cluster. */
export interface PoolRedis {
  readonly address: RedisAddress
  /** Absent when it is the user's own. */
  readonly server: RedisServer | undefined
}

/** Starts a Redis for a pool, unless the user has one. */
export async function openRedis(
  { env, redis, ca, tls = false }: PoolOptions & { readonly env: RemoteEnvironment },
  run: CurrentRun,
): Promise<PoolRedis> {
  if (redis === undefined) {
    const server = await RedisServer.start(env, run, { tls })
    return { address: server.address, server }
  }
  if (tls && !redis.startsWith('rediss:')) throw badUrl('With "tls", a Redis of your own has to have it, too')
  // The factories do not have the file.
  return { address: { redis, ...(ca !== undefined && { ca: await certificatesOf(ca) }) }, server: undefined }
}
