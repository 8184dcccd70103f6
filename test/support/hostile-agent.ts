// What a host may do that somebody else has taken over: run in the place of Node there, with the arguments that Node would
// have. The first argument, or FLAMBEAU_HOSTILE, says what it does.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { LocalHost } from 'flambeau/cluster'
import { random } from './random.js'

/** What a hostile host does, once it is connected. */
export type Hostility =
  /** Answers whatever it is asked with these lines, JSON or not; the first of them so many times. */
  | { readonly kind: 'answers'; readonly lines: readonly unknown[]; readonly times?: number }
  /** Puts a value at a path of each real answer that has it. */
  | { readonly kind: 'patch'; readonly path: readonly (string | number)[]; readonly value: unknown }
  /** Changes real answers at random. */
  | { readonly kind: 'mutate'; readonly seed: number }
  /** Writes this for ever. */
  | {
      readonly kind: 'endless'
      readonly text: string
      readonly stream?: 'stdout' | 'stderr'
      readonly greets?: false
    }
  /** Says no more after its greeting; with `alive` that it is at work. */
  | { readonly kind: 'silent'; readonly alive?: true }
  /** Reads nothing that it is sent. */
  | { readonly kind: 'deaf'; readonly first: string }

/** A folder of this machine as a host that somebody has taken over. */
export class HostileHost extends LocalHost {
  constructor(
    name: string,
    folder: string,
    readonly hostility: Hostility,
    override readonly silenceMs = 500,
  ) {
    super(name, folder)
  }

  override start(argv: readonly string[]): Promise<ChildProcess> {
    return super.start([process.execPath, program, JSON.stringify(this.hostility), ...argv.slice(-2)])
  }
}

/** The path of this program. */
export const program = fileURLToPath(import.meta.url)

if (process.argv[1] === program) await main()

async function main(): Promise<void> {
  const [hostility, code, size] =
    process.argv[2] === '-e'
      ? [process.env['FLAMBEAU_HOSTILE']!, ...process.argv.slice(3)]
      : process.argv.slice(2)
  const what: Hostility = JSON.parse(hostility!)
  if (what.kind === 'patch' || what.kind === 'mutate') return changeAnswers(what, [code!, size!])
  process.stdout.on('error', () => process.exit())
  if (what.kind !== 'endless' || what.greets !== false) process.stdout.write('\nflambeau-agent-ready\n')
  if (what.kind === 'deaf') process.stdout.write(`${what.first}\n`)
  else process.stdin.on('end', () => process.exit()).resume()
  if (what.kind === 'answers') return answer(what.lines, what.times)
  if (what.kind === 'endless') return writeFor(process[what.stream ?? 'stdout'], what.text)
  if (what.kind === 'silent' && what.alive) setInterval(() => process.stdout.write('{"alive":true}\n'), 50)
  setInterval(() => {}, 1000)
}

function answer(lines: readonly unknown[], times = 1): void {
  const bytes = lines.map((line) => (typeof line === 'string' ? line : `${JSON.stringify(line)}\n`))
  process.stdout.write(bytes[0]!.repeat(times) + bytes.slice(1).join(''))
}

async function writeFor(stream: NodeJS.WriteStream, text: string): Promise<void> {
  const chunk = text.repeat(Math.max(1, Math.floor(65_536 / text.length)))
  for (;;) if (!stream.write(chunk)) await once(stream, 'drain')
}

async function changeAnswers(what: Hostility, [code, size]: readonly [string, string]): Promise<void> {
  const agent = spawn(process.execPath, ['-e', code, size], { stdio: ['inherit', 'pipe', 'inherit'] })
  const change =
    what.kind === 'mutate' ? mutator(what.seed) : patcher(what as Extract<Hostility, { kind: 'patch' }>)
  let rest = Buffer.alloc(0)
  for await (const chunk of agent.stdout) {
    rest = Buffer.concat([rest, chunk])
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      process.stdout.write(change(rest.subarray(0, end)))
      rest = rest.subarray(end + 1)
    }
  }
}

type Change = (line: Buffer) => Buffer | string

function patcher({ path, value }: Extract<Hostility, { kind: 'patch' }>): Change {
  return (line) => {
    const message = parsed(line)
    const holder = path.slice(0, -1).reduce<any>((at, step) => at?.[step], message)
    if (typeof holder !== 'object' || holder === null) return `${line}\n`
    holder[path.at(-1)!] = value
    return `${JSON.stringify(message)}\n`
  }
}

const hostileValues: readonly unknown[] = [
  ...[null, true, -1, 0, 1.5, 1e308, 2 ** 53, '', [], {}, [[]], { reply: {} }, { alive: true }],
  ...[
    '../../escaped',
    '/tmp/escaped',
    'a/../../escaped',
    'a\0b',
    '.',
    `${'x/'.repeat(3000)}x`,
    'x'.repeat(100_000),
  ],
  ...[
    '\u001b]0;title\u0007',
    '\n::stop-commands::x',
    'ssh-ed25519 AAAA\nssh-ed25519 BBBB',
    '\u202e',
    '__proto__',
  ],
]

function mutator(seed: number): Change {
  const next = random(seed)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)]!
  const bytes: readonly Change[] = [
    (line) => line,
    () => '',
    (line) => `${line}\n${line}\n`,
    (line) => `${line.subarray(0, line.length / 2)}\n`,
    (line) =>
      Buffer.concat([
        line.map((byte) => (next() < 0.02 ? Math.floor(next() * 256) : byte)),
        Buffer.from('\n'),
      ]),
    () =>
      `${pick(['null', '[]', '1', '"', '{"reply":null}', '{"error":1}', '{"bytes":-1}', '{"bytes":9,"stream":"x"}'])}\n`,
  ]
  return (line) => {
    const message = parsed(line)
    if (message === undefined || next() < 0.3) return `${line}\n`
    if (next() < 0.3) return pick(bytes)(line)
    const places = placesIn(message)
    const { holder, key } = pick(places)
    if (next() < 0.15) delete holder[key]
    else holder[key] = pick(hostileValues)
    return `${JSON.stringify(message)}\n`
  }
}

interface Place {
  readonly holder: Record<string, unknown>
  readonly key: string
}

function placesIn(value: unknown): Place[] {
  if (typeof value !== 'object' || value === null) return []
  const holder = value as Record<string, unknown>
  return Object.keys(holder).flatMap((key) => [{ holder, key }, ...placesIn(holder[key])])
}

function parsed(line: Buffer): unknown {
  try {
    const message = JSON.parse(line.toString())
    return typeof message === 'object' && message !== null && Object.keys(message).length > 0
      ? message
      : undefined
  } catch {
    return undefined
  }
}

/** A shell script that is this program, for the `node` of a host that is reached over SSH. */
export function hostileNode(hostility: Hostility): string {
  const quoted = JSON.stringify(hostility).replaceAll("'", "'\\''")
  return `#!/bin/sh\nFLAMBEAU_HOSTILE='${quoted}' exec ${process.execPath} ${program} "$@"\n`
}
