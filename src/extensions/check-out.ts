import { mkdir, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { redacted } from './credentials.js'
import { explained } from './explain.js'
import { runTool, ToolError, type ToolOptions } from './tool.js'
import { Trouble } from './trouble.js'

/** A commit of a repository, and the folder in it that is the extension. */
export interface Place {
  readonly commit: string
  readonly folder: string
}

/** Where a commit is checked out. */
export interface CheckOutOptions {
  readonly into: string
  readonly signal?: AbortSignal | undefined
}

/** Checks a commit out; gives the whole of its name, and the path of the folder of the extension. */
export async function checkOut(
  url: string,
  { commit, folder }: Place,
  { into: cwd, signal }: CheckOutOptions,
): Promise<Place> {
  await mkdir(cwd, { recursive: true })
  const head = await explained(redacted(url), async () => {
    await runTool('git', ['init', '--quiet'], { cwd, signal })
    await fetchCommit(url, commit, { cwd, signal })
    await runTool('git', ['checkout', '--quiet', '--detach', commit], { cwd, signal })
    return runTool('git', ['rev-parse', 'HEAD'], { cwd, signal })
  })
  return { commit: head.trim(), folder: await folderWithin(cwd, folder) }
}

// Not every server hands out a commit by its name: then all branches and tags are asked for.
async function fetchCommit(url: string, commit: string, options: ToolOptions): Promise<void> {
  if (await hasCommit(commit, options)) return
  try {
    await runTool('git', ['fetch', '--quiet', '--depth=1', '--', url, commit], options)
  } catch (error) {
    if (!(error instanceof ToolError)) throw error
    const all = ['+refs/heads/*:refs/remotes/origin/*', '+refs/tags/*:refs/tags/*']
    await runTool('git', ['fetch', '--quiet', '--', url, ...all], options)
    if (await hasCommit(commit, options)) return
    throw new Trouble(
      'NO_REF',
      `cannot be fetched: "${redacted(url)}" has no branch, tag or commit "${commit}"`,
    )
  }
}

async function hasCommit(commit: string, options: ToolOptions): Promise<boolean> {
  try {
    await runTool('git', ['rev-parse', '--verify', '--quiet', `${commit}^{commit}`], options)
    return true
  } catch (error) {
    if (error instanceof ToolError) return false
    throw error
  }
}

async function folderWithin(root: string, folder: string): Promise<string> {
  const inside = await realpath(join(root, folder)).catch(() => undefined)
  const top = await realpath(root)
  if (inside !== undefined && `${inside}${sep}`.startsWith(`${top}${sep}`)) return inside
  throw new Trouble('EXTENSION_NOT_FOUND', `cannot be fetched: its repository has no folder "${folder}"`)
}
