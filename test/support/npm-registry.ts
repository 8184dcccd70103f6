import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

interface Published {
  readonly manifest: { readonly name: string; readonly version: string }
  readonly bytes: Buffer
  readonly integrity: string
}

/** The smallest npm registry: it tells of packages, and gives their tarballs. */
export class NpmRegistry {
  readonly #server: Server
  readonly #packages = new Map<string, Published[]>()
  /** The paths that were asked for. */
  readonly asked: string[] = []
  /** The only token that is let in, when there is one. */
  token: string | undefined
  /** The URL of the registry that has all other packages, when there is one. */
  others: string | undefined

  private constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response))
  }

  static async start(): Promise<NpmRegistry> {
    const registry = new NpmRegistry()
    registry.#server.listen(0, '127.0.0.1')
    await once(registry.#server, 'listening')
    return registry
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  /** Publishes what `npm pack` made; again under the same version, it is another package. */
  publish(manifest: { name: string; version: string }, tarball: string): string {
    const bytes = readFileSync(tarball)
    const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`
    const others = this.#packages
      .get(manifest.name)
      ?.filter((one) => one.manifest.version !== manifest.version)
    this.#packages.set(manifest.name, [...(others ?? []), { manifest, bytes, integrity }])
    return integrity
  }

  /** Gives other bytes from now on, and says nothing of it. */
  tamper(name: string, tarball: string): void {
    const bytes = readFileSync(tarball)
    this.#packages.set(
      name,
      this.#packages.get(name)!.map((published) => ({ ...published, bytes })),
    )
  }

  async stop(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }

  #answer({ url = '', headers }: IncomingMessage, response: ServerResponse): void {
    this.asked.push(url)
    const [, name = '', version] =
      /^\/([^/]+?)(?:\/-\/(.*)\.tgz)?$/.exec(decodeURIComponent(url.replace(/\?.*/, ''))) ?? []
    const published = this.#packages.get(name)
    if (this.token && headers.authorization !== `Bearer ${this.token}`) response.writeHead(401).end('{}')
    else if (!published && this.others)
      response.writeHead(302, { location: new URL(url.slice(1), this.others).href }).end()
    else if (!published) response.writeHead(404).end('{"error":"not found"}')
    else if (version === undefined) response.end(JSON.stringify(this.#packument(name, published)))
    else response.end(published.find((one) => one.manifest.version === version)?.bytes)
  }

  #packument(name: string, published: readonly Published[]): object {
    const versions = published.map(({ manifest, integrity }) => {
      const dist = { tarball: `${this.url}${name}/-/${manifest.version}.tgz`, integrity }
      return [manifest.version, { ...manifest, dist }]
    })
    const latest = published.at(-1)!.manifest.version
    return { name, 'dist-tags': { latest }, versions: Object.fromEntries(versions) }
  }
}
