// Objects whose construction is asynchronous, and what becomes of them when they are not needed any more.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type FileHandle, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import {
  type Builder,
  ConstructionError,
  check,
  checkAsync,
  DocumentError,
  disposeAll,
  dump,
  type FactoryContext,
  FlambeauError,
  load,
  loadAll,
  loadAllAsync,
  loadAsync,
  loadFile,
  MappedRegistrable,
  type Node,
  Registrable,
  Registry,
  type Template,
} from 'flambeau'
import * as v from 'valibot'
import { z } from 'zod'

/** What the objects of one test did, in order. */
class Diary {
  readonly lines: string[] = []
  readonly registry = new Registry()
  /** How many openings are in progress, and the most that were at a time. */
  open = 0
  most = 0

  constructor() {
    const diary = this
    /** Opens after some turns of the event loop, and says when it opens and is closed. */
    class Connection {
      readonly title: string
      private constructor(readonly name: string) {
        this.title = `Connection ${name}`
      }
      static async open({
        name,
        turns = 1,
        fails = false,
      }: {
        name: string
        turns?: number
        fails?: boolean
      }) {
        diary.most = Math.max(diary.most, ++diary.open)
        for (let each = 0; each < turns; each++) await turn()
        diary.open--
        if (fails) throw new Error(`${name} is out of order`)
        diary.lines.push(`+${name}`)
        return new Connection(name)
      }
      async [Symbol.asyncDispose]() {
        await turn()
        diary.lines.push(`-${this.name}`)
      }
    }
    this.registry.add(Connection as never, '!Open', { create: 'open' })
    this.registry.add(
      class Holder {
        constructor(readonly options: Record<string, unknown>) {
          diary.lines.push(`new ${String(options['name'])}`)
        }
        [Symbol.dispose]() {
          diary.lines.push(`end ${String(this.options['name'])}`)
        }
      },
      '!Holder',
    )
    this.registry.add(
      class Broken {
        constructor() {
          throw new Error('broken')
        }
      },
      '!Broken',
    )
  }

  load(text: string, options: Partial<FactoryContext> = {}): Promise<any> {
    return loadAsync(text, { registry: this.registry, ...options })
  }

  async failure(text: string): Promise<FlambeauError> {
    const error: unknown = await this.load(text).catch((thrown: unknown) => thrown)
    assert.ok(error instanceof FlambeauError, String(error))
    return error
  }

  get opened(): string[] {
    return this.lines.filter((line) => line.startsWith('+')).sort()
  }

  get closed(): string[] {
    return this.lines.filter((line) => line.startsWith('-'))
  }
}

const places = ({ problems }: FlambeauError) => problems.map(({ line, column }) => `${line}:${column}`)

