/** Prints once more, when all is done, what failed: nobody should have to search six thousand results. */
export default async function* failures(source) {
  const failed = []
  for await (const { type, data } of source) {
    if (type === 'test:fail' && data.details.error.failureType !== 'subtestsFailed') failed.push(data)
  }
  for (const { file, line, name, details } of failed) {
    yield `\nFAILED ${name}\n  at ${file}:${line}\n${details.error.cause?.stack ?? details.error}\n`
  }
}
