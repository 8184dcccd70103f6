import { Command } from 'commander'
import { SafeExecutionContext } from '../runnable/context.js'
import { lockExtensions } from '../runnable/extension-files.js'
import { StderrLogger } from '../runnable/logger.js'
import { interruptedCode } from '../util/exit-codes.js'
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
  const context = new SafeExecutionContext(file)
  const { outcome, interrupted } = await whileInterruptible(
    logger,
    (signal) => context.run(() => lockExtensions(file, { logger, signal }), { logger, signal }),
    'Interrupted: waiting for git and npm to end (once more to end at once)',
  )
  if (outcome.ok) logger.info(`Wrote "${outcome.value}"`)
  process.exitCode = interrupted ? interruptedCode : outcome.exitCode
}
