/** Compiled with the tests and never run: what must not compile is held by `@ts-expect-error`, the rest must. */
import {
  alias,
  type Builder,
  factory,
  type Node,
  namespace,
  Registry,
  register,
  registrable,
  type Tag,
} from 'flambeau'
import * as v from 'valibot'
import { z } from 'zod'

const registry = new Registry()
const torch = namespace('torch')

// A tag begins with "!".

class Model {
  constructor(readonly options: { layers?: number } = {}) {}
}
export const same: typeof Model = registrable('!Model')(Model)
registrable()(Model)
registrable(undefined, { description: 'A model' })(Model)
alias('!model')(Model)
torch.registrable('!Model')(Model)
register(Model, '!Model')
registry.add(Model, '!Model')
registry.add(Model)

// @ts-expect-error a tag without "!"
registrable('Model')
// @ts-expect-error a tag without "!"
alias('Model')
// @ts-expect-error a tag without "!"
torch.registrable('Model')
// @ts-expect-error a tag without "!"
torch.alias('Model')
// @ts-expect-error a tag without "!"
register(Model, 'Model')
// @ts-expect-error a tag without "!"
registry.add(Model, 'Model')
// @ts-expect-error a tag without "!"
export const noTag: Tag = 'Model'

// @ts-expect-error there is no such option
registrable('!Model', { key: 'snake_case' })(Model)
// @ts-expect-error there is no such style
registrable('!Model', { keys: 'kebab-case' })(Model)

// An abstract class says so.

abstract class Shape {
  abstract area(): number
}
registrable('!Shape', { abstract: true })(Shape)
register(Shape, '!Shape', { abstract: true, registry })
// @ts-expect-error an abstract class without { abstract: true }
registrable('!Shape')(Shape)
// @ts-expect-error an abstract class without { abstract: true }
registrable('!Shape', { abstract: false })(Shape)

@registrable('!Decorated', { abstract: true })
export abstract class Decorated {
  abstract area(): number
}

// @ts-expect-error an abstract class without { abstract: true }
@registrable('!Decorated')
export abstract class DecoratedWrongly {
  abstract area(): number
}

// A constructor takes one options object, or the class has a fromYaml.

class None {}
class Anything {
  constructor(readonly options: any) {}
}
class Unknown {
  constructor(readonly options: unknown) {}
}
class Optional {
  constructor(
    readonly options?: { a?: number },
    readonly more = 1,
  ) {}
}
class Either {
  constructor(readonly options: string | { path: string }) {}
}
class Indexed {
  constructor(readonly options: Record<string, unknown>) {}
}
interface Options {
  a: number
}
class Named {
  constructor(readonly options: Readonly<Options>) {}
}
class Generic<T> {
  constructor(readonly options: { value?: T }) {}
}
for (const Class of [None, Anything, Unknown, Optional, Either, Indexed, Named, Generic] as const)
  registry.add(Class)
registrable('!None')(None)
registrable('!Anything')(Anything)
registrable('!Unknown')(Unknown)
registrable('!Optional')(Optional)
registrable('!Either')(Either)
registrable('!Indexed')(Indexed)
registrable('!Named')(Named)
registrable('!Generic')(Generic)

class Two {
  constructor(
    readonly a: object,
    readonly b: object,
  ) {}
}
class Text {
  constructor(readonly text: string) {}
}
class Numbers {
  constructor(readonly numbers: number[]) {}
}
class Pair {
  constructor(readonly pair: readonly [string, number]) {}
}
class Callback {
  constructor(readonly callback: () => void) {}
}
// @ts-expect-error a constructor with two parameters
registrable('!Two')(Two)
// @ts-expect-error a constructor that takes a text
registrable('!Text')(Text)
// @ts-expect-error a constructor that takes an array
registrable('!Numbers')(Numbers)
// @ts-expect-error a constructor that takes a tuple
registrable('!Pair')(Pair)
// @ts-expect-error a constructor that takes a function
registrable('!Callback')(Callback)
// @ts-expect-error a constructor with two parameters
register(Two, '!Two')
// @ts-expect-error a constructor that takes a text
register(Text, '!Text', { registry })
// @ts-expect-error a constructor that takes a text
torch.registrable('!Text')(Text)

// @ts-expect-error a constructor that takes a text
@registrable('!Text')
export class DecoratedText {
  constructor(readonly text: string) {}
}

@registrable('!Word')
export class Word {
  constructor(readonly text: string) {}
  static fromYaml() {
    return new Word('')
  }
}
const fromYaml = () => new Text('')
registrable('!Text', { fromYaml })(Text)
registrable('!Two', { fromYaml: () => new Two({}, {}) })(Two)
register(Numbers, '!Numbers', { fromYaml: () => new Numbers([]) })

// @ts-expect-error fromYaml is no method that takes a builder
registrable('!Text', { fromYaml: 'text' })(Text)

