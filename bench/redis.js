/** A real Redis for a bench, on the loopback address. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

export const redisServer = process.env.PATH.split(delimiter)
  .flatMap((folder) => [join(folder, 'redis-server'), join(folder, 'valkey-server')])
  .find(existsSync)

export async function withRedis(body) {
  const dir = mkdtempSync(join(tmpdir(), 'flambeau-bench-'))
  const port = await freePort()
  const args =
    `--port ${port} --bind 127.0.0.1 --requirepass bench --appendonly yes --save --dir ${dir}`.split(' ')
  const server = spawn(redisServer, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  try {
    for await (const text of server.stdout) if (/ready to accept connections/i.test(text)) break
    return await body(`redis://:bench@127.0.0.1:${port}`)
  } finally {
    server.kill()
    await once(server, 'exit')
    rmSync(dir, { recursive: true })
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  return port
}
