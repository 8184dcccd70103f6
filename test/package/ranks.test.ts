import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, normalize, relative, sep } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { version } from 'flambeau'
import ts from 'typescript'

const root = process.cwd()
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const execute = promisify(execFile)
const { default: bundles } = await import(pathToFileURL(join(root, 'rollup.config.js')).href)
/** Packages that are bundled into a file of this package. */
const bundled: string[] = Object.entries<string>(bundles[0].output.paths)
  .filter(([, file]) => file.startsWith('#'))
  .map(([name]) => name.split('/')[0]!)
/** What must be installed, what those install who need it, and what is bundled. */
const packages = {
  ...manifest.dependencies,
  ...manifest.peerDependencies,
  ...Object.fromEntries(bundled.map((name) => [name, manifest.devDependencies[name]])),
}

/** A room of `src`: a folder, whose name ends in "/", or a file. */
interface Room {
  readonly rank: number
  readonly name: string
  readonly packages: readonly string[]
}

/** The rooms in the table of `src/README.md`. */
const rooms = [
  ...readFileSync(join(root, 'src/README.md'), 'utf8').matchAll(/^\| (\d+) \| `([^`]+)` \| .* \| (.*)\|$/gm),
].map(([, rank, name = '', packages = '']): Room => {
  const listed = [...packages.matchAll(/`([^`]+)`/g)].map(([, each]) => each!)
  return { rank: Number(rank), name, packages: listed }
})

function filesOf(folder: string, extension: string): string[] {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  return names
    .filter((name) => name.endsWith(extension))
    .map((name) => name.split(sep).join('/'))
    .sort()
}

/** What a file imports, exports from and requires, types and `import()` included. */
function importsOf(path: string): string[] {
  const text = readFileSync(path, 'utf8')
  const { importedFiles, referencedFiles } = ts.preProcessFile(text, true, true)
  const required = text.matchAll(/createRequire\(import\.meta\.url\)\('([^']+)'\)/g)
  return [
    ...[...importedFiles, ...referencedFiles].map(({ fileName }) => fileName),
    ...[...required].map(([, name]) => name!),
  ]
}

const isRelative = (name: string) => name.startsWith('.')

const allFiles = [...filesOf('src', '.ts'), ...filesOf('src', '.tsx')]
/** What runs in the browser is bundled by itself. */
const isPage = (file: string) => file.startsWith('view/page/')
const sources = new Map(
  allFiles.filter((file) => !isPage(file)).map((file) => [file, importsOf(join(root, 'src', file))]),
)

/** The files of `src` that each file imports, as paths within `src`. */
const edges = new Map(
  [...sources].map(([file, imports]) => [
    file,
    imports.filter(isRelative).map((name) =>
      normalize(join(dirname(file), name))
        .replace(/\.js$/, '.ts')
        .split(sep)
        .join('/'),
    ),
  ]),
)

function roomOf(file: string): Room | undefined {
  const [top = ''] = file.split('/')
  return rooms.find(({ name }) => name === (top === file ? file : `${top}/`))
}

function rankOf(file: string): number {
  return roomOf(file)?.rank ?? -1
}

/** The packages that are imported, without sub-paths, and by which files. */
function packagesOf(files: Iterable<[string, string[]]>): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const [file, imports] of files)
    for (const name of imports) {
      // "#yaml" is a file of the package itself, by its "imports".
      if (isRelative(name) || name.startsWith('node:') || name in manifest.imports) continue
      const [first = '', second] = name.split('/')
      const known = first.startsWith('@') ? `${first}/${second}` : first
      found.set(known, [...(found.get(known) ?? []), file])
    }
  return found
}

/** The first circle that is met, as a path that ends where it begins. */
function circleIn(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file]
    if (done.has(file)) return undefined
    for (const next of graph.get(file) ?? []) {
      const circle = visit(next, [...path, file])
      if (circle) return circle
    }
    done.add(file)
    return undefined
  }
  for (const file of graph.keys()) {
    const circle = visit(file, [])
    if (circle) return circle
  }
  return undefined
}

/** The files that `rollup.config.js` makes a file of the package of. */
function entryPoints(): string[] {
  const inputs: string[] = bundles.flatMap(({ input }: { input: string | Record<string, string> }) =>
    typeof input === 'string' ? input : Object.values(input),
  )
  return inputs.map((input) => input.replace(/^build\/js\/(.*)\.js$/, '$1.ts'))
}

/** Small files that belong to their only importer; entry points and public files of types alone are not meant. */
function crumbs(): string[] {
  const entries = entryPoints()
  assert.ok(entries.includes('index.ts'))
  const importersOf = (file: string) =>
    [...edges].filter(([, names]) => names.includes(file)).map(([name]) => name)
  return [...sources.keys()].filter((file) => {
    const text = readFileSync(join(root, 'src', file), 'utf8')
    const [importer, ...others] = importersOf(file)
    if (text.split('\n').length > 20 || !importer || others.length > 0 || entries.includes(file)) return false
    return !(entries.includes(importer) && holdsTypesAlone(text))
  })
}

