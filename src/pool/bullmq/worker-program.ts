// Takes tasks from a queue until it is told to end: node worker-program.js < settings.json, or with their path.
// Settings come over standard input or from a file that only its owner can read: arguments are seen by every user.
import { readFileSync, statSync } from 'node:fs'
import { FlambeauError, isFlambeauError } from '../../errors.js'
import { describeError } from '../../runnable/describe-error.js'
import { startWorkers, type WorkersOptions } from './workers.js'

const othersMayRead = 0o077

function readSettings(file: string | undefined): WorkersOptions {
  if (file !== undefined && (statSync(file).mode & othersMayRead) !== 0)
    throw new FlambeauError(
      `"${file}" can be read by others, but holds a password: type "chmod 600 ${file}"`,
      {
        code: 'SETTINGS_READABLE',
        exitCode: 22,
      },
    )
  return JSON.parse(readFileSync(file ?? 0, 'utf8'))
}

async function main(): Promise<void> {
  const workers = await startWorkers(readSettings(process.argv[2]))
  console.log('ready')
  const end = (): void => void workers.close()
  process.once('SIGINT', end).once('SIGTERM', end)
}

main().catch((error: unknown) => {
  console.error(describeError(error))
  process.exitCode = isFlambeauError(error) ? error.exitCode : 1
})