describe('an asynchronous object', () => {
  test('exists before what uses it, wherever that is', async () => {
    const diary = new Diary()
    const root = await diary.load(`
first: !Holder { name: h, of: !link "deep.list[1].title" }
deep: { list: [plain, &a !Open { name: a, turns: 5 }] }
again: *a
`)
    assert.deepEqual(diary.lines, ['+a', 'new h'])
    assert.equal(root.first.options.of, 'Connection a')
    assert.equal(root.again, root.deep.list[1])
  })

  test('is constructed once, together with its siblings, of which at most 16 open at a time', async () => {
    const diary = new Diary()
    const items = Array.from({ length: 40 }, (_, index) => `- !Open { name: c${index} }`)
    const loaded = await diary.load(items.join('\n'))
    assert.equal(diary.most, 16)
    assert.deepEqual(
      loaded.map(({ name }: { name: string }) => name),
      items.map((_, index) => `c${index}`),
    )
    assert.equal(diary.opened.length, 40)
  })

  test('is written back as it was', async () => {
    const text = '# mine\na: !Open { name: a } # open\nb: !Holder { name: b, c: !Open { name: c } }\n'
    const { registry } = new Diary()
    assert.equal(dump(await loadAsync(text, { registry }), { registry }), text)
  })

  test('may come from a factory, from "create" of a parent class, and from "fromYaml"', async () => {
    const registry = new Registry()
    class Base {
      constructor(readonly options: { name?: string }) {}
      static async make(options: { name?: string }) {
        await turn()
        return new this(options)
      }
    }
    class Derived extends Base {}
    registry.add(Base, '!Base', { create: 'make', factories: ['make'] })
    registry.add(Derived, '!Derived')
    registry.add(
      class Text {
        constructor(readonly text: string) {}
        static async fromYaml(builder: Builder, node: Node) {
          await turn()
          return new this(builder.constructScalar(node))
        }
      },
      '!Text',
    )
    const root: any = await loadAsync('[!Base.make { name: a }, !Derived { name: b }, !Text c]', { registry })
    assert.ok(root[0] instanceof Base && root[1] instanceof Derived)
    assert.deepEqual([root[0].options.name, root[1].options.name, root[2].text], ['a', 'b', 'c'])
  })

  test('receives a signal and a logger after its options', async () => {
    const registry = new Registry()
    const received: unknown[] = []
    class Asked {
      static async open(...given: unknown[]) {
        received.push(...given)
        return new Asked()
      }
    }
    registry.add(Asked as never, '!Asked', { create: 'open', factories: ['open'] })
    const { signal } = new AbortController()
    const logger = console
    await loadAsync('[!Asked { a: 1 }, !Asked.open]', { registry, signal, logger })
    assert.deepEqual(received, [{ a: 1 }, { signal, logger }, {}, { signal, logger }])
  })

  test('is validated before, and its constructor does not validate again', async () => {
    const registry = new Registry()
    const Options = z.object({ rate: z.string().transform(Number) })
    class Model extends MappedRegistrable.with(Options) {
      static async open(options: { rate: number }) {
        await turn()
        return new this(options as never)
      }
    }
    registry.add(Model, '!Model', { create: 'open' })
    const model: any = await loadAsync('!Model { rate: "0.5" }', { registry })
    assert.deepEqual(model.options, { rate: 0.5 })
    assert.equal(dump(model, { registry }), '!Model { rate: "0.5" }\n')
  })

  test('can be in a set of objects that a "fromYaml" constructs, whether it is synchronous or not', async () => {
    for (const isAsync of [false, true]) {
      const diary = new Diary()
      let calls = 0
      class Group {
        constructor(readonly items: unknown[]) {}
        static fromYaml(builder: Builder, node: Node): Group | Promise<Group> {
          calls++
          const items = node.kind === 'sequence' ? node.items.map((item) => builder.construct(item)) : []
          return isAsync ? turn().then(() => new Group(items)) : new Group(items)
        }
      }
      diary.registry.add(Group, '!Group')
      const group = await diary.load('!Group [!Open { name: a }, 1, !Open { name: b }, !Holder { name: h }]')
      assert.deepEqual(
        group.items.map((item: any) => item.name),
        ['a', undefined, 'b', undefined],
      )
      // Once to see that children are asynchronous, and once when they exist.
      assert.equal(calls, 2)
      assert.deepEqual(diary.opened, ['+a', '+b'])
    }
  })

  test('leaves the children of a "fromYaml" alone that it does not construct', async () => {
    const diary = new Diary()
    diary.registry.add(
      class Lazy {
        static fromYaml() {
          return new Lazy()
        }
      },
      '!Lazy',
    )
    await diary.load('- !Lazy [!Holder { name: h }]\n- !Open { name: a }')
    assert.deepEqual(diary.lines, ['+a'])
  })

  test('of which a "fromYaml" handles the failure does not fail the document', async () => {
    const diary = new Diary()
    diary.registry.add(
      class Optional {
        constructor(readonly value: unknown) {}
        static fromYaml(builder: Builder, node: Node) {
          try {
            return new Optional(builder.constructSequence(node)[0])
          } catch (error) {
            if (error instanceof ConstructionError) return new Optional('none')
            throw error
          }
        }
      },
      '!Optional',
    )
    const root = await diary.load(
      '[!Optional [!Open { name: a, fails: true }], !Optional [!Open { name: b }]]',
    )
    assert.deepEqual([root[0].value, root[1].value.name], ['none', 'b'])
  })

  test('is constructed by "super.fromYaml" in an asynchronous "fromYaml", however many there are', async () => {
    const registry = new Registry()
    class Slow extends Registrable {
      static async open() {
        await turn()
        return new Slow()
      }
      static override async fromYaml(builder: Builder, node: Node) {
        await turn()
        return super.fromYaml(builder, node)
      }
    }
    registry.add(Slow, '!Slow', { create: 'open' })
    const items = Array.from({ length: 40 }, () => '- !Slow {}').join('\n')
    assert.equal(((await loadAsync(items, { registry })) as unknown[]).length, 40)
  })

  test('is constructed once for a node that a "fromYaml" makes', async () => {
    const diary = new Diary()
    diary.registry.add(
      class Renamed {
        static fromYaml(builder: Builder, node: Node) {
          return [1, 2].map(() => builder.construct({ ...node, tag: '!Open' }))
        }
      },
      '!Renamed',
    )
    const loaded = await diary.load('[!Renamed { name: a }]')
    assert.notEqual(loaded[0][0], loaded[0][1])
    await disposeAll(loaded)
    assert.deepEqual(diary.lines, ['+a', '+a', '-a', '-a'])
  })

  test('in nested asynchronous "fromYaml" methods leaves no rejection behind', async () => {
    const diary = new Diary()
    diary.registry.add(
      class Group {
        static async fromYaml(builder: Builder, node: Node) {
          return { items: builder.constructSequence(node) }
        }
      },
      '!Group',
    )
    const depth = 40
    await diary.load(`${'!Group ['.repeat(depth)}!Open { name: a }${']'.repeat(depth)}`)
    assert.deepEqual(diary.lines, ['+a'])
  })

  test('can be in a template, which "buildAsync" builds', async () => {
    const diary = new Diary()
    class Owner {
      constructor(readonly options: { each: Template }) {}
    }
    diary.registry.add(Owner, '!Owner', { templates: ['each'] })
    const owner = await diary.load('!Owner\neach: !Holder { name: h, c: !Open { name: a } }\n')
    assert.deepEqual(diary.lines, [])
    assert.throws(() => owner.options.each.build(), /"!Open" is asynchronous.*"buildAsync"/)
    for (let each = 0; each < 9; each++) await turn()
    const built = await owner.options.each.buildAsync({ 'c.name': 'b' })
    assert.equal(built.options.c.name, 'b')
    await disposeAll(owner)
    assert.deepEqual(diary.lines.slice(-2), ['end h', '-b'])
  })
})