function holdsTypesAlone(text: string): boolean {
  const { statements } = ts.createSourceFile('types.ts', text, ts.ScriptTarget.ES2022)
  return statements.every(
    (statement) =>
      ts.isInterfaceDeclaration(statement) ||
      ts.isTypeAliasDeclaration(statement) ||
      (ts.isImportDeclaration(statement) && statement.importClause?.isTypeOnly === true) ||
      (ts.isExportDeclaration(statement) && statement.isTypeOnly),
  )
}

describe('the sources', () => {
  test('are found, with what they import', () => {
    assert.ok(sources.size > 20)
    assert.ok(edges.get('index.ts')?.includes('document/load.ts'))
    assert.ok(edges.get('registry/registry.ts')?.includes('errors.ts'))
    assert.deepEqual(
      importsOf(join(root, 'src/runnable/runnable.ts')).filter((name) => name.includes('read-secrets'))
        .length,
      2,
      'an import of types and an "import()" are seen',
    )
  })

  test('all have a rank', () => {
    assert.deepEqual(
      [...sources.keys()].filter((file) => rankOf(file) < 0),
      [],
      'a folder that the design does not know',
    )
  })

  test('are in rooms that are all there, and each folder explains itself', () => {
    const missing = rooms.filter(({ name }) => !existsSync(join(root, 'src', name)))
    assert.deepEqual(missing, [])
    const folders = rooms.filter(({ name }) => name.endsWith('/')).map(({ name }) => `${name}README.md`)
    assert.deepEqual(
      folders.filter((file) => !existsSync(join(root, 'src', file))),
      [],
    )
  })

  test('import files that exist', () => {
    const missing = [...edges].flatMap(([file, imports]) =>
      imports.filter((name) => !sources.has(name)).map((name) => `${file} imports ${name}`),
    )
    assert.deepEqual(missing, [])
  })

  test('import from their own rank or an earlier one, types included', () => {
    const back = [...edges].flatMap(([file, imports]) =>
      imports
        .filter((name) => rankOf(name) > rankOf(file))
        .map((name) => `${file} (rank ${rankOf(file)}) imports ${name} (rank ${rankOf(name)})`),
    )
    assert.deepEqual(back, [])
  })

  test('import each other in no circle, types included', () => {
    const circle = circleIn(edges)
    assert.equal(circle, undefined, `a circle: ${circle?.join(' → ')}`)
  })

  test('are no crumbs: a file of fewer than 20 lines has a second importer', () => {
    assert.deepEqual(crumbs(), [])
  })

  test('a circle would be seen', () => {
    const graph = new Map([
      ['a', ['b', 'c']],
      ['b', ['c']],
      ['c', ['d']],
      ['d', ['b']],
    ])
    assert.deepEqual(circleIn(graph), ['b', 'c', 'd', 'b'])
    assert.equal(circleIn(new Map([...graph, ['d', []]])), undefined)
  })

  const listed = new Set(rooms.flatMap(({ packages }) => packages))

  for (const name of listed) {
    const homes = rooms.filter(({ packages }) => packages.includes(name)).map((room) => room.name)
    test(`import ${name} in src/${homes.join(' and src/').replaceAll(/\/(?= |$)/g, '')} only`, () => {
      const importers = packagesOf(sources).get(name) ?? []
      assert.ok(importers.length > 0, 'nothing imports it: is it still needed?')
      assert.deepEqual(
        importers.filter((file) => !homes.includes(roomOf(file)?.name ?? '')),
        [],
      )
    })
  }

  test('import no package that the table does not list', () => {
    const names = [...packagesOf(sources).keys()]
    assert.deepEqual(
      names.filter((name) => !listed.has(name)),
      [],
    )
  })

  test('import packages of "dependencies" and "peerDependencies" only', () => {
    const names = [...packagesOf(sources).keys()].filter((name) => !(name in packages))
    assert.deepEqual(names, [])
  })

  test('import what Node brings with "node:" before it', () => {
    const bare = [...packagesOf(sources).keys()].filter((name) => builtinModules.includes(name))
    assert.deepEqual(bare, [])
  })
})

