// Bundles what the language server uses of vscode-languageserver into dist/language-server, with the licences of what is in it.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { build } from 'esbuild'

const packages = [
  'vscode-languageserver',
  'vscode-languageserver-protocol',
  'vscode-languageserver-types',
  'vscode-languageserver-textdocument',
  'vscode-jsonrpc',
]

await build({
  stdin: {
    contents: `
      export { createConnection, TextDocuments } from 'vscode-languageserver/node'
      export { TextDocument } from 'vscode-languageserver-textdocument'`,
    resolveDir: '.',
  },
  bundle: true,
  minify: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  legalComments: 'none',
  outfile: 'dist/language-server/protocol.cjs',
  logLevel: 'warning',
})

mkdirSync('dist/language-server', { recursive: true })
const texts = packages.map(
  (name) => `${name}\n\n${readFileSync(`node_modules/${name}/License.txt`, 'utf8').trim()}\n`,
)
writeFileSync('dist/language-server/licences.txt', texts.join(`\n${'-'.repeat(80)}\n\n`))