describe('a failure', () => {
  test('is told for each object, at its node, when all have settled', async () => {
    const diary = new Diary()
    const error = await diary.failure(`
a: !Open { name: a, fails: true, turns: 9 }
b: { c: !Holder { name: never, d: !Open { name: d, fails: true } } }
e: !Broken
f: !Open { name: f, turns: 20 }
`)
    assert.ok(error instanceof ConstructionError)
    assert.deepEqual(places(error), ['2:4', '3:35', '4:4'])
    assert.match(error.message, /a is out of order/)
    assert.match(error.message, /d is out of order/)
    assert.deepEqual(diary.lines, ['+f', '-f'])
  })

  test('disposes of what was constructed, in the reverse order of the document', async () => {
    const diary = new Diary()
    await diary.failure(`
- !Open { name: slow, turns: 9 }
- !Holder { name: h, c: !Open { name: quick } }
- !Broken
- !Open { name: last }
`)
    assert.deepEqual(diary.lines.slice(-4), ['-last', 'end h', '-quick', '-slow'])
  })

  test('is told for each child of a "fromYaml", which met only the first', async () => {
    const diary = new Diary()
    diary.registry.add(
      class Group {
        static fromYaml(builder: Builder, node: Node) {
          return { items: node.kind === 'sequence' && node.items.map((item) => builder.construct(item)) }
        }
      },
      '!Group',
    )
    const error = await diary.failure(
      '!Group [!Open { name: a, fails: true }, 1, !Group [!Open { name: b, fails: true }, !Open { name: c, fails: true }]]',
    )
    assert.deepEqual(places(error), ['1:9', '1:52', '1:84'])
  })

  test('of a disposer is reported and stops no other', async () => {
    const registry = new Registry()
    const lines: string[] = []
    registry.add(
      class Bad {
        constructor(readonly options: { name: string }) {}
        [Symbol.dispose]() {
          lines.push(this.options.name)
          throw new Error(`${this.options.name} does not end`)
        }
      },
      '!Bad',
    )
    const loaded = await loadAsync('[!Bad { name: a }, !Bad { name: b }]', { registry })
    const error: unknown = await disposeAll(loaded).catch((thrown: unknown) => thrown)
    assert.ok(error instanceof DocumentError)
    assert.equal(error.code, 'DISPOSAL')
    assert.deepEqual(lines, ['b', 'a'])
    assert.match(error.message, /"!Bad" could not be disposed of: a does not end/)
    assert.match(error.message, /"!Bad" could not be disposed of: b does not end/)
    await disposeAll(loaded)
    assert.deepEqual(lines, ['b', 'a'])
  })

  test('of "expect" disposes of the object', async () => {
    const diary = new Diary()
    await assert.rejects(
      loadAsync('!Open { name: a }', { registry: diary.registry, expect: class Other {} }),
      /Expected an object of class "Other"/,
    )
    assert.deepEqual(diary.lines, ['+a', '-a'])
  })

  test('by an aborted signal opens nothing more, and disposes of what is open', async () => {
    const diary = new Diary()
    const controller = new AbortController()
    const items = Array.from({ length: 40 }, (_, index) => `- !Open { name: c${index}, turns: 3 }`)
    const loading = diary.load(items.join('\n'), { signal: controller.signal })
    await turn()
    controller.abort(new Error('enough'))
    await assert.rejects(loading, /^Error: enough$/)
    assert.equal(diary.opened.length, 16)
    assert.equal(diary.closed.length, 16)
  })
})

