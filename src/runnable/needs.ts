import { RegistrationError } from '../errors.js'
import type { Class } from '../registry/registration.js'
import { parseByteSize } from '../util/byte-size.js'
import { isMapping } from '../util/plain-object.js'

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

/** Why a value is not {@link Needs}, as the end of a message; `undefined` when it is. */
export function needsMistake(value: unknown): string | undefined {
  if (!isMapping(value)) return 'expected a mapping such as "{ gpus: 1, memory: 8 GB }"'
  const { gpus, cpus, memory, ...others } = value as Record<string, unknown>
  const [other] = Object.keys(others)
  if (other !== undefined) return `has no "${other}": write "gpus", "cpus" or "memory"`
  if (gpus !== undefined && !(Number.isSafeInteger(gpus) && Number(gpus) >= 0))
    return '"gpus" must be a whole number from 0'
  if (cpus !== undefined && !(typeof cpus === 'number' && Number.isFinite(cpus) && cpus > 0))
    return '"cpus" must be a number above 0'
  if (memory !== undefined && !isMemory(memory))
    return '"memory" must be a size such as "8 GB", or a number of megabytes'
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
  const message = `The static "needs" of class "${Class.name}": ${mistake}; write "static needs = { gpus: 1, memory: '8 GB' }"`
  throw new RegistrationError(message, { code: 'BAD_STATIC_NEEDS' })
}
