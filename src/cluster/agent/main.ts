/**
 * What runs on a host: answers the questions of {@link Operations} over standard input and output, one after another.
 * It is sent with each connection, so that it is always the one that the other side knows.
 */
import {
  type Answer,
  type Ask,
  aliveMs,
  greeting,
  type Operation,
  type Operations,
  type Reply,
} from '../wire/protocol.js'
import { Wire } from '../wire/wire.js'
import { authorize } from './authorized-keys.js'
import { cancel } from './cancel.js'
import { down } from './down.js'
import { exec } from './exec.js'
import { exists, get, give, makeFolders, put, remove } from './files.js'
import { inspect, measure } from './inspect.js'
import { know } from './keys.js'
import { logStart, logs, wait } from './logs.js'
import { letProgramsFindNode } from './own-node.js'
import { reach } from './reach.js'
import { receive } from './receive.js'
import { checkRequest } from './requests.js'
import { retain } from './retain.js'
import { runsOf, statusOf } from './run-files.js'
import { setUp } from './set-up.js'
import { start } from './start.js'

// Of a folder that is made with its parents, Node says ENOENT where there is no inode left for one of them.
function errorCode({ code = 'HOST_REFUSED', syscall }: NodeJS.ErrnoException): string {
  return code === 'ENOENT' && syscall === 'mkdir' ? 'ENOSPC' : code
}

type Handlers = { readonly [O in Operation]: (ask: Ask<O>, wire: Wire) => Promise<Reply<O>> }

const handlers: Handlers = {
  inspect,
  measure,
  setUp,
  authorize: done(authorize),
  know: done(know),
  reach,
  receive: done(receive),
  retain: done(retain),
  give: done(give),
  exec,
  put: done(put),
  get: done(get),
  makeFolders: done(makeFolders),
  remove: done(remove),
  exists,
  start,
  runs: async ({ cluster }) => ({ runs: await runsOf(cluster) }),
  status: ({ cluster, id }) => statusOf(cluster, id),
  logStart,
  logs: done(logs),
  wait,
  cancel,
  down: done(down),
}

function done<A>(handle: (ask: A, wire: Wire) => Promise<void>) {
  return async (ask: A, wire: Wire) => {
    await handle(ask, wire)
    return { done: true } as const
  }
}

letProgramsFindNode()
// A connection that is gone is found out by what is written to it.
process.stdout.on('error', () => undefined)
converse(new Wire(process.stdin, process.stdout))
  .catch(() => undefined)
  // Not before all is written, and whatever is under way still.
  .then(() => process.stdout.write('', () => process.exit()))

async function converse(wire: Wire): Promise<void> {
  await wire.write(Buffer.from(`\n${greeting}\n`))
  for (;;) {
    const question = await wire.receive<Question>()
    if (!question) return
    const given = await answerAlive(question, wire)
    await wire.send(given)
    // Bytes may be under way that nobody wants any more: the next question comes to a new agent.
    if ('error' in given) return
  }
}

interface Question {
  readonly op: Operation
  readonly ask: never
}

async function answerAlive({ op, ask }: Question, wire: Wire): Promise<Answer> {
  const timer = setInterval(() => wire.sendAlive(), aliveMs)
  try {
    return await answer(op, ask, wire)
  } finally {
    clearInterval(timer)
  }
}

async function answer<O extends Operation>(op: O, ask: Operations[O]['ask'], wire: Wire): Promise<Answer<O>> {
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
