/** What is installed, in bytes of files. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

export function* size() {
  const packed = execFileSync('npm', ['pack', '--dry-run', '--json'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [{ unpackedSize }] = Object.values(JSON.parse(packed))
  const brought = [...dependenciesOf('.')].reduce((sum, name) => sum + bytesIn(join('node_modules', name)), 0)
  const peer = 'yaml'
  const all = {
    'the package': unpackedSize,
    'the package, with all that it depends on': unpackedSize + brought,
  }
  for (const [name, bytes] of Object.entries(all))
    yield { name, peer, ratio: bytes / bytesIn('node_modules/yaml'), value: `${Math.round(bytes / 1000)} kB` }
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
