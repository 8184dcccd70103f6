import { Command } from 'commander'
import { lockExtensions } from '../runnable/extension-files.js'
import { StderrLogger } from '../runnable/logger.js'
import { whileInterruptible } from './interrupt.js'

/** `flambeau lock FILE`. */
export function lockCommand(): Command {
  return new Command('lock')
    .description('write what the extensions of a file resolve to now, into a lock beside it')
    .argument('<file>', 'the YAML file')
    .action(lock)
}

async function lock(file: string): Promise<void> {
  const logger = new StderrLogger()
  const { outcome } = await whileInterruptible(logger, (signal) => lockExtensions(file, { logger, signal }))
  logger.info(`Wrote "${outcome}"`)
}
