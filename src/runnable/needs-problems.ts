import { provenanceOf } from '../document/construct/provenance.js'
import { errorAt, type WrittenNode, writtenOption } from '../document/written-option.js'
import type { Node } from '../node.js'
import type { Class } from '../registry/registration.js'
import type { Source } from '../source.js'
import {
  type CompleteNeeds,
  completeNeeds,
  type HostResources,
  type Lack,
  lackOn,
  type Needs,
  needsOf,
  noNeeds,
} from './needs.js'

/** What needs a part of a host, and where that is written. */
export interface NeedsSite {
  readonly needs: CompleteNeeds
  /** The subject of a message: `"!Train"`. */
  readonly subject: string
  /** Absent for an object that was constructed in code. */
  readonly written?: WrittenNode | undefined
}

/** What an object needs itself: what its class states, at its tag. */
export function ownNeeds(object: object): NeedsSite {
  const { loaded } = provenanceOf(object) ?? {}
  const Class = object.constructor as Class
  if (!loaded) return { needs: statedNeeds(Class), subject: `Class "${Class.name}"` }
  return needsOfNode(loaded.node, Class, loaded.context.source)
}

/** What a run needs itself: what was asked for, or else what the class of the runnable states. */
export function needsOfRun(runnable: object, asked: Needs | undefined): NeedsSite {
  return asked === undefined ? ownNeeds(runnable) : { needs: completeNeeds(asked), subject: 'The run' }
}

/** What a class states that a node names, at the tag of the node. */
export function needsOfNode(node: Node, Class: Class | undefined, source: Source): NeedsSite {
  return { needs: statedNeeds(Class), subject: `"${node.tag}"`, written: { node, source } }
}

/** Needs that an option of an object holds, at its value in the file. */
export function needsOfOption(object: object, option: string, needs: CompleteNeeds): NeedsSite {
  return { needs, subject: 'A worker', written: writtenOption(object, option) }
}

function statedNeeds(Class: Class | undefined): CompleteNeeds {
  const needs = Class && needsOf(Class)
  return needs ? completeNeeds(needs) : noNeeds
}

/** A host, by the name that messages have for it. */
export type NamedHost = HostResources & { readonly host: string }

/** Why something fits on none of the hosts; `undefined` when it fits on one. */
export function describeLack({ needs, subject }: NeedsSite, hosts: readonly NamedHost[]): string | undefined {
  // The host with the most of each need that hosts lack.
  const best = new Map<string, Lack & { readonly host: string }>()
  for (const each of hosts) {
    const lack = lackOn(needs, each)
    if (!lack) return undefined
    if (lack.amount > (best.get(lack.need)?.amount ?? -1)) best.set(lack.need, { ...lack, host: each.host })
  }
  const lacks = [...best.values()].map(({ need, host, has }) => {
    const who = hosts.length > 1 && best.size === 1 ? `the host with the most, ${host},` : host
    return `${need}, but ${who} has ${has}`
  })
  return lacks.length === 0 ? undefined : `${subject} needs ${lacks.join(', and ')}`
}

/** The text and the options of an error that something does not fit, at what asks for it. */
export function needsError({ written }: NeedsSite, message: string): ReturnType<typeof errorAt> {
  return errorAt(written, 'NEEDS_DO_NOT_FIT', message)
}
