import { isApplicationTag } from '../node.js'
import type { Registry } from '../registry/registry.js'
import { isCompositionTag } from '../registry/tag.js'
import type { ParsedText } from './read/parsed.js'
import { tagsOf } from './read/tape-document.js'

/** Imports what registers the tags of a text, where that is imported when it is needed. */
export async function importTags(parsed: ParsedText, { lazyTags }: Registry): Promise<void> {
  await lazyTags?.import(distinctTags(parsed))
}

/** Imports all that may be needed to check a text: a message about an unknown tag may suggest any other. */
export async function importTagsToCheck(parsed: ParsedText, registry: Registry): Promise<void> {
  const { lazyTags } = registry
  const tags = distinctTags(parsed)
  const isKnown = (tag: string): boolean => isCompositionTag(tag) || registry.has(tag)
  if (tags.every(isKnown)) await lazyTags?.import(tags)
  else await lazyTags?.import(lazyTags.tags())
}

function distinctTags({ documents }: ParsedText): string[] {
  return [...new Set(documents.flatMap((document) => [...tagsOf(document)]))].filter(isApplicationTag)
}