describe('the package', () => {
  test('imports packages of "dependencies" only, and every one of them', () => {
    // In "host/packages" are parts of other packages.
    const own = filesOf('dist', '.js').filter((file) => !file.startsWith('host/packages/'))
    const built = own.map((file): [string, string[]] => [file, importsOf(join(root, 'dist', file))])
    const used = [...packagesOf(built).keys()].sort()
    assert.deepEqual(
      used.filter((name) => !(name in packages)),
      [],
    )
    // TypeScript's helpers may or may not be needed by what it emits.
    const unused = Object.keys(manifest.dependencies).filter(
      (name) => name !== 'tslib' && !used.includes(name),
    )
    assert.deepEqual(unused, [])
  })

  test('its declarations import packages of "dependencies" only', () => {
    const declared = filesOf('dist', '.d.ts').map((file): [string, string[]] => [
      file,
      importsOf(join(root, 'dist', file)),
    ])
    assert.ok(declared.length > 0)
    assert.deepEqual(
      [...packagesOf(declared).keys()].filter((name) => !(name in packages)),
      [],
    )
  })

  test('knows its version', () => {
    assert.equal(version, manifest.version)
  })

  test('can be required, which gives the very same module', async () => {
    const script = `
      const required = require('flambeau')
      import('flambeau').then((imported) => console.log(
        typeof required.load, required.Registry === imported.Registry, required.load('a: 1').a))
    `
    const { stdout } = await execute(process.execPath, ['-e', script], { cwd: root, timeout: 30_000 })
    assert.equal(stdout, 'function true 1\n')
  })

  test('says nothing when it is imported', async () => {
    const script = "await import('flambeau')"
    const { stdout, stderr } = await execute(process.execPath, ['--input-type=module', '-e', script], {
      cwd: root,
      timeout: 30_000,
    })
    assert.deepEqual({ stdout, stderr }, { stdout: '', stderr: '' })
  })
})

describe('importing the package', () => {
  /** Every file that a fresh process runs anything of, ES modules and CommonJS alike: V8 itself counts them. */
  async function loadedBy(script: string): Promise<string[]> {
    const folder = mkdtempSync(join(tmpdir(), 'flambeau-ranks-'))
    try {
      await execute(process.execPath, ['--input-type=module', '-e', script], {
        cwd: root,
        env: { ...process.env, NODE_V8_COVERAGE: folder },
        timeout: 30_000,
      })
      const reports = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')))
      const scripts: { url: string }[] = reports.flatMap(({ result }) => result)
      const paths = scripts.filter(({ url }) => url.startsWith('file:')).map(({ url }) => fileURLToPath(url))
      return paths.map((path) => relative(root, path).split(sep).join('/'))
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }

  const packagesIn = (files: string[]) => [
    ...new Set(files.flatMap((file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? [])),
  ]

  test('loads no package besides reflect-metadata, yaml and tslib', async () => {
    const files = await loadedBy("await import('flambeau')")
    assert.ok(files.includes('dist/index.js'))
    const packages = packagesIn(files)
    assert.ok(packages.includes('reflect-metadata'))
    const allowed = ['reflect-metadata', 'tslib', 'yaml']
    assert.deepEqual(
      packages.filter((name) => !allowed.includes(name)),
      [],
    )
  })

  test('loads yaml with the first text that needs it, and not before', async () => {
    const loading = (text: string) => loadedBy(`(await import('flambeau')).loadAll(${JSON.stringify(text)})`)
    assert.ok(!packagesIn(await loading('a: [1, "two"]\n')).includes('yaml'))
    assert.ok(packagesIn(await loading('? a\n: 1\n')).includes('yaml'))
  })

  test('loads yaml at once for a bundler, which must see the import', async () => {
    const script =
      "console.log((await import('flambeau')).load('? a\\n: 1\\n').a, (await import('#yaml')).yaml.toString())"
    const args = ['--conditions=module', '--input-type=module', '-e', script]
    const { stdout } = await execute(process.execPath, args, { cwd: root, timeout: 30_000 })
    assert.match(stdout, /^1 function yaml\(\) \{\s*return library;/)
    assert.match(
      readFileSync(join(root, 'dist/packages/static.js'), 'utf8'),
      /^import \* as library from 'yaml'/m,
    )
  })

  test('loads nothing of the command line', async () => {
    const files = await loadedBy("await import('flambeau')")
    assert.deepEqual(
      files.filter((file) => /^dist\/cli\//.test(file)),
      [],
    )
  })

  test('loads ini with the first secrets that need it, and not before', async () => {
    const reading = (dialect: string) =>
      loadedBy(`
        const { parseSecrets } = await import('flambeau')
        await parseSecrets('[A]\\nb = "c"\\n', { dialect: '${dialect}' })
      `)
    assert.ok(!packagesIn(await reading('python')).includes('ini'))
    assert.ok(packagesIn(await reading('ini')).includes('ini'))
  })

  test('what is loaded would be seen, CommonJS and ES modules alike', async () => {
    const packages = packagesIn(await loadedBy("await import('commander'); await import('valibot')"))
    assert.deepEqual(packages.sort(), ['commander', 'valibot'])
  })
})
