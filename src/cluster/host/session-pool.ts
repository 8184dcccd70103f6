import type { ChildProcess } from 'node:child_process'
import { SessionEnded } from './agent-errors.js'
import { launchCommand, readAgentSource } from './launcher.js'
import { Session } from './session.js'

/** How a {@link SessionPool} starts sessions. */
export interface SessionLauncher {
  /** Starts a program on the machine; its streams are pipes. */
  start(argv: readonly string[]): ChildProcess | Promise<ChildProcess>
  /** The path of Node on the host; by default it is searched for. */
  readonly node?: string | undefined
  /** How long the host may take to respond for the first time, in milliseconds. */
  readonly greetingMs: number
  /** How long it may be silent during a response, in milliseconds. */
  readonly silenceMs: number
}

/** The sessions with one machine; idle sessions are reused. */
export class SessionPool {
  readonly #launcher: SessionLauncher
  readonly #idle: Session[] = []
  readonly #all = new Set<Session>()
  /** The sessions that wait for the greeting. */
  readonly #opening = new Set<Session>()
  #first: Promise<Session> | undefined
  #closings = 0

  constructor(launcher: SessionLauncher) {
    this.#launcher = launcher
  }

  /** Calls `work` with a session. If it fails, the session is closed, since its next message is unknown. */
  async use<T>(work: (session: Session) => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted()
    const session = this.#takeIdle() ?? (await this.#open())
    // Opening may have taken long, and the caller may have aborted meanwhile.
    if (signal?.aborted) this.#putBack(session)
    signal?.throwIfAborted()
    session.keepAlive(true)
    const working = work(session)
    working.then(
      () => this.#putBack(session),
      () => this.#end(session),
    )
    return signal ? untilAborted(working, session, signal) : working
  }

  /** Closes all sessions, the first one last: the others may share its connection. */
  async close(): Promise<void> {
    this.#closings++
    const [first, ...others] = this.#all
    await Promise.all([...others, ...this.#opening].map((session) => session.close()))
    await first?.close()
    this.#all.clear()
  }

  #takeIdle(): Session | undefined {
    for (let session = this.#idle.pop(); session; session = this.#idle.pop()) {
      if (session.isOpen) return session
      this.#all.delete(session)
    }
    return undefined
  }

  #putBack(session: Session): void {
    if (!session.isOpen) return void this.#end(session)
    session.keepAlive(false)
    this.#idle.push(session)
  }

  // A session whose connection others share stays in the set until it is closed.
  async #end(session: Session): Promise<void> {
    await session.leave()
    if (session.hasExited) this.#all.delete(session)
  }

  // Before the first session has received its greeting, there is no connection to share.
  async #open(): Promise<Session> {
    for (const session of this.#all) if (session.hasExited) this.#all.delete(session)
    if (this.#all.size > 0) return this.#start()
    if (this.#first) return this.#first.then(() => this.#start())
    this.#first = this.#start()
    try {
      return await this.#first
    } finally {
      this.#first = undefined
    }
  }

  // A shared connection that closes can silently end a session that is just starting: it is retried once.
  #start(): Promise<Session> {
    const closings = this.#closings
    return this.#startOnce().catch((error) => {
      const isUnexplained = error instanceof SessionEnded && printedNothing(error)
      if (isUnexplained && closings === this.#closings) return this.#startOnce()
      throw error
    })
  }

  async #startOnce(): Promise<Session> {
    const agent = await readAgentSource()
    const child = await this.#launcher.start(launchCommand(agent, this.#launcher.node))
    const session = new Session(child, this.#launcher.silenceMs)
    const timer = setTimeout(() => session.kill(), this.#launcher.greetingMs)
    this.#opening.add(session)
    try {
      await session.open(agent.input)
    } finally {
      clearTimeout(timer)
      this.#opening.delete(session)
    }
    this.#all.add(session)
    return session
  }
}

function printedNothing({ stderr, noise, timedOut }: SessionEnded): boolean {
  return stderr === '' && noise === '' && !timedOut
}

/** How long the agent may take to stop a cancelled operation. */
const stopMs = 10_000

async function untilAborted<T>(working: Promise<T>, session: Session, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stopped = stopOnAbort(working, session, signal, () => reject(signal.reason))
    stopped.then(resolve, reject)
  })
}

/** Lets the agent stop an operation when a signal is aborted; settles as the operation does, with the last of its output. */
export async function stopOnAbort<T>(
  working: Promise<T>,
  session: Session,
  signal: AbortSignal,
  onAbort?: () => void,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const abort = (): void => {
    onAbort?.()
    session.abandon()
    timer = setTimeout(() => session.kill(), stopMs)
  }
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await working
  } finally {
    signal.removeEventListener('abort', abort)
    clearTimeout(timer)
  }
}
