import type { Logger } from '../logger.js'
import { interruptedCode } from '../util/exit-codes.js'
import { endInterruptedLine } from '../util/terminal.js'

const signals = ['SIGINT', 'SIGTERM'] as const

const cleaningUp = 'Interrupted: waiting for the run to clean up (press Ctrl-C again to exit at once)'

/**
 * Runs `body`, whose result is the exit code of the process. The first Ctrl-C logs `message` and aborts the signal; the
 * second one exits at once.
 */
export async function runInterruptibly(
  logger: Logger,
  body: (signal: AbortSignal) => Promise<number>,
  message: string = cleaningUp,
): Promise<void> {
  const controller = new AbortController()
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(interruptedCode)
    endInterruptedLine()
    logger.warn(message)
    controller.abort()
  }
  for (const signal of signals) process.on(signal, interrupt)
  try {
    const exitCode = await body(controller.signal)
    process.exitCode = controller.signal.aborted ? interruptedCode : exitCode
  } finally {
    for (const signal of signals) process.off(signal, interrupt)
  }
}
