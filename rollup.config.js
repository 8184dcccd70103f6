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
    'bullmq/index': 'build/js/pool/bullmq/index.js',
    'bullmq/worker': 'build/js/pool/bullmq/worker-program.js',
    'pool/index': 'build/js/pool/index.js',
    'pool/worker': 'build/js/pool/processes/worker.js',
    'yaml/static': 'build/js/document/yaml/static.js',
    'yaml/lazy': 'build/js/document/yaml/lazy.js',
  },
  output: { dir: 'dist', format: 'es', chunkFileNames: 'chunks/[name].js', entryFileNames: '[name].js' },
  external: /^(?:node:|[^./])/,
  treeshake: false,
}

/** A program that runs on a host by itself: one file, without the library. */
const program = (name) => ({
  input: `build/js/cluster/agent/${name}.js`,
  output: { file: `dist/cluster/${name === 'main' ? 'agent' : name}.js`, format: 'es' },
  external: /^node:/,
  treeshake: false,
})

export default [library, program('main'), program('supervise')]
