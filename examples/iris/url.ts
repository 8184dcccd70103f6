import { pathToFileURL } from 'node:url'
import { register } from 'flambeau'

// Files are named from the folder that the program runs in, and written back that way, so that a dump
// means the same in another checkout.
register(URL, '!Url', {
  fromYaml: (builder, node) => new URL(builder.constructScalar(node), workingFolder()),
  toYaml: (representer, url, tag) => representer.representScalar(tag, url.href.replace(workingFolder(), '')),
})

function workingFolder(): string {
  return pathToFileURL(`${process.cwd()}/`).href
}
