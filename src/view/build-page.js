// Bundles the page of "view" and "report" into dist/view: one script, one style, and the licences of what is in them. The
// script is compressed: it is a third of what a host gets, where few runs write a report.
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

writeFileSync('dist/view/page.js.br', brotliCompressSync(readFileSync('dist/view/page.js')))
rmSync('dist/view/page.js')

const licences = ['echarts/LICENSE', 'echarts/NOTICE', 'zrender/LICENSE', 'preact/LICENSE']
mkdirSync('dist/view', { recursive: true })
const texts = licences.map((file) => `${file}\n\n${readFileSync(`node_modules/${file}`, 'utf8').trim()}\n`)
writeFileSync('dist/view/licences.txt', texts.join(`\n${'-'.repeat(80)}\n\n`))
