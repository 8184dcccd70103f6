import { execFile } from 'node:child_process'

/** No output of git is larger, in bytes. */
const largestOutput = 1 << 27

/** The exit code of "git config" when there is no such setting. */
const noneFound = 1

/** How a command of git is run. */
interface GitCall {
  readonly folder?: string
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  /** Settings that only this command has. */
  readonly settings?: readonly string[]
}

/** Neither a program that the repository names may run, nor may anything be written into it. */
const settings = [
  'core.fsmonitor=false',
  'core.hooksPath=/dev/null',
  'core.quotePath=false',
  'core.splitIndex=false',
  'core.fsync=none',
  'core.looseCompression=0',
]
const environment = {
  LC_ALL: 'C',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_LITERAL_PATHSPECS: '1',
  GIT_TERMINAL_PROMPT: '0',
  // A partial clone would load what it does not have.
  GIT_NO_LAZY_FETCH: '1',
  GIT_ALLOW_PROTOCOL: 'none',
}

/** Runs commands of git that only read a repository, and run nothing that it or its user has configured. */
export class GitProcess {
  #filters: readonly string[] = []

  private constructor(
    readonly folder: string,
    readonly signal: AbortSignal,
  ) {}

  static async open(folder: string, signal: AbortSignal): Promise<GitProcess> {
    const git = new GitProcess(folder, signal)
    git.#filters = await git.#filterSettings()
    return git
  }

  run(args: readonly string[], call: GitCall = {}): Promise<Buffer> {
    const { folder = this.folder, env = {}, input = '', settings: own = [] } = call
    const flags = [...settings, ...this.#filters, ...own].flatMap((setting) => ['-c', setting])
    const options = {
      cwd: folder,
      env: { ...inheritedEnvironment(), ...environment, ...env },
      encoding: 'buffer' as const,
      maxBuffer: largestOutput,
      signal: this.signal,
      killSignal: 'SIGKILL' as const,
      windowsHide: true,
    }
    return new Promise((succeed, fail) => {
      const child = execFile('git', [...flags, ...args], options, (error, output) =>
        error ? fail(error) : succeed(output),
      )
      // It may end before it reads.
      child.stdin?.on('error', () => {})
      child.stdin?.end(input)
    })
  }

  // A filter such as that of Git LFS is a program, and it may write into the repository. Without it, a patch has the files as they are.
  async #filterSettings(): Promise<string[]> {
    const query = [
      'config',
      '--null',
      '--name-only',
      '--get-regexp',
      '^filter\\..*\\.(clean|process|required)$',
    ]
    const names = await this.run(query).catch((error) =>
      error.code === noneFound ? '' : Promise.reject(error),
    )
    return [...new Set(names.toString().split('\0').filter(Boolean))].map(withoutFilter)
  }
}

/** What a command of git has printed, as text. */
export function withoutLineEnd(output: Buffer): string {
  return output.toString().replace(/\n$/, '')
}

function withoutFilter(name: string): string {
  if (name.includes('=')) throw new Error(`The setting "${name}" cannot be replaced`)
  return name.endsWith('.required') ? `${name}=false` : `${name}=`
}

/** The variables with which a user configures git. Others, such as those of a hook, would name another repository. */
const keptVariables = /^GIT_(?:CONFIG_.*|CEILING_DIRECTORIES|DISCOVERY_ACROSS_FILESYSTEM|EXEC_PATH)$/

function inheritedEnvironment(): NodeJS.ProcessEnv {
  const variables = Object.entries(process.env)
  return Object.fromEntries(variables.filter(([name]) => !/^GIT_/i.test(name) || keptVariables.test(name)))
}