test('a signal that is aborted before lets plain objects be constructed, and opens nothing', async () => {
  const diary = new Diary()
  const signal = AbortSignal.abort(new Error('enough'))
  await diary.load('!Holder { name: h }', { signal })
  await assert.rejects(diary.load('[!Open { name: a }, !Open { name: b }]', { signal }), /^Error: enough$/)
  assert.deepEqual(diary.lines, ['new h'])
})

describe('a synchronous load', () => {
  test('refuses what is asynchronous at its node, names "loadAsync", and disposes of what it began', async () => {
    const diary = new Diary()
    const text = '- !Holder { name: h }\n- !Open { name: a }\n'
    assert.throws(
      () => load(text, { registry: diary.registry }),
      (error: DocumentError) => {
        assert.equal(error.code, 'ASYNC_OBJECT')
        assert.deepEqual(places(error), ['2:3'])
        assert.match(error.message, /"!Open" is asynchronous.*"loadAsync", "loadFile" or "runFile"/)
        return true
      },
    )
    for (let each = 0; each < 9; each++) await turn()
    assert.deepEqual(diary.lines, ['new h', 'end h', '+a', '-a'])
  })

  test('shows no variable of an object that fails afterwards', async () => {
    const registry = new Registry()
    class Locked {
      static async open({ token }: { token: string }) {
        throw new Error(`cannot log in with ${token}`)
      }
    }
    registry.add(Locked, '!Locked', { create: 'open' })
    const env = { TOKEN: 'a-secret-token' }
    const warned = once(process, 'warning')
    assert.throws(() => load('!Locked { token: !env TOKEN }', { registry, env }), { code: 'ASYNC_OBJECT' })
    const [warning] = await warned
    assert.match(
      warning.message,
      /^"!Locked" could not be constructed: cannot log in with the value of variable "TOKEN"/,
    )
  })

  test('reports what a schema throws as such', () => {
    const registry = new Registry()
    const schema = z.object({
      child: z.any().refine(({ isReal }) => {
        if (isReal) throw new Error('no real one')
        return true
      }),
    })
    registry.add(class Picky {}, '!Picky', { schema })
    registry.add(
      class Child {
        readonly isReal = true
      },
      '!Child',
    )
    assert.throws(() => load('!Picky { child: !Child {} }', { registry }), /its schema threw "no real one"/)
  })

  test('that fails disposes also of what a template has built, one object after the other', async () => {
    const diary = new Diary()
    class Builds {
      constructor(options: { each: Template }) {
        options.each.build()
      }
    }
    diary.registry.add(Builds, '!Builds', { templates: ['each'] })
    const text = '- !Holder { name: a }\n- !Builds { each: !Holder { name: built } }\n- !Broken\n'
    assert.throws(() => load(text, { registry: diary.registry }), /broken/)
    await turn()
    assert.deepEqual(diary.lines.slice(2), ['end built', 'end a'])
  })

  test('can be disposed of, and only once', async () => {
    const diary = new Diary()
    const [first] = loadAll('!Holder { name: a, b: !Holder { name: b } }\n---\n!Holder { name: c }\n', {
      registry: diary.registry,
    }) as any[]
    await disposeAll(first.options.b)
    await disposeAll(first)
    await disposeAll(first)
    assert.deepEqual(
      diary.lines.filter((line) => line.startsWith('end')),
      ['end b', 'end a'],
    )
  })
})

