/** Compiled with the tests and never run: what must not compile is held by `@ts-expect-error`, the rest must. */
import { check, dump, load, loadAll, loadFile, type Problem, Template } from 'flambeau'

class TypedTrain {
  constructor(readonly options: { rate?: number } = {}) {}
}
abstract class TypedBase {
  abstract area(): number
}

declare module 'flambeau' {
  interface TagMap {
    '!TypedTrain': TypedTrain
  }
}

// `expect` says the type: a class, a tag of TagMap, or nothing known.

export const byClass: TypedTrain = load('', { expect: TypedTrain })
export const byAbstractClass: TypedBase = load('', { expect: TypedBase })
export const byForeignClass: URL = load('', { expect: URL })
export const byTag: TypedTrain = load('', { expect: '!TypedTrain' })
export const byFile: Promise<TypedTrain> = loadFile('a.yaml', { expect: '!TypedTrain' })
export const byFileAndClass: Promise<TypedTrain> = loadFile('a.yaml', { expect: TypedTrain })
export const anything: unknown = load('')

const ofUnknownTag = load('', { expect: '!NotInTheMap' })
// @ts-expect-error nothing is known of that tag
ofUnknownTag.options
// @ts-expect-error nothing is known of a text
load('').options
// @ts-expect-error it has no such property
load('', { expect: '!TypedTrain' }).nothing
// @ts-expect-error it is a TypedTrain
export const wrong: URL = load('', { expect: '!TypedTrain' })
// @ts-expect-error there is no such option
load('', { expects: TypedTrain })
// @ts-expect-error a file is read asynchronously
loadFile('a.yaml', { expect: TypedTrain }).options

export const all: unknown[] = loadAll('')
export const problems: Problem[] = check('')
export const text: string = dump(byClass, { defaults: true })
// @ts-expect-error a problem cannot be changed
problems[0]!.line = 2

declare const template: Template<TypedTrain>
export const built: TypedTrain = template.build({ rate: 1 })
export const found: Map<string, URL> = template.placeholders(URL)
