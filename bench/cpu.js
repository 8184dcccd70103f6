/** The processor time of this process and of those that it has started, by what they are; on Linux only. */
import { readdirSync, readFileSync } from 'node:fs'

/** Clock ticks a second, which is the same on every Linux of our processors. */
const hertz = 100

/** Seconds by process: `this process`, or the name of a program. */
export function cpuSeconds() {
  const all = processes()
  const seconds = {}
  for (const each of all.values()) {
    const name = each.pid === process.pid ? 'this process' : nameIn(each, all)
    if (name) seconds[name] = (seconds[name] ?? 0) + each.seconds
  }
  return seconds
}

/** How many microseconds each process took for one of `count` tasks since `before`. */
export function cpuPerTask(before, count) {
  const entries = Object.entries(cpuSeconds())
  const perTask = entries.map(([name, seconds]) => [name, ((seconds - (before[name] ?? 0)) / count) * 1e6])
  return Object.fromEntries(perTask.filter(([, micros]) => micros >= 1))
}

function nameIn({ parent, program }, all) {
  for (let pid = parent; pid !== undefined; pid = all.get(pid)?.parent)
    if (pid === process.pid) return program
  return undefined
}

function processes() {
  const all = new Map()
  const pids = process.platform === 'linux' ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : []
  for (const pid of pids.map(Number)) {
    const stat = textOf(`/proc/${pid}/stat`)
    if (stat === undefined) continue
    // The name of the program is in parentheses, and may have spaces.
    const end = stat.lastIndexOf(')')
    const [, parent, ...fields] = stat.slice(end + 2).split(' ')
    const [user, system] = fields.slice(9, 11).map(Number)
    all.set(pid, { pid, parent: Number(parent), program: programOf(pid), seconds: (user + system) / hertz })
  }
  return all
}

function programOf(pid) {
  const [program = '', script = ''] = (textOf(`/proc/${pid}/cmdline`) ?? '').split('\0')
  return (script.endsWith('.js') ? script : program)
    .split(/[/ ]/)
    .find((part, at, parts) => at === parts.length - 1 || part === 'redis-server')
}

function textOf(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
