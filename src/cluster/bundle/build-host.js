// Makes what a host gets of this package, in dist/host: "flambeau" has the modules that a run can load, joined into few
// files, and "packages" the dependencies that they import. All is without comments and spaces.
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { build, transformSync } from 'esbuild'
import { rollup } from 'rollup'
import { minify } from 'terser'
import * as valibot from 'valibot'

// The "package.json" of each is "manifest.json" until it is sent: bundlers would look into it here.
const output = 'dist/host'
const manifest = JSON.parse(readFileSync('package.json', 'utf8'))

/** What is joined of each dependency: the modules that it exports, or those that Node can load, each as a file of its own. */
const packages = {
  '@valibot/to-json-schema': { joined: ['dist/index.mjs'] },
  ignore: { joined: ['index.js'] },
  'import-meta-resolve': { joined: ['index.js'] },
  ini: { joined: ['lib/ini.js'] },
  // Users' modules may import these: compilers write such imports.
  'reflect-metadata': { separate: ['Reflect.js', 'ReflectLite.js', 'ReflectNoConflict.js'] },
  tslib: { separate: ['tslib.js', 'tslib.es6.mjs', 'modules/index.js'], copied: ['modules/package.json'] },
  valibot: { joined: ['dist/index.mjs'], only: valibotNames },
  // Found with "require", when it is first used.
  yaml: { joined: ['dist/index.js'] },
}

/** Node shows the line of an error that nothing catches. */
const common = { lineLimit: 200, charset: 'utf8', legalComments: 'none', target: 'node20.19' }
const shortSyntax = { ...common, minifyWhitespace: true, minifySyntax: true }
/** Local names only: a stack names the functions and classes of this package as it names them here. */
const shortNames = {
  module: true,
  compress: false,
  mangle: { keep_fnames: true, keep_classnames: true },
  format: { max_line_len: common.lineLimit },
}
const compact = { ...common, minify: true }

rmSync(output, { recursive: true, force: true })
checkPackages(await joinOwn())
const sizes = {}
for (const [name, parts] of Object.entries(packages)) sizes[name] = await joinPackage(name, parts)
write('packages.json', JSON.stringify(sizes))
write('flambeau/manifest.json', JSON.stringify(manifestOfHost()))
writeLicences()

/** Joins the modules of this package; returns the names of the packages that they import. */
async function joinOwn() {
  const input = Object.fromEntries(entryNames().map((name) => [name, `dist/${name}.js`]))
  const bundle = await rollup({ input, external: /^(?:node:|[^./])/ })
  const { output: chunks } = await bundle.generate({
    format: 'es',
    entryFileNames: 'dist/[name].js',
    chunkFileNames: 'dist/chunks/[name].js',
    manualChunks: groupModules,
  })
  for (const { fileName, code } of chunks) {
    const short = await minify(transformSync(code, shortSyntax).code, shortNames)
    write(`flambeau/${fileName}`, short.code)
  }
  return new Set(
    chunks.flatMap(({ imports, dynamicImports }) => [...imports, ...dynamicImports].flatMap(packageOf)),
  )
}

/** The program of a run, and what modules of users can import; the command line and the language server stay here. */
function entryNames() {
  const { '#yaml': yaml, '#pool-worker': worker } = manifest.imports
  const exported = Object.values(manifest.exports).flatMap((target) => target.default ?? [])
  const targets = ['./dist/cluster/run-job.js', yaml.node, worker, ...exported]
  return targets.map((target) => /^\.\/dist\/(.+)\.js$/.exec(target)[1])
}

/**
 * Joins what is always loaded together, so that no program loads more than before: what every program needs, then what
 * those of BullMQ need, then what the program of a run needs. What is imported on demand stays by itself.
 */
function groupModules(id, { getModuleInfo }) {
  if (getModuleInfo(id).isEntry) return undefined
  const groups = [['index', 'pool/worker'], ['bullmq/index', 'bullmq/worker'], entryNames()]
  const found = groups.findIndex((names) => staticImports(names, getModuleInfo).has(id))
  return ['core', 'bullmq', 'run'][found]
}

function staticImports(names, getModuleInfo) {
  const found = new Set(names.map((name) => join(process.cwd(), `dist/${name}.js`)))
  for (const id of found) for (const imported of getModuleInfo(id)?.importedIds ?? []) found.add(imported)
  return found
}

