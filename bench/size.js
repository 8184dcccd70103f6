/** What is installed, in bytes of files. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { table } from './rounds.js'

export function size() {
  const packed = execFileSync('npm', ['pack', '--dry-run', '--json'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [{ unpackedSize }] = Object.values(JSON.parse(packed))
  const brought = [...dependenciesOf('.')].reduce((sum, name) => sum + bytesIn(join('node_modules', name)), 0)
  table(
    'Installed size',
    [
      ['yaml', bytesIn('node_modules/yaml')],
      ['flambeau', unpackedSize],
      ['flambeau, with all that it depends on', unpackedSize + brought],
    ].map(([name, bytes]) => [name, { best: bytes / 1024, median: bytes / 1024 }]),
    'kB',
  )
}

/** The packages that come along with the one in a folder. */
function dependenciesOf(folder, found = new Set()) {
  const { dependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  for (const name of Object.keys(dependencies).filter((name) => !found.has(name)))
    dependenciesOf(join('node_modules', name), found.add(name))
  return found
}

function bytesIn(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  return files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)
}
