import { execFile } from 'node:child_process'
import { ExtensionFailure } from './extension-failure.js'
import { redacted } from './source.js'

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
    return new ExtensionFailure('NO_TOOL', `needs "${tool}", which is not installed here: install it`)
  return new ToolError(tool, redacted(said).trim())
}

/** Does something with a tool; what it says when it fails becomes a message that says what to do. */
export async function explainingToolErrors<T>(tried: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body()
  } catch (error) {
    throw error instanceof ToolError ? explainToolError(error, tried) : error
  }
}

// The beginnings of the lines that the tools themselves write: a script of a package may say anything.
interface Reason {
  readonly npm?: RegExp
  readonly git?: RegExp
  readonly code: string
  readonly says: (tried: string, found: RegExpExecArray) => string
}

const reasons: readonly Reason[] = [
  {
    npm: /^npm (?:error|ERR!) .*wanted (sha\S+) but got (sha\S+?)\.? /m,
    code: 'TAMPERED',
    says: (tried, [, wanted, got]) => hashMismatch(tried, wanted!, got!),
  },
  {
    npm: /^npm (?:error|ERR!) (?:notarget )?No matching version found for (.+?)\.?$/m,
    code: 'NO_VERSION',
    says: (tried, [, missing]) => noVersion(tried, missing!),
  },
  {
    npm: /^npm (?:error|ERR!) code (?:E40[13]|ENEEDAUTH)$/m,
    git: /^fatal: (?:Authentication failed|could not read (?:Username|Password)|.*The requested URL returned error: 40[13])|^(?:fatal: .*|\S+: )?Permission denied|^Host key verification failed/m,
    code: 'NO_ACCESS',
    says: (tried) =>
      `cannot be fetched: access to "${tried}" was refused; log in (npm: "npm login", git: "git ls-remote" must work), and try again`,
  },
  {
    npm: /^npm (?:error|ERR!) code E404$[\s\S]*?'([^']+)' is not in this registry/m,
    code: 'EXTENSION_NOT_FOUND',
    says: (tried, [, missing]) =>
      `cannot be fetched from "${tried}": the registry has no package "${missing}"; check its name, and the registry ("npm config get registry")`,
  },
  {
    npm: /^npm (?:error|ERR!) code E404$/m,
    git: /^(?:fatal|ERROR|remote): .*(?:[Rr]epository(?: '[^']*')? not found|does not appear to be a git repository|does not exist|The requested URL returned error: 404)/m,
    code: 'EXTENSION_NOT_FOUND',
    says: (tried) =>
      `cannot be fetched: there is nothing at "${tried}"; check the address, and whether you may see it`,
  },
  {
    npm: /^npm (?:error|ERR!) code (?:ENOTFOUND|EAI_AGAIN|ECONN\w+|E\w*TIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED)$/m,
    git: /^(?:(?:fatal|error|ssh|kex_\w+): .*)?(?:Could not resolve|[Cc]ould not connect|Failed to connect|unable to connect|Connection (?:refused|timed out|reset)|Network is unreachable)/m,
    code: 'OFFLINE',
    says: (tried) =>
      `cannot be fetched from "${tried}": there is no connection to it; check the network, and try again`,
  },
]

// What is missing may be a package that the extension depends on.
function noVersion(tried: string, missing: string): string {
  const lists = `"npm view ${missing.replace(/(?<=.)@.*$/, '')} versions" lists them`
  if (missing === tried.replace(/^npm:/, '')) return `has no version that matches "${tried}": ${lists}`
  return `cannot be installed from "${tried}": it needs "${missing}", and no version matches that: ${lists}`
}

/** Says that something is not what it was: both hashes are named. */
export function hashMismatch(tried: string, wanted: string, got: string): string {
  return `is refused: what "${tried}" gave has the hash ${got}, and not ${wanted}; if the change is wanted, write a new lock with "flambeau lock"`
}

function explainToolError(cause: ToolError, tried: string): ExtensionFailure {
  const { tool, said } = cause
  for (const reason of reasons) {
    const found = reason[tool]?.exec(said)
    if (found) return new ExtensionFailure(reason.code, reason.says(tried, found), { cause })
  }
  const message = `could not be made of "${tried}": ${tool} says\n\n${indented(said)}`
  return new ExtensionFailure('EXTENSION_TOOL', message, { cause })
}

function indented(said: string): string {
  const lines = said.split('\n').filter((line) => !/A complete log of this run|^npm error\s*$/.test(line))
  return lines.map((line) => `  ${line}`).join('\n')
}
