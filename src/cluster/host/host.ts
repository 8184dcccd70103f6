import type { Exit, Resources } from '../protocol/messages.js'

/** Options of {@link Host.exec}. */
export interface ExecOptions {
  /** What the program reads from its standard input. */
  readonly input?: string | Uint8Array
  /** A folder; relative ones are taken from the home folder, which is where a program runs otherwise. */
  readonly cwd?: string
  /** Added to the environment of the host. Others on the host may see it: no place for a secret. */
  readonly env?: Readonly<Record<string, string>>
  /** Ends the program: TERM to its process group, and KILL two seconds later. */
  readonly signal?: AbortSignal
  /** Gets output as it comes, in place of `stdout` in the result; what it returns is awaited. */
  readonly onStdout?: (chunk: Buffer) => unknown
  /** Gets error output as it comes, in place of `stderr` in the result. */
  readonly onStderr?: (chunk: Buffer) => unknown
}

/** How a program on a host ended, and the last 16 MiB of each of its outputs. */
export interface ExecResult extends Exit {
  readonly stdout: Buffer
  readonly stderr: Buffer
}

/** Options of {@link Host.sync}. */
export interface SyncOptions {
  /** Patterns as in `.gitignore`, besides those in the folder's `.flambeauignore`. */
  readonly ignore?: readonly string[]
}

/** Options of {@link Host.fetch}. */
export interface FetchOptions {
  /** Replace files that are there and differ; default `false`. */
  readonly force?: boolean | undefined
}

/** What {@link Host.sync} had to send. */
export interface Sent {
  readonly files: number
  readonly bytes: number
}

/**
 * One machine. Paths on it are relative to the user's home folder there, or absolute.
 *
 * ```ts
 * const { exitCode, stdout } = await host.exec(['python3', '--version'])
 * await host.put('data/labels.txt', 'setosa\nvirginica\n')
 * ```
 *
 * Each method throws a `ClusterError` when the host cannot be reached.
 */
export interface Host {
  /** What messages call it: its address, or its alias in `~/.ssh/config`. */
  readonly name: string

  /**
   * Runs a program with its arguments as they are: no shell sees them. Any exit code is a result.
   *
   * @throws `RemoteCommandError` when there is no such program.
   */
  exec(argv: readonly string[], options?: ExecOptions): Promise<ExecResult>

  /**
   * Runs a shell script, which travels over standard input: `sh -e` with `args` as `$1`, `$2`, ...
   *
   * @throws `RemoteCommandError` when it exits with anything but 0.
   */
  script(text: string, args?: readonly string[], options?: Omit<ExecOptions, 'input'>): Promise<ExecResult>

  /** Writes a file, whole or not at all; its mode is 0600 unless `mode` says otherwise. */
  put(path: string, content: string | Uint8Array, options?: { readonly mode?: number }): Promise<void>

  /**
   * Reads a file.
   *
   * @throws `RemoteCommandError` when there is none.
   */
  get(path: string): Promise<Buffer>

  /** Makes a folder there the same as a local one: sends what differs, and swaps it in when all has arrived. */
  sync(local: string, path: string, options?: SyncOptions): Promise<Sent>

  /**
   * Brings a file or folder here. A folder that is there keeps its other files; a file is replaced when it is the same, or
   * with `force`.
   *
   * @throws `ResourceError` that names what is in the way; then nothing has changed.
   */
  fetch(path: string, local: string, options?: FetchOptions): Promise<void>

  makeFolders(paths: readonly string[]): Promise<void>

  /** Removes a file or folder, or with `contentOnly` what is in it; nothing happens where there is none. */
  remove(path: string, options?: { readonly contentOnly?: boolean }): Promise<void>

  exists(path: string): Promise<boolean>

  /** What it has to compute with. */
  resources(): Promise<Resources>

  /** Tries until it can be reached, for `timeoutMs` at most: a machine that is starting. */
  waitUntilAccessible(options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal }): Promise<void>

  /** Ends the connection; the next call makes a new one. */
  close(): Promise<void>
}
