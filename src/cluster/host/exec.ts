import { Chunks } from './chunks.js'
import type { ExecOptions, ExecResult } from './host.js'
import type { Session } from './session.js'

/** As much of each output as a result keeps: its end. */
const mostKept = 16 << 20

/** Runs a program through an agent, whatever it prints and however much. */
export async function runProgram(
  session: Session,
  argv: readonly string[],
  options: ExecOptions,
): Promise<ExecResult> {
  const { cwd, env, onStdout, onStderr } = options
  const input = Buffer.from((options.input ?? '') as Uint8Array)
  const kept = { stdout: new Chunks(mostKept), stderr: new Chunks(mostKept) }
  const handlers = { stdout: onStdout, stderr: onStderr }
  await session.ask('exec', {
    argv,
    input: input.length,
    ...(cwd === undefined ? {} : { cwd }),
    ...(env ? { env } : {}),
  })
  // Not awaited: a program may print before it has read everything.
  session.wire.write(input).catch(() => undefined)
  const exit = await session.pieces<'exec'>((stream, chunk) =>
    handlers[stream] ? handlers[stream](chunk) : kept[stream].add(chunk),
  )
  return { ...exit, stdout: kept.stdout.join(), stderr: kept.stderr.join() }
}
