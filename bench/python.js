/** Python flambé's preprocess of the same text, where a Python with ruamel.yaml is at hand. */
import { execFileSync } from 'node:child_process'
import { node } from './rounds.js'
import { tags, texts } from './texts.js'

const name = '2,000 tags'

export function* python() {
  const command = ['python3', '/usr/bin/python3'].find(hasRuamel)
  if (!command)
    return console.log(
      '  no Python with ruamel.yaml is at hand (on Debian: apt-get install python3-ruamel.yaml)',
    )
  const options = { input: texts[name](), encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] }
  const theirs = JSON.parse(execFileSync(command, ['bench/preprocess.py', ...tags], options))
  const ours = JSON.parse(node(['bench/measure.js', 'flambeau load', name]))
  const peer = "flambé's preprocess with ruamel.yaml"
  yield { name: `flambeau load, ${name}, warm`, peer, ratio: ours.median / theirs.median, atMost: 1 / 200 }
}

function hasRuamel(command) {
  try {
    execFileSync(command, ['-c', 'import ruamel.yaml'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
