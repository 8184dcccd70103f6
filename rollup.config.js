import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, posix, resolve } from 'node:path'
import { transformSync } from 'esbuild'

/**
 * Joins what tsc emits into one file an entry: loading sixty small modules would cost a program more than all else.
 * Nothing is dropped or renamed: what is tested is what ships.
 */
const library = {
  input: {
    index: 'build/js/index.js',
    'cli/main': 'build/js/cli/main.js',
    'cluster/index': 'build/js/cluster/index.js',
    'cluster/run-job': 'build/js/cli/cluster/job-program.js',
    'testing/index': 'build/js/testing/index.js',
    'bullmq/index': 'build/js/pool/engines/bullmq/index.js',
    'bullmq/worker': 'build/js/pool/engines/bullmq/worker-main.js',
    'language-server/checker': 'build/js/language-server/checker-main.js',
    'pool/index': 'build/js/pool/index.js',
    'pool/worker': 'build/js/pool/engines/processes/worker-main.js',
    'packages/lazy': 'build/js/packages/lazy.js',
    'packages/static': 'build/js/packages/static.js',
  },
  output: {
    dir: 'dist',
    format: 'es',
    chunkFileNames: 'chunks/[name].js',
    manualChunks: chunkOf,
    entryFileNames: '[name].js',
    // Node would take the entry of tslib that is CommonJS inside, and start the command 10 ms later.
    // "build-protocol.js" bundles the library of the language server, "build-commander.js" the parser of the command line.
    paths: {
      tslib: 'tslib/tslib.es6.mjs',
      commander: '#commander',
      'vscode-languageserver/node': '#vscode-languageserver',
      'vscode-languageserver-textdocument': '#vscode-languageserver',
    },
  },
  external: /^(?:node:|[^./])/,
  treeshake: false,
  plugins: [
    { name: 'ascii', renderChunk: inAscii },
    { name: 'declarations', writeBundle: copyDeclarations },
  ],
}

/** Every file that Node imports costs as much as 30 kB of code, so that what is loaded together is one file. */
let chunks

function chunkOf(id, { getModuleInfo }) {
  chunks ??= assignChunks(getModuleInfo)
  return chunks.get(id)
}

/**
 * The chunk of each module that a program with the library, or a frequent command, loads. A module without one would be put into
 * whichever chunk imports it.
 */
function assignChunks(getModuleInfo) {
  const [library, main, program, ...commands] = [
    'index.js',
    'cli/main.js',
    'cli/program.js',
    'cli/run.js',
    'cli/check.js',
  ].map((file) => imported(file, getModuleInfo))
  const records = imported('records/recording.js', getModuleInfo)
  const everyCall = new Set([...main, ...program])
  // What is no part of the command line is also loaded by other processes, such as workers, besides the library.
  const isCommandLine = (id) => id.startsWith(resolve('build/js/cli'))
  return new Map([
    ...[...records].map((id) => [id, id.startsWith(resolve('build/js/records')) ? 'records' : 'files']),
    ...commands
      .flatMap((modules) => [...modules])
      .map((id) => [id, isCommandLine(id) ? 'commands' : 'library']),
    ...[...program].map((id) => [id, isCommandLine(id) ? 'program' : 'base']),
    ...[...library].map((id) => [id, everyCall.has(id) ? 'base' : 'library']),
    ...[...main].slice(1).map((id) => [id, 'base']),
  ])
}

/** The modules that a module imports at once, and itself. */
function imported(file, getModuleInfo) {
  const found = new Set()
  const visit = (id) => {
    const info = getModuleInfo(id)
    if (found.has(id) || !info || info.isExternal) return
    found.add(id)
    for (const each of info.importedIds) visit(each)
  }
  visit(resolve('build/js', file))
  return found
}

/** A text with any other character takes twice the memory, and longer to decode. */
function inAscii(code) {
  return code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** The agent is sent to a host and compiled there with each connection. */
const minified = {
  name: 'minified',
  renderChunk: (code) => transformSync(code, { minify: true, charset: 'utf8', lineLimit: 200 }).code,
}

/** The agent of a host that is ready needs no cryptography, and Node takes 3 ms to load it. */
const lazyCrypto = {
  name: 'lazy-crypto',
  renderChunk: (code) =>
    code
      .replace(
        "var node_crypto = require('node:crypto');",
        "const loadCrypto = () => require('node:crypto');",
      )
      .replaceAll(/\bnode_crypto\b/g, 'loadCrypto()'),
}

/** A program that runs on a host by itself: one file, without the library. */
const program = (name, output) => ({
  input: `build/js/cluster/agent/${name}.js`,
  output,
  external: /^node:/,
  treeshake: true,
  plugins: [lazyCrypto, minified],
})

// The agent travels as text and starts sooner as CommonJS.
const agent = program('main', { file: 'dist/cluster/agent.cjs', format: 'cjs' })
const supervise = program('supervisor', { file: 'dist/cluster/supervise.js', format: 'es' })

/** Of what tsc declares, users get what the "types" of package.json lead to. */
function copyDeclarations() {
  const entries = readFileSync('package.json', 'utf8').matchAll(/"types": ".\/dist\/(.*)"/g)
  const found = new Set([...entries].map(([, file]) => file))
  for (const file of found) {
    const text = readFileSync(`build/types/${file}`, 'utf8')
    for (const [, name] of text.matchAll(/(?:from|import) ?\(?'(\.[^']+)\.js'/g))
      found.add(`${posix.join(dirname(file), name)}.d.ts`)
    mkdirSync(dirname(`dist/${file}`), { recursive: true })
    copyFileSync(`build/types/${file}`, `dist/${file}`)
  }
}

export default [library, agent, supervise]
