import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
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
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const programs = ['redis-server', 'valkey-server'].flatMap((name) =>
    folders.map((each) => join(each, name)),
  )
  const found = programs.find(existsSync)
  if (found !== undefined) return found
  const message =
    'The orchestrator has no "redis-server" or "valkey-server", which hands tasks to the factories: install one ("apt-get install redis-server", in "setup_cmds"), or give "openPool" the URL of your own as "redis"'
  throw new ClusterError(message, { code: 'NO_REDIS' })
}
