import { provenanceOf } from '../document/construct/provenance.js'
import { targetOf, textOfKey } from '../document/nodes.js'
import { nodeProblem } from '../document/problems.js'
import type { Problem } from '../errors.js'
import type { Node } from '../node.js'
import { reportProblems } from '../problem-report.js'
import type { Class } from '../registry/registration.js'
import type { Source } from '../source.js'
import { type CompleteNeeds, completeNeeds, type HostResources, lackOn, needsOf, noNeeds } from './needs.js'

/** What needs a part of a host, and where that is written. */
export interface NeedsSite {
  readonly needs: CompleteNeeds
  /** The subject of a message: `"!Train"`. */
  readonly subject: string
  /** Absent for an object that was constructed in code. */
  readonly written?: { readonly node: Node; readonly source: Source } | undefined
}

/** What an object needs itself: what its class states, at its tag. */
export function ownNeeds(object: object): NeedsSite {
  const { loaded } = provenanceOf(object) ?? {}
  const Class = object.constructor as Class
  if (!loaded) return { needs: statedNeeds(Class), subject: `Class "${Class.name}"` }
  return needsOfNode(loaded.node, Class, loaded.context.source)
}

/** What a class states that a node names, at the tag of the node. */
export function needsOfNode(node: Node, Class: Class | undefined, source: Source): NeedsSite {
  return { needs: statedNeeds(Class), subject: `"${node.tag}"`, written: { node, source } }
}

/** Needs that an option of an object holds, at its value in the file. */
export function needsOfOption(object: object, option: string, needs: CompleteNeeds): NeedsSite {
  const { loaded } = provenanceOf(object) ?? {}
  const target = loaded && targetOf(loaded.node)
  const entry =
    target?.kind === 'mapping' ? target.entries.find(({ key }) => textOfKey(key) === option) : undefined
  const written = loaded && entry && { node: entry.value, source: loaded.context.source }
  return { needs, subject: 'A worker', written }
}

function statedNeeds(Class: Class | undefined): CompleteNeeds {
  const needs = Class && needsOf(Class)
  return needs ? completeNeeds(needs) : noNeeds
}

/** A host, by the name that messages have for it. */
export type NamedHost = HostResources & { readonly host: string }

/** Why something fits on none of the hosts; `undefined` when it fits on one. */
export function describeLack({ needs, subject }: NeedsSite, hosts: readonly NamedHost[]): string | undefined {
  const lacks = hosts.map((each) => ({ host: each.host, lack: lackOn(needs, each), each }))
  if (lacks.length === 0 || lacks.some(({ lack }) => !lack)) return undefined
  // What the best host lacks is what has to be less.
  const [best] = lacks.sort((a, b) => amountOf(b) - amountOf(a))
  const { host, lack } = best!
  const who = hosts.length === 1 ? host : `the host with the most, ${host},`
  return `${subject} needs ${lack!.need}, but ${who} has ${lack!.has}`
}

function amountOf({ each: { cpus, memory, gpus } }: { readonly each: HostResources }): number {
  return gpus.length * 1e9 + cpus * 1e4 + memory / 1e12
}

/** The options of an error that something does not fit: its problem, where it is written in a file. */
export function needsError(
  { written }: NeedsSite,
  message: string,
): { readonly text: string; readonly options: { code: string; problems?: readonly Problem[] } } {
  const code = 'NEEDS_DO_NOT_FIT'
  if (!written) return { text: message, options: { code } }
  const problems = [nodeProblem(written.node, written.source, code, message)]
  return { text: reportProblems(problems), options: { code, problems } }
}
