import type { Exit, Resources } from '../protocol/messages.js'

/** Options of {@link Host.exec}. */
export interface ExecOptions {
  /** What the program reads from its standard input. */
  readonly input?: string | Uint8Array
  /** The working directory, relative to the home folder; the home folder by default. */
  readonly cwd?: string
  /** Variables that are added to the environment. Other users of the host may see them: do not put secrets here. */
  readonly env?: Readonly<Record<string, string>>
  /** Terminates the program: SIGTERM to its process group, and SIGKILL two seconds later. */
  readonly signal?: AbortSignal
  /** @internal Whether what the program prints is read to its end, also after `signal` is aborted; the result arrives then. */
  readonly readsToEnd?: boolean
  /** Called with output as it arrives, instead of `stdout` in the result. A promise that it returns is awaited. */
  readonly onStdout?: (chunk: Buffer) => unknown
  /** Called with error output as it arrives, instead of `stderr` in the result. */
  readonly onStderr?: (chunk: Buffer) => unknown
}

/** How a program on a host exited, and the last 16 MiB of each output. */
export interface ExecResult extends Exit {
  readonly stdout: Buffer
  readonly stderr: Buffer
}

/** Options of {@link Host.sync}. */
export interface SyncOptions {
  /** Patterns as in `.gitignore`, in addition to those in the folder's `.flambeauignore`. */
  readonly ignore?: readonly string[]
}

/** Options of {@link Host.fetch}. */
export interface FetchOptions {
  /** Whether to replace existing files that differ; `false` by default. */
  readonly force?: boolean | undefined
}

/** What {@link Host.sync} sent. */
export interface Sent {
  readonly files: number
  readonly bytes: number
}

/**
 * A machine. Paths on it are absolute, or relative to the user's home folder.
 *
 * ```ts
 * const { exitCode, stdout } = await host.exec(['python3', '--version'])
 * await host.put('data/labels.txt', 'setosa\nvirginica\n')
 * ```
 *
 * Each method throws a `ClusterError` when the host cannot be reached.
 */
export interface Host {
  /** The name in messages: its address, or its alias in `~/.ssh/config`. */
  readonly name: string

  /**
   * Runs a program with its arguments, without a shell. Every exit code is a result, not an error.
   *
   * @throws `RemoteCommandError` when the program does not exist.
   */
  exec(argv: readonly string[], options?: ExecOptions): Promise<ExecResult>

  /**
   * Runs a shell script with `sh -e`, which reads it from standard input; `args` are `$1`, `$2`, ...
   *
   * @throws `RemoteCommandError` when the exit code is not 0.
   */
  script(text: string, args?: readonly string[], options?: Omit<ExecOptions, 'input'>): Promise<ExecResult>

  /** Writes a file atomically; its mode is 0600 by default. */
  put(path: string, content: string | Uint8Array, options?: { readonly mode?: number }): Promise<void>

  /**
   * Reads a file.
   *
   * @throws `RemoteCommandError` when it does not exist.
   */
  get(path: string): Promise<Buffer>

  /**
   * Makes a folder on the host equal to a local one: sends the files that differ, then replaces the folder as a
   * whole.
   */
  sync(local: string, path: string, options?: SyncOptions): Promise<Sent>

  /**
   * Copies a file or folder to this machine. An existing folder keeps its other files. An existing file that differs
   * is replaced only with `force`.
   *
   * @throws `ResourceError` that names the existing files that differ; nothing was changed then.
   */
  fetch(path: string, local: string, options?: FetchOptions): Promise<void>

  makeFolders(paths: readonly string[]): Promise<void>

  /** Removes a file or folder, or with `contentOnly` only its content. A missing path is not an error. */
  remove(path: string, options?: { readonly contentOnly?: boolean }): Promise<void>

  exists(path: string): Promise<boolean>

  /** Returns its CPUs, memory and GPUs. */
  resources(): Promise<Resources>

  /** Waits until the host can be reached, at most `timeoutMs`: for a machine that is booting. */
  waitUntilAccessible(options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal }): Promise<void>

  /** Closes the connection; the next call opens a new one. */
  close(): Promise<void>
}