describe('disposal', () => {
  test('of an object of several nodes comes after that of all that use it', async () => {
    const diary = new Diary()
    class Single {
      static one: Single | undefined
      static async open({ turns }: { turns: number }) {
        for (let each = 0; each < turns; each++) await turn()
        Single.one ??= new Single()
        return Single.one
      }
      [Symbol.dispose]() {
        diary.lines.push('-single')
      }
    }
    diary.registry.add(Single, '!Single', { create: 'open' })
    const text =
      '- !Single { turns: 9 }\n- !Holder { name: h, s: !Single { turns: 5 } }\n- !Single { turns: 1 }\n'
    await disposeAll(await diary.load(text))
    assert.deepEqual(diary.lines, ['new h', 'end h', '-single'])
  })

  test('of an object that a factory has loaded includes what was constructed for it', async () => {
    const diary = new Diary()
    const { registry } = diary
    class Other {
      static open({ text }: { text: string }) {
        return loadAsync(text, { registry })
      }
    }
    registry.add(Other, '!Other', { create: 'open' })
    const other = '!Other { text: "!Holder { name: inner, c: !Open { name: a } }" }'
    await disposeAll(await diary.load(`!Holder { name: outer, c: ${other} }`))
    assert.deepEqual(diary.lines, ['+a', 'new inner', 'new outer', 'end outer', 'end inner', '-a'])
  })

  test('of an object that a factory builds from a template happens once', async () => {
    const diary = new Diary()
    class Builds {
      static open({ each }: { each: Template }) {
        return each.buildAsync()
      }
    }
    diary.registry.add(Builds, '!Builds', { templates: ['each'], create: 'open' })
    const builds = '!Builds { each: !Holder { name: h, c: !Open { name: a } } }'
    await disposeAll(await diary.load(`!Holder { name: user, c: ${builds} }`))
    assert.deepEqual(diary.lines, ['+a', 'new h', 'new user', 'end user', 'end h', '-a'])
  })
})

test('several documents are loaded and disposed of', async () => {
  const diary = new Diary()
  const { registry } = diary
  const all = await loadAllAsync('!Open { name: a }\n---\n!Open { name: b }\n', { registry })
  await disposeAll(all)
  assert.deepEqual(diary.lines, ['+a', '+b', '-b', '-a'])
  await assert.rejects(loadAllAsync('!Open { name: c }\n---\n!Broken\n', { registry }), /broken/)
  assert.deepEqual(diary.lines.slice(-2), ['+c', '-c'])
})

