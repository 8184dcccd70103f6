import * as v from 'valibot'
import type { RunEvent } from '../../records/events.js'
import { printable } from '../../util/printable.js'
import type { AgentError, ChunkHeader, Operation, Reply, Request, Unwritten } from '../protocol/messages.js'
import { isClusterKey, isPublicKey } from '../protocol/public-key.js'
import { arePathsDistinct, isTreePath, type TreeFile } from '../protocol/tree.js'

/** The schema of a message from a host. */
export type MessageSchema<T> = v.GenericSchema<unknown, T>

type ReplySchemas = { readonly [O in Operation]: (request: Unwritten<Request<O>>) => MessageSchema<Reply<O>> }

const nul = /\0/
const maxText = 1 << 16

/** Text from a host that a message shows: control characters are escaped. */
const PrintableText = v.pipe(v.string(), v.maxLength(maxText), v.transform(printable))
/** The same on one line. */
const PrintableLine = v.pipe(v.string(), v.maxLength(4096), v.regex(/^[^\n]*$/), v.transform(printable))
const Id = v.pipe(v.string(), v.regex(/^[\w-]{1,128}$/))
const ClusterName = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][\w.-]{0,63}$/))
const UserName = v.pipe(v.string(), v.regex(/^(?!-)[^\s\p{Cc}\p{Cf}]{1,255}$/u))
const Folder = v.pipe(v.string(), v.maxLength(4096), v.regex(/^\/[^\p{Cc}]*$/u))
const Lines = v.pipe(
  v.string(),
  v.check((text) => !nul.test(text), 'has a NUL character'),
)
const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const Amount = v.pipe(v.number(), v.finite(), v.minValue(0))
const ExitCode = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255))
const Signal = v.pipe(v.string(), v.regex(/^SIG[A-Z0-9+-]{1,16}$/))
const Time = v.pipe(v.string(), v.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/))
const PublicKey = v.pipe(v.string(), v.check(isPublicKey, 'is not one line, "type base64"'))
const Json = v.pipe(v.string(), v.check(isJson, 'is not JSON'))

const exit = { exitCode: v.nullable(ExitCode), signal: v.nullable(Signal) }
const Done = v.object({ done: v.literal(true) })
const CommandEnd = v.object({
  failed: v.exactOptional(v.object({ ...exit, command: PrintableText, output: PrintableText })),
})

const RunState = v.picklist(['queued', 'starting', 'running', 'succeeded', 'failed', 'cancelled', 'lost'])

const Gpu = v.object({
  index: Count,
  name: PrintableLine,
  memory: Amount,
  vendor: v.picklist(['nvidia', 'amd']),
})

/** The status of a run of a cluster; with `id`, of that run only. */
function statusOf(cluster: string, id?: string) {
  return v.object({
    id: id === undefined ? Id : v.literal(id),
    cluster: v.literal(cluster),
    state: RunState,
    file: PrintableLine,
    startedAt: Time,
    endedAt: v.exactOptional(Time),
    exitCode: v.exactOptional(ExitCode),
    signal: v.exactOptional(Signal),
    waitsFor: v.exactOptional(PrintableLine),
    reason: v.exactOptional(PrintableLine),
    logSize: Count,
  })
}

const done = (): MessageSchema<Reply<'put'>> => Done

/** The schema of each reply, given its request. Nothing else from a host is used. */
const replySchemas: ReplySchemas = {
  inspect: ({ cluster }) =>
    v.object({
      home: Folder,
      user: UserName,
      unwritable: v.exactOptional(PrintableLine),
      freeBytes: Amount,
      missing: v.array(v.string()),
      setUp: v.boolean(),
      publicKey: v.exactOptional(
        v.pipe(
          v.string(),
          v.check((key) => isClusterKey(key, cluster), 'is not one line, "type base64", of this cluster'),
        ),
      ),
      authorized: v.array(Lines),
      hostKeys: v.array(PublicKey),
      knownHosts: Lines,
      reached: v.exactOptional(Lines),
      others: v.array(v.object({ name: ClusterName, run: v.exactOptional(Id) })),
    }),
  resources: () =>
    v.object({
      cpus: v.pipe(v.number(), v.integer(), v.minValue(1)),
      memory: Amount,
      gpus: v.array(Gpu),
    }),
  setUp: () => CommandEnd,
  authorize: done,
  setKnownHosts: done,
  testConnections: ({ commands }) =>
    v.object({
      ends: v.pipe(
        v.array(v.object({ exitCode: v.nullable(ExitCode), stderr: PrintableText })),
        v.length(commands.length),
      ),
    }),
  receive: done,
  retain: done,
  makeWorkFolder: () => v.object({ project: Folder, folder: Folder }),
  sendTree: done,
  exec: () => v.object(exit),
  put: done,
  get: done,
  makeFolders: done,
  remove: done,
  exists: () => v.object({ exists: v.boolean() }),
  start: ({ id }) =>
    v.object({
      id: v.literal(id),
      waitsFor: v.exactOptional(Id),
      job: v.exactOptional(Id),
      unfinished: v.array(Id),
    }),
  runs: ({ cluster }) => v.object({ runs: v.array(statusOf(cluster)) }),
  status: ({ cluster, id }) => statusOf(cluster, id),
  logStart: () => v.object({ offset: Count }),
  logs: done,
  wait: ({ cluster, id }) => v.object({ ...statusOf(cluster, id).entries, result: v.exactOptional(Json) }),
  cancel: ({ cluster, id }) => statusOf(cluster, id),
  down: done,
}

