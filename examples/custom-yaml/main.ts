import { dump, loadFile } from 'flambeau'
import { Duration } from './duration.js'

const limits = await loadFile('examples/custom-yaml/limits.yaml')
console.log(limits)

// What was loaded is written as it was, its comment included.
console.log(dump(limits))

// What was made in code is written by `toYaml`.
console.log(dump({ cleanup: new Duration(30 * 60) }))
