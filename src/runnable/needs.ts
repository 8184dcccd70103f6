import { RegistrationError } from '../errors.js'
import type { Class } from '../registry/registration.js'
import { parseByteSize, roundedSize, sizeMessage, sizeText } from '../util/byte-size.js'
import { countByVendor, type Gpu } from '../util/gpus.js'
import { isMapping, omitUndefined } from '../util/plain-object.js'

/** What a runnable, or a worker that runs it, needs of its host. What is absent is not limited. */
export interface Needs {
  /** How many GPUs it has to itself. */
  readonly gpus?: number | undefined
  readonly cpus?: number | undefined
  /** The most memory that it may use: a text such as `8 GB`, or a number of megabytes. */
  readonly memory?: string | number | undefined
}

/** {@link Needs} with every default filled in. */
export interface CompleteNeeds {
  /** A whole number from 0. */
  readonly gpus: number
  /** 0 when it is not limited; parts of a CPU are possible. */
  readonly cpus: number
  /** In bytes; 0 when it is not limited. */
  readonly memory: number
}

/** The needs of a runnable that states none. */
export const noNeeds: CompleteNeeds = { gpus: 0, cpus: 0, memory: 0 }

/** Fills in the defaults of needs that are valid. */
export function completeNeeds({ gpus = 0, cpus = 0, memory = 0 }: Needs): CompleteNeeds {
  return { gpus, cpus, memory: Math.round(parseByteSize(memory) ?? 0) }
}

/** Complete needs as options. */
export function writtenNeeds({ gpus, cpus, memory }: CompleteNeeds): Needs {
  return omitUndefined({ gpus, cpus: cpus || undefined, memory: memory === 0 ? undefined : `${memory} B` })
}

/** Needs as the option `--needs` takes them: `gpus=1,memory=8GB`; empty without needs. */
export function needsText({ gpus, cpus, memory }: CompleteNeeds): string {
  const parts = { gpus, cpus, memory: memory === 0 ? 0 : sizeText(memory).replace(' ', '') }
  return Object.entries(parts)
    .filter(([, value]) => value !== 0)
    .map(([name, value]) => `${name}=${value}`)
    .join(',')
}

/**
 * The needs that a text such as `gpus=1,memory=8GB` means, which {@link needsMistake} checks. A part with a second value, or of a name
 * that is there already, is kept whole, as an unknown need.
 */
export function parseNeeds(text: string): Needs {
  const entries = new Map<string, unknown>()
  for (const part of text.split(',')) {
    const [name = '', value = '', ...others] = part.split('=').map((each) => each.trim())
    const isOnce = others.length === 0 && !entries.has(name)
    entries.set(isOnce ? name : part, /^[\d.]+$/.test(value) ? Number(value) : value)
  }
  return Object.fromEntries(entries)
}

/** Why a value is not {@link Needs}, as the end of a message; `undefined` when it is. */
export function needsMistake(value: unknown): string | undefined {
  if (!isMapping(value)) return `must be a mapping such as "{ gpus: 1, memory: '8 GB' }"`
  const { gpus, cpus, memory, ...others } = value as Record<string, unknown>
  const [other] = Object.keys(others)
  if (other !== undefined) return `has "${other}", which is no need: write "gpus", "cpus" or "memory"`
  if (gpus !== undefined && !(Number.isSafeInteger(gpus) && Number(gpus) >= 0))
    return 'must have a whole number from 0 as "gpus"'
  if (cpus !== undefined && !(typeof cpus === 'number' && Number.isFinite(cpus) && cpus > 0))
    return 'must have a number above 0 as "cpus"'
  if (memory !== undefined && !isMemory(memory)) return `must have ${sizeMessage} above 0, as "memory"`
  return undefined
}

function isMemory(memory: unknown): boolean {
  return (typeof memory === 'string' || typeof memory === 'number') && (parseByteSize(memory) ?? 0) > 0
}

/**
 * The `static needs` of a class of runnables.
 *
 * @throws {@link RegistrationError} when it is wrong.
 */
export function needsOf(Class: Class): Needs | undefined {
  const { needs } = Class as { needs?: unknown }
  if (needs === undefined) return undefined
  const mistake = needsMistake(needs)
  if (mistake === undefined) return needs as Needs
  const message = `The static "needs" of class "${Class.name}" ${mistake}`
  throw new RegistrationError(message, { code: 'BAD_STATIC_NEEDS' })
}

/** What a host has. */
export interface HostResources {
  readonly cpus: number
  /** In bytes. */
  readonly memory: number
  readonly gpus: readonly Pick<Gpu, 'vendor'>[]
}

/** How many workers with these needs fit on a host at once; `Infinity` without needs. */
export function slotsOn(needs: CompleteNeeds, { cpus, memory, gpus }: HostResources): number {
  return Math.min(
    countFitting(needs.cpus, cpus),
    countFitting(needs.memory, memory),
    needs.gpus === 0
      ? Infinity
      : countByVendor(gpus).reduce((sum, count) => sum + countFitting(needs.gpus, count), 0),
  )
}

// Of parts of a CPU, as many as there are fit, although the quotient may be a little less.
function countFitting(need: number, available: number): number {
  return need === 0 ? Infinity : Math.floor(available / need + 1e-9)
}

/** A need that a host does not meet. */
export interface Lack {
  readonly need: string
  /** What the host has of it, in words and as a number. */
  readonly has: string
  readonly amount: number
}

/** What a host lacks for these needs; `undefined` when they fit. */
export function lackOn(needs: CompleteNeeds, { cpus, memory, gpus }: HostResources): Lack | undefined {
  const most = Math.max(...countByVendor(gpus))
  if (needs.gpus > most) return { need: countOf(needs.gpus, 'GPU'), has: String(most), amount: most }
  if (needs.cpus > cpus) return { need: countOf(needs.cpus, 'CPU'), has: String(cpus), amount: cpus }
  if (needs.memory > memory)
    return { need: `${sizeText(needs.memory)} of memory`, has: roundedSize(memory), amount: memory }
  return undefined
}

/** Whether something needs more than something else, which has what it needs. */
export function exceeds(needs: CompleteNeeds, other: CompleteNeeds): boolean {
  return needs.gpus > other.gpus || needs.cpus > other.cpus || needs.memory > other.memory
}

/** The needs of something that can do both. */
export function maxNeeds(a: CompleteNeeds, b: CompleteNeeds): CompleteNeeds {
  return {
    gpus: Math.max(a.gpus, b.gpus),
    cpus: Math.max(a.cpus, b.cpus),
    memory: Math.max(a.memory, b.memory),
  }
}

/** Needs as they are written: `{ gpus: 1, memory: '8 GB' }`. */
export function describeNeeds({ gpus, cpus, memory }: CompleteNeeds): string {
  const parts = [
    ...(gpus > 0 ? [`gpus: ${gpus}`] : []),
    ...(cpus > 0 ? [`cpus: ${cpus}`] : []),
    ...(memory > 0 ? [`memory: '${sizeText(memory)}'`] : []),
  ]
  return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`
}

function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
