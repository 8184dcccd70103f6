import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { RemoteEnvironment } from '../../cluster/remote-environment.js'
import type { CurrentRun } from '../../cluster/run/current-run.js'
import { ClusterError } from '../../errors.js'
import { waitForExit } from '../../util/process.js'
import type { RedisAddress } from '../bullmq/connection.js'
import { freePort, ownAddress } from './redis-address.js'
import { makeCertificate, withFiles } from './redis-certificate.js'
import { type RedisSettings, redisConfig, redisUrl } from './redis-config.js'
import { startRedis } from './redis-process.js'

/** How often a server that exited is started again. */
const mostRestarts = 10
const pauseMs = 200

/** The Redis of one pool: begun for it, started again with its file when it ends early, and gone after it. */
export class RedisServer {
  readonly address: RedisAddress
  #server: ChildProcess | undefined
  #closed = false
  #kept: Promise<void> | undefined

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
  keep(onLost: (error: Error) => void): void {
    this.#kept = this.#keepRunning().catch(onLost)
  }

  /** Ends it, and takes its file away. */
  async close(): Promise<void> {
    this.#closed = true
    this.#server?.kill('SIGKILL')
    await this.#kept
    await rm(this.settings.folder, { recursive: true, force: true })
  }

  #start(): Promise<ChildProcess> {
    const { tls, folder } = this.settings
    const start = (): Promise<ChildProcess> => startRedis(redisConfig(this.settings))
    return tls ? withFiles(tls, folder, start) : start()
  }

  async #keepRunning(): Promise<void> {
    for (let restarts = 0; restarts <= mostRestarts; restarts++) {
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
      `Redis ended ${mostRestarts} times: look at the memory and disk of the orchestrator`,
      { code: 'REDIS_ENDED' },
    )
  }
}
