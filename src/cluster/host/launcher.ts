import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ownFolder } from '../ship/own-folder.js'

/**
 * Finds Node and hands over to it. A login shell of any kind reads this the same way: there is no single quote, no
 * backslash and no exclamation mark in it. A shell for commands often lacks what a login adds to PATH.
 */
const findNode = [
  'for n in "$0" node "$HOME"/.nvm/versions/node/*/bin/node "$HOME"/.volta/bin/node',
  '/usr/local/bin/node /opt/homebrew/bin/node /opt/node/bin/node;',
  'do if command -v "$n" >/dev/null 2>&1; then exec "$n" -e "$1" "$2"; fi; done;',
  'echo flambeau-no-node >&2; exit 127',
].join(' ')

// Reads the agent from standard input, just its own bytes: questions come after it.
const readAgent = [
  'const [major, minor] = process.versions.node.split(".").map(Number);',
  'if (major < 20 || (major === 20 && minor < 19)) { console.error("flambeau-old-node"); process.exit(1) }',
  'const fs = require("fs"), b = Buffer.alloc(Number(process.argv[1])); let n = 0;',
  'while (n < b.length) { try { const m = fs.readSync(0, b, n, b.length - n, null); if (m === 0) process.exit(1); n += m }',
  'catch (e) { if (e.code !== "EAGAIN") throw e } }',
  'require("vm").runInThisContext(b.toString(), { filename: "flambeau-agent.cjs" })',
].join(' ')

let agent: Promise<Buffer> | undefined

/** The program that answers questions on a host, as it was built. */
export function readAgentSource(): Promise<Buffer> {
  agent ??= readFile(join(ownFolder(), 'dist/cluster/agent.cjs'))
  return agent
}

/** The command that starts the agent on a host, whose first `size` bytes of input are the agent. */
export function launchCommand(size: number, node = 'node'): string[] {
  return ['sh', '-c', findNode, node, readAgent, String(size)]
}

/** What the launcher says when there is no Node, or one that is older than this package takes. */
export const noNode = 'flambeau-no-node'
export const oldNode = 'flambeau-old-node'
