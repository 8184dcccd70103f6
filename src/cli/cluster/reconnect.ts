import { type Command, InvalidArgumentError, Option } from 'commander'
import type { ReconnectOptions } from '../../cluster/run/persistently.js'
import { isFlambeauError } from '../../errors.js'
import type { AtCluster } from './with-cluster.js'

/** What {@link withReconnect} adds. */
export interface ReconnectFlags {
  readonly reconnectTimeout?: number
}

/** Adds `--reconnect-timeout SECONDS`. */
export function withReconnect(command: Command): Command {
  const option = new Option(
    '--reconnect-timeout <seconds>',
    'how long to try to reach the cluster again when the connection is lost (default: 600)',
  )
  return command.addOption(option.argParser(seconds))
}

function seconds(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= 0 && value <= 1e9) return value
  throw new InvalidArgumentError('It must be a number of seconds, such as 3600.')
}

/** The run that a command stays with. */
export interface Followed {
  readonly id: string
  /** The YAML file of its cluster. */
  readonly file: string
  readonly flags: ReconnectFlags
}

/**
 * Stays with a run through lost connections. When its host is not reached any more, it says that the run goes on and
 * how to come back, and gives the exit code for that.
 */
export async function staying(
  { id, file, flags }: Followed,
  { logger, signal }: AtCluster,
  body: (options: ReconnectOptions) => Promise<number>,
): Promise<number> {
  const { reconnectTimeout } = flags
  try {
    return await body({
      signal,
      ...(reconnectTimeout === undefined ? {} : { reconnectTimeoutMs: reconnectTimeout * 1000 }),
      onConnectionLost: ({ message }) => logger.warn(`${message}; trying to reach it again`),
    })
  } catch (error) {
    if (!isFlambeauError(error) || error.code !== 'RUN_OUT_OF_REACH') throw error
    logger.error(`${error.message.replace(/, and can be.*$/, '')}`)
    logger.info(`Come back with "flambeau logs ${id} -f -c ${file}" or "flambeau wait ${id} -c ${file}"`)
    return error.exitCode
  }
}
