import { randomBytes, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { RunSummary, RunText } from './data.js'
import { renderPage } from './render-page.js'
import { type RunFiles, readPart } from './run-files.js'

/** The runs that a page shows. */
export interface ViewedRuns {
  list(): Promise<readonly RunSummary[]>
  find(id: string): Promise<RunFiles | undefined>
}

/** How a page is served. */
export interface ViewOptions {
  /** 0 for a free port. */
  readonly port: number
}

const address = '127.0.0.1'
const texts: ReadonlySet<string> = new Set<RunText>(['trials', 'metrics', 'log', 'trial-log'])

/**
 * Serves the page on this machine, to whoever knows its token: other users of the machine do not, and other pages in the same
 * browser are refused by their origin. Nothing is changed by a request, and no request names a path.
 */
export class ViewServer {
  readonly #token = randomBytes(24).toString('base64url')
  readonly #server: Server

  private constructor(readonly runs: ViewedRuns) {
    this.#server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000 }, (request, response) => {
      this.#answer(request, response).catch((error: Error) => fail(response, error))
    })
  }

  static async start(runs: ViewedRuns, { port }: ViewOptions): Promise<ViewServer> {
    const view = new ViewServer(runs)
    view.#server.listen(port, address)
    await once(view.#server, 'listening')
    return view
  }

  /** The address of the page, with its token; `hash` names a run. */
  url(hash = ''): string {
    return `http://${address}:${this.#port}/?token=${this.#token}${hash}`
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
    const url = new URL(request.url ?? '/', `http://${address}`)
    if (!this.#isAllowed(request, url))
      return send(response, {
        status: 403,
        text: 'The token is missing or wrong: open the address that flambeau view has printed',
        type: 'text/plain',
      })
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
    if (id === undefined) return { runs: await this.runs.list() }
    const run = await this.runs.find(id)
    if (!run || text === undefined) return run?.detail()
    const from = Number(url.searchParams.get('from') ?? 0)
    if (!texts.has(text) || !Number.isSafeInteger(from) || from < 0) return undefined
    return readPart(run.path(text as RunText), from)
  }

  // A name that leads to this machine must not let another site read.
  #refusal({ headers, method }: IncomingMessage): [number, string] | undefined {
    const hosts = [`${address}:${this.#port}`, `localhost:${this.#port}`]
    if (!hosts.includes(headers.host ?? '')) return [403, 'This host is not served']
    const { origin } = headers
    if (origin !== undefined && !hosts.some((host) => origin === `http://${host}`))
      return [403, 'This origin is not served']
    return method === 'GET' || method === 'HEAD' ? undefined : [405, 'Only GET is allowed']
  }

  #isAllowed({ headers }: IncomingMessage, url: URL): boolean {
    const [, bearer] = /^Bearer (\S+)$/.exec(headers.authorization ?? '') ?? []
    const given = url.pathname === '/' ? url.searchParams.get('token') : bearer
    return isSame(given ?? '', this.#token)
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
}

function send(response: ServerResponse, { status, text, type }: Answer): void {
  response.writeHead(status, {
    'Content-Type': `${type}; charset=utf-8`,
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    ...(status === 405 && { Allow: 'GET, HEAD' }),
  })
  response.end(text)
}

function fail(response: ServerResponse, error: Error): void {
  if (response.headersSent) response.destroy()
  else send(response, { status: 500, text: error.message, type: 'text/plain' })
}