describe('an asynchronous schema', () => {
  const registry = new Registry()
  const Name = v.pipeAsync(
    v.string(),
    v.checkAsync(async (name) => {
      await turn()
      return name !== 'taken'
    }, 'is taken'),
  )
  class Slow extends MappedRegistrable.with(v.objectAsync({ name: Name, child: v.optional(v.any()) })) {}
  registry.add(Slow, '!Slow')
  const text = '!Slow { name: free, child: !Slow { name: taken } }'

  test('is awaited by "loadAsync" and "checkAsync"', async () => {
    const loaded: any = await loadAsync('!Slow { name: free }', { registry })
    assert.equal(loaded.options.name, 'free')
    const problems = await checkAsync(text, { registry })
    assert.deepEqual(
      problems.map(({ code, column }) => `${code} ${column}`),
      ['BAD_OPTION 42'],
    )
    await assert.rejects(loadAsync(text, { registry }), /Option "name" of "!Slow": is taken/)
  })

  test('is a problem for "load" and "check", which name the others', () => {
    const problems = check(text, { registry })
    assert.deepEqual(new Set(problems.map(({ code }) => code)), new Set(['ASYNC_SCHEMA']))
    assert.throws(() => load(text, { registry }), /"!Slow" is asynchronous.*"loadAsync".*"checkAsync"/)
  })

  test('runs for at most 16 objects at a time in a check', async () => {
    let [open, most] = [0, 0]
    const isAllowed = async (value: number) => {
      most = Math.max(most, ++open)
      await turn()
      open--
      return value !== 7
    }
    const schema = v.objectAsync({ a: v.pipeAsync(v.number(), v.checkAsync(isAllowed)) })
    const own = new Registry()
    own.add(class Counted {}, '!Counted', { schema })
    const text = Array.from({ length: 40 }, (_, index) => `- !Counted { a: ${index} }`).join('\n')
    const problems = await checkAsync(text, { registry: own })
    assert.deepEqual(
      problems.map(({ line }) => line),
      [8],
    )
    assert.equal(most, 16)
  })

  test('in a template is checked for each choice', async () => {
    const own = registry.child()
    class Owner {
      constructor(readonly options: { each: Template }) {}
    }
    own.add(Owner, '!Owner', { templates: ['each'] })
    const problems = await checkAsync('!Owner { each: !Slow { name: taken } }', { registry: own })
    assert.deepEqual(problems, [])
  })
})

describe('real resources', () => {
  const resources = () => process.getActiveResourcesInfo().filter((name) => /TCP/.test(name))

  test('a file and a server are open while they are used, and closed after', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'flambeau-'))
    const path = join(folder, 'data.txt')
    await writeFile(path, 'content')
    await writeFile(join(folder, 'main.yaml'), `file: !File { path: "${path}" }\nserver: !Server {}\n`)
    const registry = new Registry()
    class File {
      static open({ path }: { path: string }): Promise<FileHandle> {
        return open(path)
      }
    }
    class Listener {
      private constructor(readonly server: Server) {}
      static open(): Promise<Listener> {
        const server = createServer()
        return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(new Listener(server))))
      }
      async [Symbol.asyncDispose]() {
        await new Promise((resolve) => this.server.close(resolve))
      }
    }
    registry.add(File as never, '!File', { create: 'open' })
    registry.add(Listener as never, '!Server', { create: 'open' })
    const before = resources()
    const loaded: any = await loadFile(join(folder, 'main.yaml'), { registry })
    assert.equal((await loaded.file.readFile('utf8')) as string, 'content')
    assert.ok(loaded.server.server.address().port > 0)
    assert.deepEqual(resources(), [...before, 'TCPServerWrap'])
    await disposeAll(loaded)
    assert.deepEqual(resources(), before)
    // The descriptor is closed.
    assert.equal(loaded.file.fd, -1)
    await rm(folder, { recursive: true })
  })
})
