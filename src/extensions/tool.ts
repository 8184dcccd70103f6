import { execFile } from 'node:child_process'
import { signalTree } from '../util/process.js'
import { ExtensionFailure } from './extension-failure.js'
import { lockCommand } from './lock.js'
import type { ExtensionRequest } from './request.js'
import { redacted } from './source.js'

type Tool = 'git' | 'npm'

/** A source as messages show it, and the file that declares it, if one does. */
export type ShownSource = Pick<ExtensionRequest, 'displaySource'> & Partial<Pick<ExtensionRequest, 'file'>>

/** How a tool is run. */
export interface ToolOptions {
  readonly cwd?: string
  readonly signal?: AbortSignal | undefined
}

/** A tool that exited with an error, and its output without credentials. */
export class ToolError extends Error {
  constructor(
    readonly tool: Tool,
    readonly output: string,
  ) {
    super(`${tool} failed: ${output}`)
  }
}

// No questions that nobody answers, and messages in the language that the patterns below expect.
const environment = { GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' }

/**
 * Runs the user's own `git` or `npm` and returns its standard output.
 *
 * @throws {@link ToolError} when it fails.
 */
export async function runTool(
  tool: Tool,
  args: readonly string[],
  { cwd, signal }: ToolOptions,
): Promise<string> {
  signal?.throwIfAborted()
  return new Promise((resolve, reject) => {
    const options = { cwd, env: { ...process.env, ...environment }, maxBuffer: 2 ** 28 }
    const child = execFile(tool, args, options, (error, stdout, stderr) => {
      signal?.removeEventListener('abort', stop)
      if (signal?.aborted) reject(signal.reason)
      else if (error) reject(toolFailure(tool, error, `${stderr}${stdout}`))
      else resolve(stdout)
    })
    // The promise waits until the tool and the processes that it started have exited: until then they may write.
    const stop = (): void => signalTree(child.pid, 'SIGTERM')
    signal?.addEventListener('abort', stop)
    child.stdin?.end()
  })
}

function toolFailure(tool: Tool, error: Error & { code?: unknown }, output: string): Error {
  if (error.code === 'ENOENT')
    return new ExtensionFailure('NO_TOOL', `needs "${tool}", which is not installed: install it`)
  return new ToolError(tool, redacted(output).trim())
}

/**
 * Calls `body`, and turns the output of a tool that fails into a message that says what to do; `displaySource` is the
 * source that the tool was run for, and `file` the one that declares it.
 */
export async function explainingToolErrors<T>(
  { displaySource, file }: ShownSource,
  body: () => Promise<T>,
): Promise<T> {
  try {
    return await body()
  } catch (error) {
    throw error instanceof ToolError ? explainToolError(error, { displaySource, file }) : error
  }
}

// The patterns match only lines that the tools themselves begin: a script of a package can print anything.
interface Explanation {
  readonly npm?: RegExp
  readonly git?: RegExp
  readonly code: string
  readonly message: (source: string, match: RegExpExecArray, file?: string) => string
}

const explanations: readonly Explanation[] = [
  {
    npm: /^npm (?:error|ERR!) .*wanted (sha\S+) but got (sha\S+?)\.? /m,
    code: 'TAMPERED',
    message: (displaySource, [, wanted, got], file) => hashMismatch({ displaySource, file }, wanted!, got!),
  },
  {
    npm: /^npm (?:error|ERR!) (?:notarget )?No matching version found for (.+?)\.?$/m,
    code: 'NO_VERSION',
    message: (source, [, missing]) => noVersion(source, missing!),
  },
  {
    npm: /^npm (?:error|ERR!) code (?:E40[13]|ENEEDAUTH)$/m,
    git: /^fatal: (?:Authentication failed|could not read (?:Username|Password)|.*The requested URL returned error: 40[13])|^(?:fatal: .*|\S+: )?Permission denied|^Host key verification failed/m,
    code: 'NO_ACCESS',
    message: (source) =>
      `cannot be fetched: access to "${source}" was refused; log in (npm: "npm login", git: "git ls-remote" must work), and try again`,
  },
  {
    npm: /^npm (?:error|ERR!) code E404$[\s\S]*?'([^']+)' is not in this registry/m,
    code: 'EXTENSION_NOT_FOUND',
    message: (source, [, missing]) =>
      `cannot be fetched from "${source}": the registry has no package "${missing}"; check its name, and the registry ("npm config get registry")`,
  },
  {
    npm: /^npm (?:error|ERR!) code E404$/m,
    git: /^(?:fatal|ERROR|remote): .*(?:[Rr]epository(?: '[^']*')? not found|does not appear to be a git repository|does not exist|The requested URL returned error: 404)/m,
    code: 'EXTENSION_NOT_FOUND',
    message: (source) =>
      `cannot be fetched: nothing was found at "${source}"; check the address and your permissions`,
  },
  {
    npm: /^npm (?:error|ERR!) code (?:ENOTFOUND|EAI_AGAIN|ECONN\w+|E\w*TIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED)$/m,
    git: /^(?:(?:fatal|error|ssh|kex_\w+): .*)?(?:Could not resolve|[Cc]ould not connect|Failed to connect|unable to connect|Connection (?:refused|timed out|reset)|Network is unreachable)/m,
    code: 'OFFLINE',
    message: (source) =>
      `cannot be fetched from "${source}": it cannot be reached; check the network, and try again`,
  },
]

// A dependency of the extension may be what is missing.
function noVersion(source: string, missing: string): string {
  const remedy = `"npm view ${missing.replace(/(?<=.)@.*$/, '')} versions" lists the versions`
  if (missing === source.replace(/^npm:/, '')) return `has no version that matches "${source}": ${remedy}`
  return `cannot be installed from "${source}": it needs "${missing}", and no version matches: ${remedy}`
}

/** The message for a source whose hash differs from what was expected. */
export function hashMismatch({ displaySource, file }: ShownSource, wanted: string, got: string): string {
  return `is refused: "${displaySource}" has the hash ${got}, expected ${wanted}; if the change is intended, update the lock with "${lockCommand(file)}"`
}

function explainToolError(cause: ToolError, { displaySource: source, file }: ShownSource): ExtensionFailure {
  const { tool, output } = cause
  for (const { code, message, ...patterns } of explanations) {
    const match = patterns[tool]?.exec(output)
    if (match) return new ExtensionFailure(code, message(source, match, file), { cause })
  }
  const message = `could not be prepared from "${source}": ${tool} failed with\n\n${indented(output)}`
  return new ExtensionFailure('EXTENSION_TOOL', message, { cause })
}

function indented(output: string): string {
  const lines = output.split('\n').filter((line) => !/A complete log of this run|^npm error\s*$/.test(line))
  return lines.map((line) => `  ${line}`).join('\n')
}
