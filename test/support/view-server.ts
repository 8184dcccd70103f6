// `flambeau view` as a process, and requests to it.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import type { CliProject } from './cli-project.js'

const cli = join(process.cwd(), 'dist/cli/main.js')

export interface Answer {
  readonly status: number
  readonly body: string
  readonly headers: Record<string, string | string[] | undefined>
}

/** What a request is made of besides its path. */
export interface Asked {
  readonly headers?: Record<string, string>
  readonly method?: string
}

export class ViewProcess {
  private constructor(
    readonly child: ChildProcess,
    readonly url: URL,
  ) {}

  /** Starts the command, and waits until it prints its address. */
  static async start(project: CliProject, ...args: string[]): Promise<ViewProcess> {
    const child = spawn(process.execPath, [cli, 'view', ...args], {
      cwd: project.folder,
      env: project.env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(createInterface(child.stdout!), 'line')) as [string]
    return new ViewProcess(child, new URL(line))
  }

  get authorized(): Record<string, string> {
    return { Authorization: `Bearer ${this.url.searchParams.get('token')}` }
  }

  /** Asks as anybody could: `path` is sent as it is. */
  async ask(path: string, { headers = {}, method = 'GET' }: Asked = {}): Promise<Answer> {
    const call = request({ host: '127.0.0.1', port: this.url.port, path, method, headers }).end()
    const [response] = await once(call, 'response')
    return { status: response.statusCode, body: await text(response), headers: response.headers }
  }

  /** Asks as the page does. */
  async json(path: string): Promise<any> {
    const { status, body } = await this.ask(`/api/${path}`, { headers: this.authorized })
    if (status !== 200) throw new Error(`${status}: ${body}`)
    return JSON.parse(body)
  }

  /** Interrupts it; returns its exit code. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<number | null> {
    if (this.child.exitCode !== null) return this.child.exitCode
    const closed = once(this.child, 'close')
    this.child.kill(signal)
    const [code] = await closed
    return code
  }
}
