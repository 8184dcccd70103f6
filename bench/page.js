/** Puts the table into docs/performance.md, with the machine that it was measured on. */
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'

const page = 'docs/performance.md'
const begin = '<!-- made by "npm run bench -- --write" -->'
const end = '<!-- end of what was made -->'

export function writePage(table) {
  const text = readFileSync(page, 'utf8')
  const [before, after] = [text.indexOf(begin), text.indexOf(end)]
  if (before < 0 || after < before) throw new Error(`${page} has no place for the table`)
  const machine = `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB.`
  const made = `${begin}\n\nMeasured with ${machine}\n\n${table.markdown()}\n${end}`
  writeFileSync(page, text.slice(0, before) + made + text.slice(after + end.length))
}
