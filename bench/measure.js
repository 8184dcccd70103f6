/** Times one subject on one text in this process, and prints the best and the median milliseconds of a call. */
import { subjects } from './subjects.js'
import { texts } from './texts.js'

const [subject, name] = process.argv.slice(2)
const text = texts[name]()
const work = await subjects[subject]()

const deadline = (milliseconds) => {
  const end = performance.now() + milliseconds
  return () => performance.now() > end
}

const time = () => {
  const start = performance.now()
  work(text)
  return performance.now() - start
}

const warm = deadline(300)
do time()
while (!warm())

const times = []
const done = deadline(400)
do times.push(time())
while (!done() || times.length < 3)

times.sort((a, b) => a - b)
console.log(JSON.stringify({ best: times[0], median: times[times.length >> 1] }))
