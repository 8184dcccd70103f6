import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { until } from './until.js'

/** A server of a test, at `url`. */
export interface GitServer {
  readonly url: string
  stop(): Promise<void>
}

/** Serves the repositories of a folder over http with git's own `http-backend`; `login` is `user:password`. */
export async function serveOverHttp(root: string, login?: string): Promise<GitServer> {
  const server = createServer((request, response) => {
    const expected = login && `Basic ${Buffer.from(login).toString('base64')}`
    if (!expected || request.headers.authorization === expected) backend(root, request, response)
    else response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="git"' }).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stop = async (): Promise<void> => {
    server.close()
    server.closeAllConnections()
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop }
}

// The Common Gateway Interface: the request in the environment and on standard input, the answer on standard output.
function backend(root: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url!, 'http://localhost')
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'],
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'],
      GIT_PROTOCOL: request.headers['git-protocol'] as string | undefined,
    },
  })
  request.pipe(child.stdin)
  const parts: Buffer[] = []
  child.stdout.on('data', (part: Buffer) => parts.push(part))
  child.on('close', () => answer(Buffer.concat(parts), response))
}

function answer(said: Buffer, response: ServerResponse): void {
  const end = said.indexOf('\r\n\r\n')
  const headers = said.subarray(0, end).toString().split('\r\n')
  for (const [name = '', value = ''] of headers.map((line) => line.split(': ')))
    if (name === 'Status') response.statusCode = Number.parseInt(value, 10)
    else response.setHeader(name, value)
  response.end(said.subarray(end + 4))
}

/** An ssh server of its own for this user; `ssh` is what git must run to be let in. */
export async function serveOverSsh(folder: string): Promise<GitServer & { readonly ssh: string }> {
  mkdirSync(folder, { recursive: true })
  for (const name of ['host', 'user'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)])
  const port = await freePort()
  const settings = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${join(folder, 'host')}`,
    `AuthorizedKeysFile ${join(folder, 'user.pub')}`,
    `PidFile ${join(folder, 'pid')}`,
    'StrictModes no',
    'UsePAM no',
  ]
  writeFileSync(join(folder, 'sshd_config'), `${settings.join('\n')}\n`)
  const child = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', join(folder, 'sshd_config')], { stdio: 'ignore' })
  await until(() => isOpen(port), `a server listens on port ${port}`)
  const options = `-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o IdentitiesOnly=yes`
  const stop = async (): Promise<void> => {
    const ended = once(child, 'exit')
    child.kill()
    await ended
  }
  const url = `ssh://${userInfo().username}@127.0.0.1:${port}`
  return { url, ssh: `ssh -F /dev/null -i ${join(folder, 'user')} ${options}`, stop }
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const connected = await once(socket, 'connect').then(
    () => true,
    () => false,
  )
  socket.destroy()
  return connected
}
