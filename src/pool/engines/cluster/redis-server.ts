import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { RemoteEnvironment } from '../../../cluster/remote-environment.js'
import type { CurrentRun } from '../../../cluster/run/current-run.js'
import { ClusterConfigurationError, ClusterError } from '../../../errors.js'
import { findProgram } from '../../../util/find-program.js'
import { waitForExit } from '../../../util/process.js'
import type { PoolOptions } from '../../options.js'
import { badUrl, type RedisAddress, readCertificates } from '../bullmq/redis.js'
import {
  makeCertificate,
  type RedisSettings,
  redisConfig,
  redisUrl,
  withCertificateFiles,
} from './redis-config.js'

/** The Redis of a pool on a cluster. */
export interface PoolRedis {
  readonly address: RedisAddress
  /** Absent when the Redis is the user's own. */
  readonly server: RedisServer | undefined
}

/** Starts a Redis for a pool, unless the user has given one. */
export async function openRedis(
  { env, redis, ca, tls = false }: PoolOptions & { readonly env: RemoteEnvironment },
  run: CurrentRun,
): Promise<PoolRedis> {
  if (redis === undefined) {
    const server = await RedisServer.start(env, run, { tls })
    return { address: server.address, server }
  }
  if (tls && !redis.startsWith('rediss:'))
    throw badUrl('"tls" needs a Redis with TLS, but the URL of yours does not ask for it')
  // Sent as text: the worker hosts do not have the file.
  const address = ca === undefined ? { redis } : { redis, ca: await readCertificates(ca) }
  return { address, server: undefined }
}

/** How often a server that exited is started again. */
const maxRestarts = 10
const pauseMs = 200

/** The Redis of one pool. When it exits early, it is started again with its data; it ends with the pool. */
export class RedisServer {
  readonly address: RedisAddress
  #server: ChildProcess | undefined
  #closed = false
  #supervised: Promise<void> | undefined

  private constructor(readonly settings: RedisSettings) {
    const redis = redisUrl(settings)
    this.address = settings.tls ? { redis, ca: settings.tls.certificate } : { redis }
  }

  /**
   * Starts Redis on the orchestrator, at the address by which the worker hosts reach it, with its data in the folder of
   * the run. With `tls`, its certificate is for that address, and for 127.0.0.1, the end of a route through SSH.
   */
  static async start(
    { orchestratorIp }: RemoteEnvironment,
    run: CurrentRun,
    { tls }: { tls: boolean },
  ): Promise<RedisServer> {
    const address = await ownAddress(orchestratorIp)
    const password = randomBytes(24).toString('base64url')
    const certificate = tls ? await makeCertificate([address, '127.0.0.1']) : undefined
    const port = await freePort(address)
    const folder = await mkdtemp(join(run.folder, 'redis-'))
    const server = new RedisServer({ address, folder, password, port, tls: certificate })
    try {
      server.#server = await server.#start()
      return server
    } catch (error) {
      await server.close()
      throw error
    }
  }

  /** Starts Redis again whenever it exits; calls `onLost` when that does not help. */
  supervise(onLost: (error: Error) => void): void {
    this.#supervised = this.#restartWhenEnded().catch(onLost)
  }

  /** Ends Redis, and removes its data. */
  async close(): Promise<void> {
    this.#closed = true
    this.#server?.kill('SIGKILL')
    await this.#supervised
    await rm(this.settings.folder, { recursive: true, force: true })
  }

  #start(): Promise<ChildProcess> {
    const { tls, folder } = this.settings
    const start = (): Promise<ChildProcess> => startRedis(redisConfig(this.settings))
    return tls ? withCertificateFiles(tls, folder, start) : start()
  }

  async #restartWhenEnded(): Promise<void> {
    for (let restarts = 0; restarts <= maxRestarts; restarts++) {
      await waitForExit(this.#server!)
      if (this.#closed) return
      await delay(pauseMs)
      const started = await this.#start().catch(ignoreExit)
      if (started) this.#server = started
      if (this.#closed) this.#server?.kill('SIGKILL')
    }
    throw new ClusterError(
      `Redis exited ${maxRestarts} times: check the memory and disk of the orchestrator`,
      { code: 'REDIS_ENDED' },
    )
  }
}

// A server that exits while it starts counts as one more exit.
function ignoreExit(error: unknown): undefined {
  if (!(error instanceof ClusterError) || error.code !== 'REDIS_ENDED') throw error
}

/**
 * Starts a server that ends with the process group of this run; settles when it accepts connections. It reads its
 * configuration from standard input, since every user of the host sees arguments.
 *
 * @throws {@link ClusterError} when there is no such program, or it exits at once.
 */
async function startRedis(config: string): Promise<ChildProcess> {
  const server = spawn(expectRedis(), ['-'], { stdio: ['pipe', 'pipe', 'ignore'] })
  server.on('error', () => {})
  server.stdin.on('error', () => {}).end(config)
  let output = ''
  for await (const text of server.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    output = (output + text).slice(-2000)
    if (!/ready to accept connections/i.test(output)) continue
    // A full pipe would block it.
    server.stdout.resume()
    return server
  }
  throw new ClusterError(`Redis exited while it was starting: ${output.trim()}`, { code: 'REDIS_ENDED' })
}

/** The path of the server; `undefined` when this host has none. */
export function redisProgram(): string | undefined {
  return findProgram('redis-server') ?? findProgram('valkey-server')
}

function expectRedis(): string {
  const found = redisProgram()
  if (found !== undefined) return found
  const message =
    'The orchestrator has no "redis-server" or "valkey-server", which the queue of the pool needs: install one ("apt-get install redis-server", in "setup_cmds"), or set "redis" of "openPool" to the URL of your own'
  throw new ClusterError(message, { code: 'NO_REDIS' })
}

/**
 * The address by which the other hosts of the cluster reach this one.
 *
 * @throws {@link ClusterConfigurationError} when this host does not have it.
 */
async function ownAddress(orchestratorIp: string): Promise<string> {
  const { address } = await lookup(orchestratorIp).catch(() => ({ address: undefined }))
  const own = Object.values(networkInterfaces()).flatMap((each) => each?.map(({ address }) => address) ?? [])
  if (address !== undefined && own.includes(address)) return address
  const reachable = own.filter((each) => !/^(?:127\.|::1$|fe80:)/.test(each)).join(', ')
  const message = `"${orchestratorIp}" is not an address of the orchestrator (it has ${reachable || 'none'}), so the workers cannot reach a Redis there: write "orchestrator_ip: [public, private]"`
  throw new ClusterConfigurationError(message, { code: 'NOT_OWN_ADDRESS' })
}

/** A port that is free now. */
async function freePort(address: string): Promise<number> {
  const server = createServer().listen(0, address)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
