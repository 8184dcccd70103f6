// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the shell's
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packageRoot } from '../../util/paths.js'

/** What the launcher prints when there is no Node, or only versions that are too old, which follow. */
export const noNodeMark = 'flambeau-no-node'
export const oldNodeMark = 'flambeau-old-node:'
/** What is printed when a startup file of the login shell starts another shell, which reads the agent as commands. */
export const shellReplacedMark = 'flambeau-shell-replaced'

/**
 * Checks that `$1` is Node 20.19 or newer, and remembers it if it is older; `-v` takes a quarter of the time of a
 * program.
 */
const tryNode = [
  't() { v=$("$1" -v 2>/dev/null </dev/null); case "$v" in',
  'v20.19.*|v20.[2-9][0-9].*|v2[1-9].*|v[3-9][0-9].*|v[1-9][0-9][0-9].*) return 0;;',
  'v*) case "$old" in *" $1 is "*) ;; *) old="$old $1 is $v,";; esac;; esac; return 1; };',
  'u() { exec "$1" -e "$a" "$b"; };',
  `f() { if [ -n "$old" ]; then echo "${oldNodeMark}\${old%,}" >&2; exit 1; fi;`,
  `echo ${noNodeMark} >&2; exit 127; };`,
].join(' ')

/** Uses the Node that the user named, and no other. */
const namedNode = [
  'case "$0" in node) ;; *) n=$0; case "$n" in "~/"*) n=$HOME/${n#??};; esac;',
  't "$n" && u "$n"; f;; esac;',
].join(' ')

/** A shell that runs a command often lacks what a login shell adds to PATH. */
const nodeOfLogin = [
  'n=$(command -v node); t "$n" && u "$n";',
  'for s in "${SHELL:-sh}" sh; do',
  'n=$("$s" -lc "echo; command -v node" </dev/null 2>/dev/null | tail -n 1);',
  't "$n" && u "$n"; done;',
].join(' ')

/** Where version managers install Node, which only interactive shells find; the highest version is used. */
const nodeLocations = [
  '"${NVM_DIR:-$HOME/.nvm}"/versions/node/*/bin/node',
  '/usr/local/nvm/versions/node/*/bin/node',
  '"${FNM_DIR:-$d/fnm}"/node-versions/*/installation/bin/node',
  '"$HOME"/.fnm/node-versions/*/installation/bin/node',
  '"$HOME/Library/Application Support/fnm"/node-versions/*/installation/bin/node',
  '"${MISE_DATA_DIR:-$d/mise}"/installs/node/*/bin/node',
  '"$d"/rtx/installs/node/*/bin/node',
  '"${ASDF_DATA_DIR:-$HOME/.asdf}"/installs/nodejs/*/bin/node',
  '"$HOME"/.nodenv/versions/*/bin/node',
  '"$HOME"/.volta/tools/image/node/*/bin/node',
  '"$d"/pnpm/nodejs/*/bin/node',
  '"${N_PREFIX:-$HOME/n}"/bin/node',
  '"$HOME"/.local/bin/node "$HOME"/bin/node "$HOME"/.nix-profile/bin/node',
  '/usr/local/bin/node /opt/homebrew/bin/node /opt/node/bin/node /snap/bin/node /usr/bin/node',
].join(' ')

const highestNode = [
  'd=${XDG_DATA_HOME:-$HOME/.local/share}; top=0; best=;',
  `for n in ${nodeLocations}; do if [ -x "$n" ] && t "$n"; then`,
  'IFS=.; set -- ${v#v}; unset IFS; m=$(( $1 * 1000000 + $2 * 1000 + ${3%%-*} ));',
  'if [ "$m" -gt "$top" ]; then top=$m; best=$n; fi; fi; done;',
  '[ -n "$best" ] && u "$best"; f',
].join(' ')

/**
 * Finds Node and starts the agent with it. It contains no single quote, backslash or exclamation mark, so that every
 * kind of login shell reads it in the same way.
 */
const findNode = `a=$1; b=$2; old=; ${tryNode} ${namedNode} ${nodeOfLogin} ${highestNode}`

const agentMark = '#flambeau-agent'

/**
 * Sent before the agent: empty lines for startup files that read an answer, and a command for a shell that a startup
 * file starts instead, which would execute the agent as commands.
 */
const preamble = `${'\n'.repeat(8)}echo ${shellReplacedMark}; exit 97 ${agentMark}`

// Reads exactly the bytes of the agent from standard input: requests follow them.
const readAgent = [
  'const fs = require("fs"), b = Buffer.alloc(Number(process.argv[1]));',
  'const read = (b, n) => { for (;;) try { const m = fs.readSync(0, b, n, b.length - n, null); if (m === 0) process.exit(1); return m }',
  'catch (e) { if (e.code === "EOF") process.exit(1); if (e.code === "EAGAIN") continue; throw e } };',
  'const one = Buffer.alloc(1);',
  `for (let line = ""; line.endsWith("${agentMark}") === false; line = one[0] === 10 ? "" : line + one.toString("latin1")) read(one, 0);`,
  'for (let n = 0; n < b.length; n += read(b, n));',
  'require("vm").runInThisContext(b.toString(), { filename: "flambeau-agent.cjs" })',
].join(' ')

/** The agent as it is sent. */
export interface AgentSource {
  /** Everything that is written to the launcher. */
  readonly input: Buffer
  /** How many bytes at its end are the agent. */
  readonly size: number
}

let agent: Promise<AgentSource> | undefined

/** Reads the agent that was built with this package. */
export function readAgentSource(): Promise<AgentSource> {
  agent ??= readFile(join(packageRoot(), 'dist/cluster/agent.cjs')).then((program) => ({
    input: Buffer.concat([Buffer.from(`${preamble}\n`), program]),
    size: program.length + 1,
  }))
  return agent
}

/** The command that starts the agent on a host; the last `size` bytes of its input are the agent. */
export function launchCommand({ size }: AgentSource, node = 'node'): string[] {
  return ['sh', '-c', findNode, node, readAgent, String(size)]
}
