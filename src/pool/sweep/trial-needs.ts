import type { Template } from '../../document/construct/template.js'
import { targetOf } from '../../document/nodes.js'
import type { Node } from '../../node.js'
import { candidatesOf } from '../../registry/placeholder.js'
import type { Class } from '../../registry/registration.js'
import type { Registry } from '../../registry/registry.js'
import {
  completeNeeds,
  describeNeeds,
  exceeds,
  maxNeeds,
  type Needs,
  needsOf,
  noNeeds,
} from '../../runnable/needs.js'
import { type NeedsSite, needsOfNode } from '../../runnable/needs-problems.js'

/** What a worker needs that runs any trial of a template, and where that is written. */
export function trialNeeds({ node, context }: Template): NeedsSite {
  const { source, registry } = context
  const sites = rootsOf(node, registry).map((root) => needsOfNode(root.node, root.Class, source))
  const [first] = sites
  if (!first || new Set(sites.map(({ subject }) => subject)).size > 1)
    return {
      needs: sites.map((site) => site.needs).reduce(maxNeeds, noNeeds),
      subject: 'A trial',
      written: { node, source },
    }
  return first
}

/** Why workers with these needs cannot run each trial of a template, as the end of a message; `undefined` when they can. */
export function trialNeedsMistake(each: Template, needs: Needs): string | undefined {
  const complete = completeNeeds(needs)
  for (const { node, Class } of rootsOf(each.node, each.context.registry)) {
    const own = completeNeeds(needsOf(Class) ?? noNeeds)
    if (exceeds(own, complete))
      return `is less than "${node.tag}" needs: write "${describeNeeds(maxNeeds(complete, trialNeeds(each).needs))}"`
  }
  return undefined
}

/** The tags at the top of a template, in each branch of a choice there. */
function rootsOf(node: Node, registry: Registry): { readonly node: Node; readonly Class: Class }[] {
  const target = targetOf(node) ?? node
  const resolved = target.tag === undefined ? undefined : registry.get(target.tag)
  const branches = candidatesOf(target, resolved)
  if (branches) return branches.flatMap((branch) => rootsOf(branch, registry))
  return resolved ? [{ node: target, Class: resolved.Class }] : []
}