function packageOf(specifier) {
  const [, name] = /^(?!node:|#|dist\/)((?:@[^/]+\/)?[^/]+)/.exec(specifier) ?? []
  return name ?? []
}

/** @throws Error when the list above lacks a dependency. */
function checkPackages(imported) {
  const missing = Object.keys(manifest.dependencies).filter(
    (name) => imported.has(name) && !(name in packages),
  )
  if (missing.length > 0) throw new Error(`"packages" lacks ${missing}, which programs on a host import`)
}

/** Joins a package; returns its version, and the sizes of the files it was made of: they show whether a user has the same. */
async function joinPackage(name, { joined = [], separate = [], copied = [], only }) {
  const folder = `node_modules/${name}`
  const { version, type, main, exports } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'))
  const files = [...separate, ...copied]
  for (const file of joined)
    files.push(...(await joinModules(folder, file, { format: formatOf(file, type), names: only?.() })))
  for (const file of separate)
    write(`packages/${name}/${file}`, transformSync(textOf(`${folder}/${file}`), compact).code)
  for (const file of copied) write(`packages/${name}/${file}`, textOf(`${folder}/${file}`))
  const own = { name, version, type, main, exports: exportsOf(exports, joined) }
  write(`packages/${name}/manifest.json`, JSON.stringify(own))
  return {
    version,
    files: Object.fromEntries(files.map((file) => [file, statSync(`${folder}/${file}`).size])),
  }
}

/** Joins a module with those that it imports; returns all of them, as paths within the package. */
async function joinModules(folder, file, { format, names }) {
  const whole = { entryPoints: [`${folder}/${file}`] }
  const part = { stdin: { contents: `export { ${names} } from './${file}'`, resolveDir: folder } }
  const { metafile } = await build({
    ...compact,
    ...(names ? part : whole),
    outfile: `${output}/packages${folder.slice('node_modules'.length)}/${file}`,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format,
    metafile: true,
    logLevel: 'warning',
  })
  const inputs = Object.keys(metafile.inputs).filter((path) => path !== '<stdin>')
  return inputs.map((path) => path.slice(folder.length + 1))
}

/** What this package uses of valibot, as the namespace "v": a fourth of it. */
function valibotNames() {
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => textOf(join('src', file)))
    .filter((text) => text.includes("* as v from 'valibot'"))
  const used = sources.flatMap((text) => [...text.matchAll(/\bv\.(\w+)/g)].map(([, name]) => name))
  return [...new Set(used)].filter((name) => name in valibot)
}

function textOf(path) {
  return readFileSync(path, 'utf8')
}

function formatOf(file, type) {
  return file.endsWith('.mjs') || (file.endsWith('.js') && type === 'module') ? 'esm' : 'cjs'
}

/** Leaves the conditions of which no file is sent: Node can "require" a module. */
function exportsOf(exports, joined) {
  if (exports === undefined || joined.length === 0) return exports
  const files = joined.map((file) => `./${file}`)
  const paths = Object.entries(exports).map(([path, target]) => [
    path,
    targetsOf(target).find((each) => files.includes(each)),
  ])
  return Object.fromEntries(paths.filter(([, file]) => file !== undefined))
}

function targetsOf(target) {
  return typeof target === 'object' ? Object.values(target).flatMap(targetsOf) : [target]
}

/** The manifest on a host, where this package depends on what was joined only. */
function manifestOfHost() {
  const { name, version, license, type, engines, imports, exports, sideEffects, ...rest } = manifest
  const { peerDependencies, peerDependenciesMeta } = rest
  const dependencies = Object.fromEntries(
    Object.entries(rest.dependencies).filter(([dependency]) => dependency in packages),
  )
  const kept = { name, version, license, type, engines, imports, exports, sideEffects }
  return { ...kept, dependencies, peerDependencies, peerDependenciesMeta }
}

function writeLicences() {
  const texts = Object.keys(packages).map((name) => `${name}\n\n${licenceOf(name).trim()}\n`)
  write('licences.txt', texts.join(`\n${'-'.repeat(80)}\n\n`))
}

function licenceOf(name) {
  const folder = `node_modules/${name}`
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each))
  return readFileSync(`${folder}/${file}`, 'utf8')
}

function write(path, content) {
  mkdirSync(dirname(join(output, path)), { recursive: true })
  writeFileSync(join(output, path), content)
}
