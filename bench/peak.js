/** Runs one subject once on one text, and prints the most memory that this process had. */
import { subjects } from './subjects.js'
import { texts } from './texts.js'

const [subject, name] = process.argv.slice(2)
const work = await subjects[subject]()
globalThis.kept = work(texts[name]())
console.log(JSON.stringify({ megabytes: process.resourceUsage().maxRSS / 1024 }))
