import type { Host } from '../cluster/host/host.js'
import { authorizedLine } from '../cluster/wire/authorized-line.js'
import type { Ask, Done, Ended, HostState, Operation, Reply } from '../cluster/wire/protocol.js'
import { memoryHome } from './memory-files.js'
import type { MemoryRuns } from './memory-runs.js'

/** What an agent in memory has besides its host. */
interface AgentParts {
  readonly runs: MemoryRuns
  /** Runs a shell command. */
  readonly command: (command: string) => Promise<Ended>
}

type Answers = { [O in Operation]: (ask: Ask<O>) => Promise<Reply<O>> }

const done: Done = { done: true }

/** What the agent of a real host would answer, of one that has this package already. */
export function agentOf(host: Host, { runs, command }: AgentParts): Answers {
  const commandsDone = new Set<string | undefined>([undefined])
  return {
    inspect: async ({ setup }) => ({
      ...stateOf(),
      setUp: commandsDone.has(setup),
    }),
    measure: () => host.resources(),
    async setUp({ commands, hash }) {
      for (const each of commands) {
        const ended = await command(each)
        if (ended.failed) return ended
      }
      commandsDone.add(hash)
      return {}
    },
    authorize: async () => done,
    know: async () => done,
    reach: async ({ commands }) => ({ ends: commands.map(() => ({ exitCode: 0, stderr: '' })) }),
    retain: async () => done,
    makeFolders: ({ paths }) => host.makeFolders(paths).then(() => done),
    remove: ({ path, contentOnly }) => host.remove(path, { contentOnly }).then(() => done),
    exists: async ({ path }) => ({ exists: await host.exists(path) }),
    start: async (specification) => runs.start(specification),
    runs: async ({ cluster }) => ({ runs: runs.of(cluster) }),
    status: async ({ id }) => runs.status(id),
    logStart: async (ask) => runs.logStart(ask),
    wait: ({ id }) => runs.wait(id),
    cancel: ({ id }) => runs.cancel(id),
    down: ({ cluster }) => host.remove(`.flambeau/clusters/${cluster}`).then(() => done),
    receive: inBytes,
    give: inBytes,
    exec: inBytes,
    put: inBytes,
    get: inBytes,
    logs: inBytes,
  }
}

const publicKey = 'ssh-ed25519 in-memory'

function stateOf(): Omit<HostState, 'setUp'> {
  return {
    home: memoryHome,
    user: 'user',
    freeBytes: 2 ** 40,
    missing: [],
    publicKey,
    authorized: [authorizedLine(publicKey)],
    hostKeys: [],
    knownHosts: '',
  }
}

// What travels in bytes is done by the methods of the host.
function inBytes(): never {
  throw new TypeError('A host in memory has no connection')
}
