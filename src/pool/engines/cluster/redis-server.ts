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
  return {
    address: { redis, ...(ca !== undefined && { ca: await readCertificates(ca) }) },
    server: undefined,
  }
}

/** How often a server that exited is started again. */
const maxRestarts = 10
const pauseMs = 200

/** The Redis of one pool: begun for it, started again with its file when it ends early, and gone after it. */
export class RedisServer {
  readonly address: RedisAddress
  #server: ChildProcess | undefined
  #closed = false
  #supervised: Promise<void> | undefined

  private constructor(readonly settings: RedisSettings) {
    const { tls } = settings
    this.address = { redis: redisUrl(settings), ...(tls && { ca: tls.certificate }) }
  }

  /**
   * Starts one on the orchestrator, at the address that its factories know, with its file in the folder of the run; with
   * `tls` it has a certificate for that address, and for the end of a way through SSH.
   */
  static async start(
    { orchestratorIp }: RemoteEnvironment,
    run: CurrentRun,
    { tls }: { tls: boolean },
  ): Promise<RedisServer> {
    const address = await ownAddress(orchestratorIp)
    const folder = await mkdtemp(join(run.folder, 'redis-'))
    const password = randomBytes(24).toString('base64url')
    const certificate = tls ? { tls: await makeCertificate([address, '127.0.0.1']) } : {}
    const port = await freePort(address)
    const server = new RedisServer({ address, folder, password, port, ...certificate })
    server.#server = await server.#start()
    return server
  }

  /** Starts it again whenever it ends; `onLost` hears when that is in vain. */
  supervise(onLost: (error: Error) => void): void {
    this.#supervised = this.#restartWhenEnded().catch(onLost)
  }

  /** Ends it, and takes its file away. */
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
      // A server that exits while it starts counts as one more exit.
      const started = await this.#start().catch((error: ClusterError) => error)
      if (started instanceof ClusterError && started.code !== 'REDIS_ENDED') throw started
      if (!(started instanceof ClusterError)) this.#server = started
      if (this.#closed) this.#server?.kill('SIGKILL')
    }
    throw new ClusterError(
      `Redis ended ${maxRestarts} times: look at the memory and disk of the orchestrator`,
      { code: 'REDIS_ENDED' },
    )
  }
}

/**
 * Starts a server that ends with the process group of this run. Its configuration travels over standard input, since
 * every user of the host sees arguments. Settles when it takes connections.
 *
 * @throws {@link ClusterError} when there is no such program, or it ends at once.
 */
async function startRedis(config: string): Promise<ChildProcess> {
  const server = spawn(redisProgram(), ['-'], { stdio: ['pipe', 'pipe', 'ignore'] })
  server.on('error', () => {})
  server.stdin.on('error', () => {}).end(config)
  let said = ''
  for await (const text of server.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    said = (said + text).slice(-2000)
    if (!/ready to accept connections/i.test(said)) continue
    // What nobody reads would stop it.
    server.stdout.resume()
    return server
  }
  throw new ClusterError(`Redis ended as it was started: ${said.trim()}`, { code: 'REDIS_ENDED' })
}

function redisProgram(): string {
  const found = findProgram('redis-server') ?? findProgram('valkey-server')
  if (found !== undefined) return found
  const message =
    'The orchestrator has no "redis-server" or "valkey-server", which hands tasks to the factories: install one ("apt-get install redis-server", in "setup_cmds"), or give "openPool" the URL of your own as "redis"'
  throw new ClusterError(message, { code: 'NO_REDIS' })
}

/**
 * The address of this host by which the others of the cluster reach it.
 *
 * @throws {@link ClusterConfigurationError} when it is none of its own.
 */
async function ownAddress(orchestratorIp: string): Promise<string> {
  const { address } = await lookup(orchestratorIp).catch(() => ({ address: undefined }))
  const own = Object.values(networkInterfaces()).flatMap((each) => each?.map(({ address }) => address) ?? [])
  if (address !== undefined && own.includes(address)) return address
  const there = own.filter((each) => !/^(?:127\.|::1$|fe80:)/.test(each)).join(', ')
  const message = `"${orchestratorIp}" is no address of the orchestrator (it has ${there || 'none'}), so its factories cannot reach a Redis there: write "orchestrator_ip: [public, private]"`
  throw new ClusterConfigurationError(message, { code: 'NOT_OWN_ADDRESS' })
}

/** A port that is free at an address now. */
async function freePort(address: string): Promise<number> {
  const server = createServer().listen(0, address)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
