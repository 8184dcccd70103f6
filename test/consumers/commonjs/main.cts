// From CommonJS: Node requires ES modules from 20.19 on, which TypeScript knows under "nodenext".
import flambeau = require('flambeau')

import { MemoryLogger } from 'flambeau/testing'

const logger = new MemoryLogger()
logger.info(flambeau.dump({ a: 1 }))
if (logger.lines[0]?.text !== 'a: 1\n') throw new Error('it does not work')
console.log('works')
