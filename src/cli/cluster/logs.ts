import { pipeline } from 'node:stream/promises'
import { Command, InvalidArgumentError, Option } from 'commander'
import { type ReconnectFlags, staying, withReconnect } from './reconnect.js'
import { atCluster, type ClusterFlags, withClusterFile } from './with-cluster.js'

interface LogsFlags extends ClusterFlags, ReconnectFlags {
  readonly follow?: true
  readonly tail?: number
}

/** `flambeau logs ID`. */
export function logsCommand(): Command {
  const tail = new Option('-n, --tail <lines>', 'begin with so many of the last lines')
  const command = new Command('logs')
    .description('print what a run has written, byte for byte')
    .argument('<id>', 'the id of the run')
    .option('-f, --follow', 'go on until the run is over')
    .addOption(tail.argParser(lineCount))
  return withReconnect(withClusterFile(command)).action((id: string, flags: LogsFlags) =>
    atCluster(flags, (at) =>
      staying({ id, file: flags.cluster, flags }, at, async (options) => {
        const { follow = false, tail } = flags
        const log = at.cluster.attach(id).logs({ ...options, follow, tail })
        await pipeline(log, process.stdout, { end: false })
        return 0
      }),
    ),
  )
}

function lineCount(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a number of lines, such as 100.')
}
