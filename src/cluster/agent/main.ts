import { realpathSync } from 'node:fs'
import { delimiter, dirname } from 'node:path'
import { findProgram, programFolders } from '../../util/find-program.js'
import { MessageConnection } from '../protocol/connection.js'
import {
  greeting,
  heartbeatMs,
  type Operation,
  type Operations,
  type Reply,
  type Request,
  type Response,
} from '../protocol/messages.js'
import { isTreePath } from '../protocol/tree.js'
import { down } from './down.js'
import { exec, setUp } from './exec.js'
import { exists, get, makeFolders, put, remove, sendTree } from './files.js'
import { inspect, resources } from './inspect.js'
import { logStart, logs, wait } from './logs.js'
import { receive } from './receive.js'
import { cancel, start } from './run-control.js'
import { runsOf, statusOf } from './run-store.js'
import { authorize, setKnownHosts, testConnections } from './ssh-access.js'
import { retain } from './tree-store.js'

/**
 * What runs on a host: answers the questions of {@link Operations} over standard input and output, one after another.
 * It is sent with each connection, so that it is always the one that the other side knows.
 */

// Of a folder that is made with its parents, Node says ENOENT where there is no inode left for one of them.
function errorCode({ code = 'HOST_REFUSED', syscall }: NodeJS.ErrnoException): string {
  return code === 'ENOENT' && syscall === 'mkdir' ? 'ENOSPC' : code
}

type Handlers = { readonly [O in Operation]: (ask: Request<O>, wire: MessageConnection) => Promise<Reply<O>> }

const handlers: Handlers = {
  inspect,
  measure: resources,
  setUp,
  authorize: acknowledge(authorize),
  know: acknowledge(setKnownHosts),
  reach: testConnections,
  receive: acknowledge(receive),
  retain: acknowledge(retain),
  give: acknowledge(sendTree),
  exec,
  put: acknowledge(put),
  get: acknowledge(get),
  makeFolders: acknowledge(makeFolders),
  remove: acknowledge(remove),
  exists,
  start,
  runs: async ({ cluster }) => ({ runs: await runsOf(cluster) }),
  status: ({ cluster, id }) => statusOf(cluster, id),
  logStart,
  logs: acknowledge(logs),
  wait,
  cancel,
  down: acknowledge(down),
}

function acknowledge<A>(handle: (ask: A, wire: MessageConnection) => Promise<void>) {
  return async (ask: A, wire: MessageConnection) => {
    await handle(ask, wire)
    return { done: true } as const
  }
}

addNodeToPath()
// A connection that is gone is found out by what is written to it.
process.stdout.on('error', () => undefined)
serve(new MessageConnection(process.stdin, process.stdout))
  .catch(() => undefined)
  // Not before all is written, and whatever is under way still.
  .then(() => process.stdout.write('', () => process.exit()))

async function serve(wire: MessageConnection): Promise<void> {
  await wire.write(Buffer.from(`\n${greeting}\n`))
  for (;;) {
    const question = await wire.receive<RequestMessage>()
    if (!question) return
    const given = await answerWithHeartbeat(question, wire)
    await wire.send(given)
    // Bytes may be under way that nobody wants any more: the next question comes to a new agent.
    if ('error' in given) return
  }
}

interface RequestMessage {
  readonly op: Operation
  readonly ask: never
}

async function answerWithHeartbeat({ op, ask }: RequestMessage, wire: MessageConnection): Promise<Response> {
  const timer = setInterval(() => wire.sendHeartbeat(), heartbeatMs)
  try {
    return await answer(op, ask, wire)
  } finally {
    clearInterval(timer)
  }
}

async function answer<O extends Operation>(
  op: O,
  ask: Operations[O]['ask'],
  wire: MessageConnection,
): Promise<Response<O>> {
  try {
    checkRequest(op, ask)
    return { reply: await handlers[op](ask, wire) }
  } catch (error) {
    const { message, path } = error as NodeJS.ErrnoException
    return {
      error: {
        code: errorCode(error as NodeJS.ErrnoException),
        message,
        ...(path === undefined ? {} : { detail: path }),
      },
    }
  }
}

type Check = (value: unknown) => boolean

const isText: Check = (value) => typeof value === 'string' && !value.includes('\0')
const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0
const isName =
  (pattern: RegExp): Check =>
  (value) =>
    typeof value === 'string' && pattern.test(value)
const isTree: Check = (value) => {
  const { files } = Object(value) as { files?: unknown }
  return Array.isArray(files) && files.every((file) => isTreePath(String(file?.path)) && isCount(file?.size))
}

/** The fields that lead to a place on this host, whichever question they belong to: a mistake there removes the wrong thing. */
const checks: Readonly<Record<string, Check>> = {
  cluster: isName(/^[A-Za-z0-9][\w.-]{0,63}$/),
  packageHash: isName(/^[0-9a-f]+$/),
  trees: (value) => Array.isArray(value) && value.every((path) => isTreePath(String(path))),
  manifest: isTree,
  path: isText,
  from: isText,
  to: isText,
  cwd: isText,
  paths: (value) => Array.isArray(value) && value.every(isText),
  commands: (value) => Array.isArray(value) && value.flat().every(isText),
  size: isCount,
  input: isCount,
  offset: isCount,
  tail: isCount,
  graceMs: isCount,
}

/** @throws Error when a question is none, or would lead to another place than it says. */
function checkRequest(op: Operation, ask: unknown): void {
  if (typeof ask !== 'object' || ask === null) throw new Error(`"${op}" without a question`)
  for (const [name, value] of Object.entries(ask))
    if (value !== undefined && Object.hasOwn(checks, name) && !checks[name]!(value))
      throw new Error(`"${name}" of "${op}" is not valid`)
}

/** Lets the programs that are started here find the very Node that runs this, whatever a login finds. */
function addNodeToPath(): void {
  if (isThisNode(findProgram('node'))) return
  process.env['PATH'] = [dirname(process.execPath), ...programFolders()].join(delimiter)
}

function isThisNode(path: string | undefined): boolean {
  try {
    return path !== undefined && realpathSync(path) === realpathSync(process.execPath)
  } catch {
    return false
  }
}
