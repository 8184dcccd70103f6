import { execFile } from 'node:child_process'
import { redacted } from './credentials.js'
import { Trouble } from './trouble.js'

type Tool = 'git' | 'npm'

/** How a tool is run. */
export interface ToolOptions {
  readonly cwd?: string
  readonly signal?: AbortSignal | undefined
}

/** A tool that ended with an error, and what it said. */
export class ToolError extends Error {
  constructor(
    readonly tool: Tool,
    readonly said: string,
  ) {
    super(`${tool} failed: ${said}`)
  }
}

const quiet = { GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' }

/**
 * Runs the user's own `git` or `npm` and returns what it prints.
 *
 * @throws {@link ToolError} when it fails, with what it said and no credentials in it.
 */
export async function runTool(
  tool: Tool,
  args: readonly string[],
  { cwd, signal }: ToolOptions = {},
): Promise<string> {
  signal?.throwIfAborted()
  return new Promise((done, fail) => {
    const options = { cwd, env: { ...process.env, ...quiet }, maxBuffer: 2 ** 28 }
    const child = execFile(tool, args, options, (error, stdout, stderr) => {
      signal?.removeEventListener('abort', stop)
      if (signal?.aborted) fail(signal.reason)
      else if (error) fail(failureOf(tool, error, `${stderr}${stdout}`))
      else done(stdout)
    })
    // The promise waits for the end of the tool: until then it may write.
    const stop = (): void => void child.kill()
    signal?.addEventListener('abort', stop)
    child.stdin?.end()
  })
}

function failureOf(tool: Tool, error: Error & { code?: unknown }, said: string): Error {
  if (error.code === 'ENOENT')
    return new Trouble('NO_TOOL', `needs "${tool}", which is not installed here: install it`)
  return new ToolError(tool, redacted(said).trim())
}
