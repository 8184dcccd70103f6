import { didYouMean } from '../registry/suggest.js'
import { type CheckOutOptions, checkOut, type Place } from './check-out.js'
import { redacted } from './credentials.js'
import { explained } from './explain.js'
import type { GitSource } from './source.js'
import { runTool, type ToolOptions } from './tool.js'
import { Trouble } from './trouble.js'

const isCommit = /^[0-9a-f]{40,64}$/
// Perhaps the beginning of its name.
const maybeCommit = /^[0-9a-f]{7,64}$/

/**
 * Asks the repository which commit a source means; it is fetched into the new folder `into` when only the beginning
 * of its name is known.
 *
 * @throws {@link Trouble} when there is no such branch, tag or commit, or no answer.
 */
export async function findPlace(source: GitSource, options: CheckOutOptions): Promise<Place> {
  const place = await namedPlace(source, options)
  if (isCommit.test(place.commit)) return place
  const { commit } = await checkOut(source.url, { ...place, folder: '' }, options)
  return { ...place, commit }
}

async function namedPlace(source: GitSource, { signal }: ToolOptions): Promise<Place> {
  const { url, ref = 'HEAD', folder = '', tree } = source
  if (isCommit.test(ref)) return { commit: ref, folder }
  const refs = await refsOf(url, { signal })
  if (tree !== undefined) return placeOfTree(url, tree, refs)
  return { commit: commitOf(url, ref, refs), folder }
}

// A branch may have a slash in its name: the longest that there is wins.
function placeOfTree(url: string, tree: string, refs: ReadonlyMap<string, string>): Place {
  const steps = tree.split('/')
  for (let count = steps.length; count > 0; count--) {
    const commit = refs.get(steps.slice(0, count).join('/'))
    if (commit) return { commit, folder: steps.slice(count).join('/') }
  }
  return { commit: commitOf(url, steps[0]!, refs), folder: steps.slice(1).join('/') }
}

function commitOf(url: string, ref: string, refs: ReadonlyMap<string, string>): string {
  const commit = refs.get(ref) ?? (maybeCommit.test(ref) ? ref : undefined)
  if (commit) return commit
  const names = [...refs.keys()].filter((name) => name !== 'HEAD')
  const remedy = didYouMean(ref, names) || `: it has ${names.slice(0, 10).join(', ') || 'no branch at all'}`
  throw new Trouble(
    'NO_REF',
    `cannot be fetched: "${redacted(url)}" has no branch, tag or commit "${ref}"${remedy}`,
  )
}

/** The branches and tags of a repository by their short names, and `HEAD`. */
async function refsOf(url: string, options: ToolOptions): Promise<Map<string, string>> {
  const listed = await explained(redacted(url), () => runTool('git', ['ls-remote', '--', url], options))
  const refs = new Map<string, string>()
  // What an annotated tag points at comes last, as "name^{}".
  for (const [, commit, name] of listed.matchAll(/^(\w+)\t(?:refs\/(?:heads|tags)\/)?(\S+?)(?:\^\{\})?$/gm))
    refs.set(name!, commit!)
  return refs
}
