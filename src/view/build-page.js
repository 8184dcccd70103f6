// Bundles the page of "view" and "report" into dist/view: one script, one style, and the licences of what is in them. They
// are compressed, since they would be a third of what a host gets, where few runs write a report.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { brotliCompressSync } from 'node:zlib'
import { build } from 'esbuild'

await build({
  entryPoints: ['src/view/page/main.tsx'],
  bundle: true,
  minify: true,
  format: 'iife',
  target: ['es2022', 'chrome110', 'firefox115', 'safari16'],
  legalComments: 'none',
  outfile: 'dist/view/page.js',
  logLevel: 'warning',
})

const licences = ['echarts/LICENSE', 'echarts/NOTICE', 'zrender/LICENSE', 'preact/LICENSE']
mkdirSync('dist/view', { recursive: true })
const texts = licences.map((file) => `${file}\n\n${readFileSync(`node_modules/${file}`, 'utf8').trim()}\n`)
writeFileSync('dist/view/licences.txt', texts.join(`\n${'-'.repeat(80)}\n\n`))

const parts = { script: 'page.js', style: 'page.css', licences: 'licences.txt' }
const read = ([part, file]) => [part, readFileSync(`dist/view/${file}`, 'utf8')]
const page = JSON.stringify(Object.fromEntries(Object.entries(parts).map(read)))
writeFileSync('dist/view/page.json.br', brotliCompressSync(page))
for (const file of ['page.js', 'page.css']) rmSync(`dist/view/${file}`)
