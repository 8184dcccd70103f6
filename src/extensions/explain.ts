import { ToolError } from './tool.js'
import { Trouble } from './trouble.js'

/** Does something with a tool; what it says when it fails becomes a message that says what to do. */
export async function explained<T>(tried: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body()
  } catch (error) {
    throw error instanceof ToolError ? explain(error, tried) : error
  }
}

interface Reason {
  readonly said: RegExp
  readonly code: string
  readonly says: (tried: string, found: RegExpExecArray) => string
}

const reasons: readonly Reason[] = [
  {
    said: /wanted (sha\S+) but got (sha\S+?)\.? /,
    code: 'TAMPERED',
    says: (tried, [, wanted, got]) => changed(tried, wanted!, got!),
  },
  {
    said: /code ETARGET|No matching version/,
    code: 'NO_VERSION',
    says: (tried) =>
      `has no version that matches "${tried}": "npm view ${tried.replace(/(?<=.)@.*$/, '')} versions" lists them`,
  },
  {
    said: /code E40[13]|code ENEEDAUTH|Authentication failed|terminal prompts disabled|could not read Username|Permission denied|Host key verification failed|The requested URL returned error: 40[13]/,
    code: 'NO_ACCESS',
    says: (tried) =>
      `cannot be fetched: access to "${tried}" was refused; log in (npm: "npm login", git: "git ls-remote" must work), and try again`,
  },
  {
    said: /code E404[\s\S]*?'([^']+)' is not in this registry/,
    code: 'EXTENSION_NOT_FOUND',
    says: (tried, [, missing]) =>
      `cannot be fetched from "${tried}": the registry has no package "${missing}"; check its name, and the registry ("npm config get registry")`,
  },
  {
    said: /code E404|[Rr]epository(?: '[^']*')? not found|does not appear to be a git repository|does not exist|The requested URL returned error: 404/,
    code: 'EXTENSION_NOT_FOUND',
    says: (tried) =>
      `cannot be fetched: there is nothing at "${tried}"; check the address, and whether you may see it`,
  },
  {
    said: /code (?:ENOTFOUND|EAI_AGAIN|ECONN\w+|E\w*TIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED)|Could not resolve|[Cc]ould not connect|Failed to connect|unable to connect|Connection (?:refused|timed out|reset)|Network is unreachable/,
    code: 'OFFLINE',
    says: (tried) =>
      `cannot be fetched from "${tried}": there is no connection to it; check the network, and try again`,
  },
]

/** Says that something is not what it was: both hashes are named. */
export function changed(tried: string, wanted: string, got: string): string {
  return `is refused: what "${tried}" gave has the hash ${got}, and not ${wanted}; if the change is wanted, write a new lock with "flambeau lock"`
}

function explain({ tool, said }: ToolError, tried: string): Trouble {
  for (const reason of reasons) {
    const found = reason.said.exec(said)
    if (found) return new Trouble(reason.code, reason.says(tried, found))
  }
  return new Trouble('EXTENSION_TOOL', `could not be made of "${tried}": ${tool} says\n\n${indented(said)}`)
}

function indented(said: string): string {
  const lines = said.split('\n').filter((line) => !/A complete log of this run|^npm error\s*$/.test(line))
  return lines.map((line) => `  ${line}`).join('\n')
}
