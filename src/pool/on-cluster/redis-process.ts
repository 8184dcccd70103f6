import { type ChildProcess, spawn } from 'node:child_process'
import { findProgram } from '../../cluster/agent/find-program.js'
import { ClusterError } from '../../errors.js'

/**
 * Starts a server that ends with the process group of this run. Its configuration travels over standard input, since
 * every user of the host sees arguments. Settles when it takes connections.
 *
 * @throws {@link ClusterError} when there is no such program, or it ends at once.
 */
export async function startRedis(config: string): Promise<ChildProcess> {
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
