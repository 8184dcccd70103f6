import { randomBytes, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { ResourceError } from '../errors.js'
import { codeOf } from '../util/thrown.js'
import type { RunList, RunText } from './data.js'
import { renderPage } from './render-page.js'
import type { RunFiles } from './run-files.js'

/** The runs that a page shows. */
export interface ViewedRuns {
  list(): Promise<RunList>
  find(id: string): Promise<RunFiles | undefined>
}

/** How a page is served. */
export interface ViewOptions {
  /** 0 for a free port. */
  readonly port: number
}

const address = '127.0.0.1'
/** The most connections at a time: anybody on this machine can open them. */
const mostConnections = 200
const texts: ReadonlySet<string> = new Set<RunText>(['trials', 'metrics', 'log', 'trial-log'])

/**
 * Serves the page on this machine, to whoever knows its token: other users of the machine do not, and other pages in the same
 * browser are refused by their origin. Nothing is changed by a request, and no request names a path.
 */
export class ViewServer {
  readonly #token = newToken()
  readonly #server: Server
  /** The one that has had no request for the longest time is the first. */
  readonly #connections = new Set<Socket>()
  #launchCode: string | undefined

  private constructor(readonly runs: ViewedRuns) {
    this.#server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000 }, (request, response) => {
      this.#answer(request, response).catch((error: Error) => fail(response, error))
    })
    this.#server.on('connection', (connection) => this.#admit(connection))
  }

  static async start(runs: ViewedRuns, { port }: ViewOptions): Promise<ViewServer> {
    const view = new ViewServer(runs)
    view.#server.listen(port, address)
    await once(view.#server, 'listening').catch((error) => {
      throw unavailable(port, error)
    })
    return view
  }

  /** The address of the page, with its token; `hash` names a run. */
  url(hash = ''): string {
    return `http://${address}:${this.#port}/?token=${this.#token}${hash}`
  }

  /**
   * The address with which a browser is started: it opens the page once. Other users see the command lines of processes, so the
   * token is not in it.
   */
  launchUrl(hash = ''): string {
    this.#launchCode = newToken()
    return `http://${address}:${this.#port}/?launch=${this.#launchCode}${hash}`
  }

  async close(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close').catch(() => {})
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = this.#refusal(request)
    if (refusal) return send(response, { status: refusal[0], text: refusal[1], type: 'text/plain' })
    const url = parseUrl(request.url)
    if (!url) return send(response, { status: 400, text: 'Not an address', type: 'text/plain' })
    if (url.pathname === '/' && request.method === 'GET' && this.#takeLaunch(url)) {
      const headers = { Location: `/?token=${this.#token}` }
      return send(response, { status: 302, text: '', type: 'text/plain', headers })
    }
    if (!this.#isAllowed(request, url))
      return send(response, {
        status: 403,
        text: 'The token is missing or wrong: open the address that flambeau view has printed',
        type: 'text/plain',
      })
    this.#admit(request.socket)
    if (url.pathname === '/') {
      const page = await renderPage({ live: true }, { title: 'flambeau' })
      return send(response, { status: 200, text: page, type: 'text/html' })
    }
    const found = await this.#data(url)
    if (found === undefined) return send(response, { status: 404, text: 'Not found', type: 'text/plain' })
    send(response, { status: 200, text: JSON.stringify(found), type: 'application/json' })
  }

  async #data(url: URL): Promise<unknown> {
    const [root, kind, id, text, ...rest] = url.pathname.slice(1).split('/').map(decode)
    if (root !== 'api' || kind !== 'runs' || rest.length > 0) return undefined
    if (id === undefined) return this.runs.list()
    const run = await this.runs.find(id)
    if (!run || text === undefined) return run?.detail()
    const from = Number(url.searchParams.get('from') ?? 0)
    if (!texts.has(text) || !Number.isSafeInteger(from) || from < 0) return undefined
    return run.read(text as RunText, from)
  }

  // A name that leads to this machine must not let another site read.
  #refusal({ headers, method }: IncomingMessage): [number, string] | undefined {
    const own = [address, 'localhost'].map((name) => new URL(`http://${name}:${this.#port}`))
    if (!own.some(({ host }) => host === headers.host)) return [403, 'This host is not served']
    if (headers.origin !== undefined && !own.some(({ origin }) => origin === headers.origin))
      return [403, 'This origin is not served']
    return method === 'GET' || method === 'HEAD' ? undefined : [405, 'Only GET is allowed']
  }

  /** Whether this is the request of the browser that was started. */
  #takeLaunch({ searchParams }: URL): boolean {
    const isLaunch =
      this.#launchCode !== undefined && isSame(searchParams.get('launch') ?? '', this.#launchCode)
    if (isLaunch) this.#launchCode = undefined
    return isLaunch
  }

  // Connections without requests must not use up what the page needs.
  #admit(connection: Socket): void {
    if (!this.#connections.delete(connection))
      connection.once('close', () => this.#connections.delete(connection))
    this.#connections.add(connection)
    const [idle] = this.#connections
    if (this.#connections.size > mostConnections) idle!.destroy()
  }

  #isAllowed({ headers }: IncomingMessage, url: URL): boolean {
    const [, bearer] = /^Bearer (\S+)$/.exec(headers.authorization ?? '') ?? []
    const given = url.pathname === '/' ? url.searchParams.get('token') : bearer
    return isSame(given ?? '', this.#token)
  }
}

function newToken(): string {
  return randomBytes(24).toString('base64url')
}

function unavailable(port: number, error: unknown): unknown {
  const code = codeOf(error)
  if (code !== 'EADDRINUSE' && code !== 'EACCES') return error
  const why = code === 'EACCES' ? 'may not be used by this user' : 'is in use'
  const message = `Port ${port} ${why}: name another one in "--port", or leave it out for a free one`
  return new ResourceError(message, { code: 'PORT_UNAVAILABLE' })
}

function parseUrl(target = '/'): URL | undefined {
  try {
    return new URL(target, `http://${address}`)
  } catch {
    return undefined
  }
}

function isSame(given: string, token: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(token)]
  return a.length === b.length && timingSafeEqual(a, b)
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return ''
  }
}

interface Answer {
  readonly status: number
  readonly text: string
  readonly type: string
  readonly headers?: Readonly<Record<string, string>>
}

function send(response: ServerResponse, { status, text, type, headers = {} }: Answer): void {
  response.writeHead(status, {
    'Content-Type': `${type}; charset=utf-8`,
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'Content-Security-Policy': policyOf(type),
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    ...(status === 405 && { Allow: 'GET, HEAD' }),
    ...headers,
  })
  response.end(text)
}

// The page has a policy of its own, which cannot say who may frame it.
function policyOf(type: string): string {
  return type === 'text/html' ? "frame-ancestors 'none'" : "default-src 'none'; frame-ancestors 'none'"
}

function fail(response: ServerResponse, error: Error): void {
  if (response.headersSent) response.destroy()
  else send(response, { status: 500, text: error.message, type: 'text/plain' })
}
