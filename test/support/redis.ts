import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { Redis } from 'ioredis'

/** The path of a Redis or Valkey server, if this machine has one. */
export const redisServer = ['redis-server', 'valkey-server']
  .flatMap((name) => (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name)))
  .find(existsSync)

/** A real Redis on the loopback address, with a password and an append-only file. */
export class RedisServer {
  readonly #folder = mkdtempSync(join(tmpdir(), 'flambeau-redis-'))
  #server: ChildProcess | undefined

  private constructor(
    readonly port: number,
    readonly tls: boolean,
  ) {}

  /** With `tls` it has a certificate that vouches for itself, and takes nothing else. */
  static async start({ tls = false } = {}): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), tls)
    if (tls) server.#makeCertificate()
    await server.start()
    return server
  }

  get url(): string {
    return `redis${this.tls ? 's' : ''}://:open-sesame@127.0.0.1:${this.port}`
  }

  get certificate(): string {
    return readFileSync(this.certificateFile, 'utf8')
  }

  get certificateFile(): string {
    return join(this.#folder, 'certificate.pem')
  }

  async start(): Promise<void> {
    const settings = {
      ...this.#ports(),
      bind: '127.0.0.1',
      dir: this.#folder,
      appendonly: 'yes',
      save: '',
      'maxmemory-policy': 'noeviction',
      requirepass: 'open-sesame',
    }
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])
    this.#server = spawn(redisServer!, args, { stdio: ['ignore', 'pipe', 'ignore'] })
    let said = ''
    for await (const text of this.#server.stdout!) {
      said += text
      if (/ready to accept connections/i.test(said)) break
    }
  }

  /** All that it holds. */
  keys(): Promise<string[]> {
    return this.#ask((redis) => redis.keys('*'))
  }

  /** Cuts the connections on which messages of channels arrive; their clients connect again. */
  async cutSubscribers(): Promise<void> {
    await this.#ask((redis) => redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub'))
  }

  /** Adds a user with the password "open-sesame" who may use everything but these commands; returns the user's URL. */
  async urlWithout(user: string, ...commands: readonly string[]): Promise<string> {
    const rules = ['on', '>open-sesame', '~*', '&*', '+@all', ...commands.map((command) => `-${command}`)]
    await this.#ask((redis) => redis.acl('SETUSER', user, ...rules))
    return this.url.replace('//:', `//${user}:`)
  }

  /** For how long it will hold a key. */
  secondsLeft(key: string): Promise<number> {
    return this.#ask((redis) => redis.ttl(key))
  }

  /** As a power cut ends it. */
  async kill(): Promise<void> {
    const server = this.#server
    if (!server || server.exitCode !== null || server.signalCode !== null) return
    server.kill('SIGKILL')
    await once(server, 'exit')
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.remove()
  }

  async #ask<T>(question: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis(this.url)
    try {
      return await question(redis)
    } finally {
      redis.disconnect()
    }
  }

  #ports(): Record<string, string | number> {
    if (!this.tls) return { port: this.port }
    const files = { 'tls-cert-file': this.certificateFile, 'tls-key-file': join(this.#folder, 'key.pem') }
    return { port: 0, 'tls-port': this.port, 'tls-auth-clients': 'no', ...files }
  }

  #makeCertificate(): void {
    const kind = ['req', '-x509', '-batch', '-nodes', '-newkey', 'rsa:2048', '-subj', '/CN=test']
    const files = ['-out', this.certificateFile, '-keyout', join(this.#folder, 'key.pem')]
    execFileSync('openssl', [...kind, ...files, '-addext', 'subjectAltName=IP:127.0.0.1'], {
      stdio: 'ignore',
    })
  }

  async remove(): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
