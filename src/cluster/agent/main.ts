/**
 * The agent that runs on a host. It handles the requests of `Operations` over standard input and output, one
 * after another. It is sent with each connection, so that it always has the version of the client.
 */
import { realpathSync } from 'node:fs'
import { delimiter, dirname } from 'node:path'
import { findProgram, programFolders } from '../../util/find-program.js'
import { MessageConnection } from '../protocol/connection.js'
import {
  greeting,
  heartbeatMs,
  type Operation,
  type Reply,
  type Request,
  type Response,
  type Unwritten,
} from '../protocol/messages.js'
import { isTreePath } from '../protocol/tree.js'
import { down } from './down.js'
import { exec, setUp } from './exec.js'
import { exists, get, makeFolders, put, remove, sendTree } from './files.js'
import { inspect, resources } from './inspect.js'
import { currentStatus, logStart, logs, wait } from './logs.js'
import { receive } from './receive.js'
import { cancel, start } from './run-control.js'
import { lookForNext, startNextIfPossible } from './run-start.js'
import { runsOf } from './run-store.js'
import { allUnfinished } from './run-turn.js'
import { authorize, setKnownHosts, testConnections } from './ssh-access.js'
import { retain } from './tree-store.js'
import { makeWorkFolder, removeSentFiles } from './work-folder.js'

// For a recursive mkdir without free inodes, Node reports ENOENT.
function errorCode({ code = 'HOST_REFUSED', syscall }: NodeJS.ErrnoException): string {
  return code === 'ENOENT' && syscall === 'mkdir' ? 'ENOSPC' : code
}

type Handlers = {
  readonly [O in Operation]: (
    request: Request<O>,
    connection: MessageConnection,
  ) => Promise<Unwritten<Reply<O>>>
}

const handlers: Handlers = {
  inspect,
  resources,
  setUp,
  authorize: acknowledge(authorize),
  setKnownHosts: acknowledge(setKnownHosts),
  testConnections,
  receive: acknowledge(receive),
  retain: acknowledge(retainTrees),
  makeWorkFolder,
  sendTree: acknowledge(sendTree),
  exec,
  put: acknowledge(put),
  get: acknowledge(get),
  makeFolders: acknowledge(makeFolders),
  remove: acknowledge(remove),
  exists,
  start,
  runs: listRuns,
  status: ({ cluster, id }) => currentStatus(cluster, id),
  logStart,
  logs: acknowledge(logs),
  wait,
  cancel: cancelRun,
  down: acknowledge(down),
}

async function listRuns({ cluster }: Request<'runs'>) {
  await lookForNext(cluster)
  return { runs: await runsOf(cluster) }
}

async function cancelRun(request: Request<'cancel'>) {
  const status = await cancel(request)
  await startNextIfPossible(request.cluster)
  return status
}

async function retainTrees(request: Request<'retain'>): Promise<void> {
  const { cluster, run } = request
  // Others may have begun since that command has asked for them.
  const unfinished = [...new Set([...request.unfinished, ...(await allUnfinished(cluster))])]
  await retain({ ...request, unfinished: unfinished.filter((id) => id !== run) })
  await removeSentFiles(cluster, [run, ...unfinished])
}

function acknowledge<A>(handle: (request: A, connection: MessageConnection) => Promise<void>) {
  return async (request: A, connection: MessageConnection) => {
    await handle(request, connection)
    return { done: true } as const
  }
}

addNodeToPath()
// A closed connection is noticed by the writes that fail.
process.stdout.on('error', () => undefined)
serve(new MessageConnection(process.stdin, process.stdout))
  .catch(() => undefined)
  // Exits after all output is written, even if work is in progress.
  .then(() => process.stdout.write('', () => process.exit()))

async function serve(connection: MessageConnection): Promise<void> {
  await connection.write(Buffer.from(`\n${greeting}\n`))
  for (;;) {
    const request = await connection.receive<RequestMessage>()
    if (!request) return
    const response = await respondWithHeartbeat(request, connection)
    await connection.send(response)
    // After an error, unread bytes may follow: the next request goes to a new agent.
    if ('error' in response) return
  }
}

interface RequestMessage {
  readonly op: Operation
  readonly ask: never
}

async function respondWithHeartbeat(
  { op, ask }: RequestMessage,
  connection: MessageConnection,
): Promise<Response> {
  const timer = setInterval(() => connection.sendHeartbeat(), heartbeatMs)
  try {
    return await respond(op, ask, connection)
  } finally {
    clearInterval(timer)
  }
}

async function respond<O extends Operation>(
  op: O,
  request: Request<O>,
  connection: MessageConnection,
): Promise<Response<O>> {
  try {
    checkRequest(op, request)
    return { reply: await handlers[op](request, connection) }
  } catch (error) {
    const { message, path, detail = path } = error as NodeJS.ErrnoException & { detail?: string }
    return { error: { code: errorCode(error as NodeJS.ErrnoException), message, detail } }
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

const isWork: Check = (value) => {
  const { tree, folder } = Object(value) as { tree?: unknown; folder?: unknown }
  return isTreePath(String(tree)) && (folder === '' || isTreePath(String(folder)))
}

/** The fields that become paths or commands, in any operation: a mistake there could remove the wrong files. */
const checks: Readonly<Record<string, Check>> = {
  cluster: isName(/^[A-Za-z0-9][\w.-]{0,63}$/),
  packageHash: isName(/^[0-9a-f]+$/),
  run: isName(/^[\w-]{1,128}$/),
  unfinished: (value) => Array.isArray(value) && value.every(isName(/^[\w-]{1,128}$/)),
  work: isWork,
  slurm: (value) => {
    const { arguments: given } = Object(value) as { arguments?: unknown }
    return Array.isArray(given) && given.every(isText)
  },
  trees: (value) => Array.isArray(value) && value.every((path) => isTreePath(String(path))),
  manifest: isTree,
  path: isText,
  cwd: isText,
  paths: (value) => Array.isArray(value) && value.every(isText),
  commands: (value) => Array.isArray(value) && value.flat().every(isText),
  size: isCount,
  input: isCount,
  offset: isCount,
  tail: isCount,
  graceMs: isCount,
}

/** @throws Error when a request is malformed. */
function checkRequest(op: Operation, request: unknown): void {
  if (typeof request !== 'object' || request === null) throw new Error(`"${op}" without a request`)
  for (const [name, value] of Object.entries(request))
    if (value !== undefined && Object.hasOwn(checks, name) && !checks[name]!(value))
      throw new Error(`"${name}" of "${op}" is not valid`)
}

/** Makes the Node that runs the agent the first one in PATH, for the programs that are started here. */
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
