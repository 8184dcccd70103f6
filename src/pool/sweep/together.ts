import type { PlaceholderSite, Template } from '../../document/construct/template.js'
import { didYouMean } from '../../registry/suggest.js'
import { isChoice, numbersIn, Parameter } from './parameters.js'

interface TogetherMistake {
  readonly message: string
  /** The list of paths that is wrong, and the path in it. */
  readonly group: number
  readonly index: number
}

/** What is wrong with lists of the paths of placeholders that are chosen together. */
export function togetherMistakes(
  each: Template,
  together: readonly (readonly string[])[],
): readonly TogetherMistake[] {
  if (together.length === 0) return []
  const sites = new Map(placesIn(each.placeholderSites(Parameter)).map((place) => [place.site.path, place]))
  const seen = new Set<string>()
  return together.flatMap((paths, group) =>
    paths.flatMap((path, index) => {
      const message = mistakeOf(path, paths[0]!, { sites, seen })
      seen.add(path)
      return message === undefined ? [] : [{ message, group, index }]
    }),
  )
}

/** A placeholder, and those that every trial has which has it. */
interface Place {
  readonly site: PlaceholderSite
  readonly siblings: readonly PlaceholderSite[]
}

function placesIn(siblings: readonly PlaceholderSite[]): Place[] {
  return siblings.flatMap((site) => [...site.nested.flatMap(placesIn), { site, siblings }])
}

function mistakeOf(
  path: string,
  first: string,
  { sites, seen }: { sites: ReadonlyMap<string, Place>; seen: ReadonlySet<string> },
): string | undefined {
  const place = sites.get(path)
  if (!place) {
    const known = [...sites.keys()]
    const has = known.length === 0 ? 'it has none' : `it has ${known.map((each) => `"${each}"`).join(', ')}`
    return `"each" has no placeholder at "${path}"${didYouMean(path, known) || `: ${has}`}`
  }
  if (seen.has(path)) return `"${path}" is named twice: name it once`
  const count = countOf(place.site)
  if (count === Number.POSITIVE_INFINITY)
    return `"${path}" is any number between two, of which there is no first and second: give it a "step", or write "!choice"`
  const other = sites.get(first)
  if (other && other.siblings !== place.siblings)
    return `"${path}" and "${first}" are not in the same value of a choice: some trials have only one of them`
  const wanted = other && countOf(other.site)
  if (count === undefined || wanted === undefined || count === wanted) return undefined
  return `"${path}" has ${values(count)}, but "${first}" has ${wanted}: what is chosen together needs as many`
}

function values(count: number): string {
  return count === 1 ? 'one value' : `${count} values`
}

// Unknown when the options of a placeholder are wrong, which is a problem of its own.
function countOf({ Class, node, candidates }: PlaceholderSite): number | undefined {
  return isChoice(Class) ? candidates.length : numbersIn(Class, node)?.count
}
