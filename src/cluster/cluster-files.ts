import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, posix } from 'node:path'
import { ClusterConfigurationError } from '../errors.js'
import { absolutePath } from '../util/paths.js'
import type { AgentHost } from './host/agent-host.js'

/** The folder on a host, from its home folder, where users' content of a cluster lies. */
export function contentPath(cluster: string, path: string): string {
  const within = posix.normalize(path)
  if (!posix.isAbsolute(within) && within !== '..' && !within.startsWith('../'))
    return posix.join('.flambeau/clusters', cluster, 'content', within)
  const message = `"${path}" is outside of the cluster's folder on its hosts: name a relative path without ".."`
  throw new ClusterConfigurationError(message, { code: 'OUTSIDE_OF_CLUSTER' })
}

/** Sends a file or folder into a folder of a host, and answers with its path there, from the home folder. */
export async function sendInto(host: AgentHost, local: string, folder: string): Promise<string> {
  const path = posix.join(folder, basename(local))
  if ((await stat(local)).isDirectory()) await host.sync(local, path)
  else await host.sync(local, folder)
  return path
}

/** A path on a host, in full: `~` at its start is the home folder there, and relative ones are taken from it. */
export function onHost(path: string, home: string): string {
  return posix.resolve(home, path.replace(/^~(?=\/|$)/, '.'))
}

/** The path of content on this machine; nothing for what is not here. */
export function localContent(path: string): string | undefined {
  const full = absolutePath(path)
  return existsSync(full) ? full : undefined
}
