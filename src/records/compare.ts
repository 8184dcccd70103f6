import { printPath, type Step } from '../document/path.js'
import { patchParts } from './patch-parts.js'
import type { RunRecord } from './record.js'

/** A record, and what is compared besides. */
export interface ComparedRun {
  readonly record: RunRecord
  readonly patch: string | undefined
  readonly result: unknown
}

/** A value of one of two runs. */
export interface ComparedValue {
  readonly value: unknown
  /** Whether a schema filled it in. */
  readonly isDefault?: boolean
}

/** A difference: a side is absent where the run has no such value. */
export interface Difference {
  /** The path of an option, or the name of a package or module. */
  readonly name: string
  readonly a?: ComparedValue
  readonly b?: ComparedValue
}

/** How two runs differ; a section without differences is empty. */
export interface RunComparison {
  readonly a: string
  readonly b: string
  /** By path, defaults included. */
  readonly options: readonly Difference[]
  /** Commits, changed files, and modules. */
  readonly code: readonly Difference[]
  readonly packages: readonly Difference[]
  /** Node, flambeau, the host, the user, the cluster. */
  readonly environment: readonly Difference[]
  readonly result: readonly Difference[]
}

/** Compares two runs. */
export function compareRuns(a: ComparedRun, b: ComparedRun): RunComparison {
  return {
    a: a.record.id,
    b: b.record.id,
    options: differences(optionsOf(a.record), optionsOf(b.record)),
    code: compareCode(a, b),
    packages: differences(values(a.record.packages), values(b.record.packages)),
    environment: differences(environmentOf(a.record), environmentOf(b.record)),
    result: differences(resultOf(a.result), resultOf(b.result)),
  }
}

/** How the code of two runs differs. */
export function compareCode(a: Omit<ComparedRun, 'result'>, b: Omit<ComparedRun, 'result'>): Difference[] {
  const modules = differences(values(a.record.modules), values(b.record.modules))
  const patches = differences(patchedFiles(a.patch), patchedFiles(b.patch))
  return [...differences(gitOf(a.record), gitOf(b.record)), ...patches, ...modules]
}

type Values = ReadonlyMap<string, ComparedValue>

function differences(a: Values, b: Values): Difference[] {
  const names = [...new Set([...a.keys(), ...b.keys()])]
  return names.flatMap((name) => {
    const [one, other] = [a.get(name), b.get(name)]
    if (one && other && sameValue(one.value, other.value)) return []
    return [{ name, ...(one && { a: one }), ...(other && { b: other }) }]
  })
}

function sameValue(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}

function optionsOf({ options, defaults }: RunRecord): Values {
  const given = Object.entries(options).map(([path, value]) => [path, { value }] as const)
  const filled = Object.entries(defaults).map(([path, value]) => [path, { value, isDefault: true }] as const)
  return new Map([...given, ...filled])
}

function values(record: Readonly<Record<string, unknown>>): Values {
  return new Map(Object.entries(record).map(([name, value]) => [name, { value }]))
}

function gitOf({ git }: RunRecord): Values {
  if (!git) return new Map()
  const facts = { commit: git.commit, branch: git.branch, 'uncommitted changes': git.dirty ? 'yes' : 'no' }
  return values(withoutAbsent(facts))
}

function environmentOf({ node, flambeau, host, user, cluster }: RunRecord): Values {
  return values(withoutAbsent({ node, flambeau, host, user, cluster: cluster?.name }))
}

function withoutAbsent(facts: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined))
}

/** The files of a patch, each with its part of it. */
function patchedFiles(patch: string | undefined): Values {
  const files = new Map<string, { value: string }>()
  for (const { path, text } of patchParts(patch ?? '')) {
    const name = `changes of ${path}`
    files.set(name, { value: (files.get(name)?.value ?? '') + text })
  }
  return files
}

const mostNested = 20

function resultOf(result: unknown): Values {
  const found = new Map<string, ComparedValue>()
  const visit = (value: unknown, steps: readonly Step[]): void => {
    const isScalar = typeof value !== 'object' || value === null || Object.keys(value).length === 0
    if (isScalar || steps.length > mostNested) found.set(printPath(steps), { value })
    else for (const [name, part] of Object.entries(value)) visit(part, [...steps, stepTo(name, value)])
  }
  if (result !== undefined) visit(result, [])
  return found
}

function stepTo(name: string, parent: object): Step {
  return Array.isArray(parent) ? { kind: 'index', index: Number(name) } : { kind: 'key', name }
}