/** The schema of the last message of a response. */
export function replySchema<O extends Operation>(
  op: O,
  request: Unwritten<Request<O>>,
): MessageSchema<{ reply: Reply<O> }> {
  return v.object({ reply: replySchemas[op](request) })
}

export const ErrorSchema: MessageSchema<{ error: AgentError }> = v.object({
  error: v.object({ code: PrintableLine, message: PrintableText, detail: v.exactOptional(PrintableText) }),
})

/** The schema of the header of a chunk; it limits the size of the chunk. */
export const ChunkHeaderSchema: MessageSchema<ChunkHeader> = v.object({
  bytes: v.pipe(Count, v.minValue(1), v.maxValue(1 << 24)),
  stream: v.picklist(['stdout', 'stderr']),
})

/** The schema of the indexes that a host requests, out of so many files. */
export function wantedSchema(files: number): MessageSchema<{ wanted: number[] }> {
  const Index = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(files - 1))
  return v.object({ wanted: v.pipe(v.array(Index), v.check(isAscending, 'is not in ascending order')) })
}

const TrialId = v.pipe(v.string(), v.maxLength(200), v.regex(/^[^\p{Cc}]*$/u))
const Values = v.record(v.string(), v.unknown())
const Objective = v.object({ name: PrintableLine, goal: v.picklist(['max', 'min']) })
const trial = { time: Time, trial: TrialId }

/** The schema of the events that a run writes on its host. Its start and its end are known otherwise. */
export const EventSchema = v.variant('type', [
  v.looseObject({ type: v.literal('progress'), time: Time }),
  v.looseObject({
    ...trial,
    type: v.literal('log'),
    level: v.picklist(['debug', 'info', 'warn', 'error']),
    message: v.string(),
  }),
  v.looseObject({
    type: v.literal('sweep.started'),
    time: Time,
    metrics: v.array(Objective),
    trials: Count,
    output: v.string(),
    repeat: v.string(),
  }),
  v.looseObject({
    ...trial,
    type: v.literal('trial.started'),
    options: Values,
    file: v.string(),
    attempt: Count,
  }),
  v.looseObject({ ...trial, type: v.literal('trial.progress'), attempt: Count }),
  v.looseObject({
    ...trial,
    type: v.literal('trial.ended'),
    options: Values,
    state: v.picklist(['done', 'stopped', 'failed']),
    durationMs: Amount,
    host: v.string(),
    attempts: Count,
  }),
]) as unknown as MessageSchema<RunEvent>

const File: v.GenericSchema<unknown, TreeFile> = v.object({
  path: v.pipe(
    v.string(),
    v.check(isTreePath, 'leads out of the folder that was asked for, or cannot be written'),
  ),
  size: Count,
  executable: v.boolean(),
  hash: v.pipe(v.string(), v.maxLength(64)),
})

/** The schema of the list of files that a host is about to send. */
export const TreeSchema: MessageSchema<{ single: boolean; files: TreeFile[] }> = v.pipe(
  v.object({ single: v.boolean(), files: v.array(File) }),
  v.check(({ single, files }) => !single || files.length === 1, 'is not the one file that was asked for'),
  v.check(({ files }) => arePathsDistinct(files.map(({ path }) => path)), 'has two files in one place'),
)

/** Validates a message. */
export function parseMessage<T>(
  schema: MessageSchema<T>,
  message: unknown,
): { value: T } | { reason: string } {
  const result = v.safeParse(schema, message, { abortEarly: true, abortPipeEarly: true })
  return result.success ? { value: result.output } : { reason: describe(result.issues[0]) }
}

// The message of the issue would repeat the received value, which may be of any length.
function describe(issue: v.BaseIssue<unknown>): string {
  const name = v.getDotPath(issue)
  const what = issue.type === 'check' ? issue.message : `is not ${issue.expected ?? `a valid ${issue.type}`}`
  return name === null ? what : `"${name}" ${what}`
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function isAscending(indexes: number[]): boolean {
  return indexes.every((index, position) => position === 0 || index > indexes[position - 1]!)
}
