import type { Content } from '../wire/protocol.js'
import type { Tree } from '../wire/tree-of.js'
import { wantedOf } from './answers.js'
import type { Sent } from './host.js'
import type { Session } from './session.js'
import { compressedContentOf, contentOf } from './tree-content.js'

/** Up to so many bytes are compressed before they are sent; `Compression yes` in ssh_config does it for more. */
const compressible = 1 << 23

/** Where a tree goes on a host. */
export interface SendTarget {
  readonly path: string
  /** A folder of this name can only hold this very content. */
  readonly fresh: boolean
  /** The cluster that will use it: until its run has started, nobody removes it. */
  readonly cluster?: string
}

/** Sends a tree: the other side says which of its files it lacks. */
export async function sendTree(session: Session, tree: Tree, { path, ...to }: SendTarget): Promise<Sent> {
  const { hash, files } = tree
  await session.ask('receive', { to: path, manifest: { hash, files }, ...to })
  const { wanted } = await session.next(wantedOf(files.length))
  const bytes = wanted.reduce((sum, index) => sum + files[index]!.size, 0)
  if (bytes > compressible) await sendPlain(session, tree, wanted)
  else if (wanted.length > 0) await sendCompressed(session, tree, wanted)
  await session.reply<'receive'>()
  return { files: wanted.length, bytes }
}

async function sendPlain(session: Session, tree: Tree, wanted: readonly number[]): Promise<void> {
  await session.send({} satisfies Content)
  for await (const bytes of contentOf(tree, wanted)) await session.write(bytes)
}

async function sendCompressed(session: Session, tree: Tree, wanted: readonly number[]): Promise<void> {
  const bytes = await compressedContentOf(tree, wanted)
  await session.send({ compressed: bytes.length } satisfies Content)
  await session.write(bytes)
}
