import type { Logger } from '../runnable/logger.js'
import { interruptedCode } from '../util/exit-codes.js'

const signals = ['SIGINT', 'SIGTERM'] as const

const cleaningUp = 'Interrupted: waiting for the run to clean up (once more to end at once)'

/** Runs `body` with a signal that the first Ctrl-C aborts, which `message` tells; the second ends the process at once. */
export async function whileInterruptible<T>(
  logger: Logger,
  body: (signal: AbortSignal) => Promise<T>,
  message: string = cleaningUp,
): Promise<{ outcome: T; interrupted: boolean }> {
  const controller = new AbortController()
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(interruptedCode)
    logger.warn(message)
    controller.abort()
  }
  for (const signal of signals) process.on(signal, interrupt)
  try {
    return { outcome: await body(controller.signal), interrupted: controller.signal.aborted }
  } finally {
    for (const signal of signals) process.off(signal, interrupt)
  }
}
