import type { AgentHost } from '../../cluster/host/agent-host.js'
import type { Server } from '../../cluster/host/forward-port.js'
import { ClusterError, isFlambeauError } from '../../errors.js'

/** A Redis, as the orchestrator reaches it. */
export interface RedisPlace {
  readonly url: string
  /** Whether it is the user's own: nothing is known of the ways to it. */
  readonly own: boolean
}

/** How the workers of one factory reach Redis: straight, or through the SSH connection of the cluster. */
export class WayToRedis {
  #overSsh = false

  constructor(
    readonly host: AgentHost,
    readonly redis: RedisPlace,
  ) {}

  /**
   * The URL for workers there, good for as long as the connection to the host.
   *
   * @throws {@link ClusterError} when SSH should be the way, and is not.
   */
  async open(signal: AbortSignal): Promise<string> {
    const url = new URL(this.redis.url)
    if (!this.#overSsh) return url.href
    url.port = String(await this.#forward({ address: url.hostname, port: Number(url.port) }, signal))
    url.hostname = '127.0.0.1'
    return url.href
  }

  /** Says that this way led nowhere: the next one is the other, if there is one. It is told in words. */
  change(): string {
    if (this.redis.own || !this.host.forward) return ''
    this.#overSsh = !this.#overSsh
    return this.#overSsh ? ' (they go through SSH now)' : ' (they go straight now)'
  }

  async #forward(server: Server, signal: AbortSignal): Promise<number> {
    try {
      return await this.host.forward!(server, signal)
    } catch (error) {
      if (!isFlambeauError(error) || error.code !== 'HOST_NO_FORWARDING') throw error
      this.#overSsh = false
      const message = `Redis does not answer there at ${server.address}:${server.port}, and no other way leads to it: ${error.message}`
      throw new ClusterError(message, { code: 'REDIS_OUT_OF_REACH', cause: error })
    }
  }
}