// What a schema makes is what the constructor takes.

class Rated {
  constructor(readonly options: { rate: number; name?: string }) {}
}
registrable('!Rated', { schema: z.object({ rate: z.number() }) })(Rated)
registrable('!Rated', { schema: z.object({ rate: z.string().transform(Number) }) })(Rated)
registrable('!Rated', { schema: v.object({ rate: v.number() }) })(Rated)
register(Rated, '!Rated', { schema: z.object({ rate: z.number().default(1) }) })
// @ts-expect-error the schema makes a text of what the constructor takes as a number
registrable('!Rated', { schema: z.object({ rate: z.string() }) })(Rated)
// @ts-expect-error the schema makes nothing of what the constructor needs
registrable('!Rated', { schema: z.object({ name: z.string() }) })(Rated)
// @ts-expect-error the schema makes what may be nothing of what the constructor needs
registrable('!Rated', { schema: v.object({ rate: v.optional(v.number()) }) })(Rated)
// @ts-expect-error the schema makes a text of what the constructor takes as a number
register(Rated, '!Rated', { schema: v.object({ rate: v.string() }) })
// @ts-expect-error that is no schema
registrable('!Rated', { schema: { rate: 'number' } })(Rated)

class StaticSchema {
  static readonly schema = z.object({ rate: z.number() })
  constructor(readonly options: { rate: number }) {}
}
registrable('!StaticSchema')(StaticSchema)

class WrongStaticSchema {
  static readonly schema = z.object({ rate: z.string() })
  constructor(readonly options: { rate: number }) {}
}
// @ts-expect-error the static schema makes a text of what the constructor takes as a number
registrable('!WrongStaticSchema')(WrongStaticSchema)

// Factories are static methods.

export class Loads {
  constructor(readonly options: { path?: string } = {}) {}
  @factory static fromFile(options: { path: string }) {
    return new this(options)
  }
  @factory({ schema: z.object({ path: z.string() }) })
  static fromUrl({ path }: { path: string }) {
    return new this({ path })
  }
  @factory static empty() {
    return new this()
  }
}
factory(Loads, 'empty')
factory({ schema: z.object({}) })(Loads, 'empty')
// @ts-expect-error there is no such option
factory({ schemas: z.object({}) })
// @ts-expect-error a prototype, as of a method that is not static
factory(Loads.prototype, 'empty')

// A decorator is called.

// @ts-expect-error the class in place of the tag
registrable(Model)
// @ts-expect-error the class in place of the tag
alias(Model)

// A class that one does not own: what fromYaml makes and what toYaml is given is of that class.

register(URL, '!Url', {
  fromYaml: (builder, node) => new URL(builder.constructScalar(node)),
  toYaml: (representer, url, tag) => {
    const typed: URL = url
    const written: Node = representer.representScalar(tag, typed.href)
    return written
  },
})
register(Map, '!Map', {
  fromYaml: (builder, node) => new Map(Object.entries(builder.constructMapping(node))),
})
register(URL, '!Url', {
  // @ts-expect-error fromYaml makes something else
  fromYaml: () => new Date(),
})
register(URL, '!Url', {
  fromYaml: () => new URL('https://example.org'),
  // @ts-expect-error a URL has no such property
  toYaml: (representer, url, tag) => representer.representScalar(tag, url.nothing),
})
register(URL, '!Url', {
  fromYaml: () => new URL('https://example.org'),
  // @ts-expect-error a toYaml returns a node
  toYaml: (_representer, url) => url.href,
})

// "create" names a static method that takes the options; then the constructor may be private.

class Database {
  private constructor(readonly url: string) {}
  static async open({ url }: { url: string }): Promise<Database> {
    return new Database(url)
  }
  static size = 1
}
export const database: typeof Database = registrable('!Database', { create: 'open' })(Database)
register(Database, '!Database', { create: 'open', schema: z.object({ url: z.string() }) })
registrable('!Database', { create: 'open', schema: z.object({ url: z.string() }) })(Database)
// @ts-expect-error a private constructor without { create }
registrable('!Database')(Database)
// @ts-expect-error there is no such method
registrable('!Database', { create: 'close' })(Database)
// @ts-expect-error it is not a method
registrable('!Database', { create: 'size' })(Database)
// @ts-expect-error the method does not take what the schema makes
registrable('!Database', { create: 'open', schema: z.object({ url: z.number() }) })(Database)

@registrable('!Decorated', { create: 'open' })
export class Opened {
  private constructor(readonly url: string) {}
  static async open({ url }: { url: string }): Promise<Opened> {
    return new Opened(url)
  }
}

class Later {
  static async fromYaml(builder: Builder, node: Node): Promise<Later> {
    builder.constructScalar(node)
    return new Later()
  }
}
registrable('!Later')(Later)
