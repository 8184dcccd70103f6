// Bundles the parser of the command line into dist/cli, with its licence: one file is found and read sooner than the six of the package.
import { readFileSync, writeFileSync } from 'node:fs'
import { build } from 'esbuild'

await build({
  entryPoints: ['node_modules/commander/index.js'],
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  legalComments: 'none',
  outfile: 'dist/cli/commander.cjs',
  logLevel: 'warning',
})

const licence = readFileSync('node_modules/commander/LICENSE', 'utf8').trim()
writeFileSync('dist/cli/licences.txt', `commander\n\n${licence}\n`)
