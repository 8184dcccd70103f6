// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the shell's
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packageRoot } from '../../util/paths.js'

/** What the launcher says when there is no Node, or only such as are older than this package takes, which follow. */
export const noNodeMark = 'flambeau-no-node'
export const oldNodeMark = 'flambeau-old-node:'
/** What is said when a startup file of the login shell starts another shell, which reads what is meant for the agent. */
export const shellReplacedMark = 'flambeau-shell-replaced'

/** Runs `$1` when it is 20.19 or newer, and remembers it when it is older; `-v` costs a quarter of starting a program. */
const tryNode = [
  't() { v=$("$1" -v 2>/dev/null </dev/null); case "$v" in',
  'v20.19.*|v20.[2-9][0-9].*|v2[1-9].*|v[3-9][0-9].*|v[1-9][0-9][0-9].*) return 0;;',
  'v*) case "$old" in *" $1 is "*) ;; *) old="$old $1 is $v,";; esac;; esac; return 1; };',
  'u() { exec "$1" -e "$a" "$b"; };',
  `f() { if [ -n "$old" ]; then echo "${oldNodeMark}\${old%,}" >&2; exit 1; fi;`,
  `echo ${noNodeMark} >&2; exit 127; };`,
].join(' ')

/** The one that the user names, and no other. */
const namedNode = [
  'case "$0" in node) ;; *) n=$0; case "$n" in "~/"*) n=$HOME/${n#??};; esac;',
  't "$n" && u "$n"; f;; esac;',
].join(' ')

/** A shell for commands often lacks what a login adds to PATH. */
const nodeOfLogin = [
  'n=$(command -v node); t "$n" && u "$n";',
  'for s in "${SHELL:-sh}" sh; do',
  'n=$("$s" -lc "echo; command -v node" </dev/null 2>/dev/null | tail -n 1);',
  't "$n" && u "$n"; done;',
].join(' ')

/** Where tools put Node that only an interactive shell knows of; of several versions the highest is taken. */
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
 * Finds Node and hands over to it. A login shell of any kind reads this the same way: there is no single quote, no
 * backslash and no exclamation mark in it.
 */
const findNode = `a=$1; b=$2; old=; ${tryNode} ${namedNode} ${nodeOfLogin} ${highestNode}`

const agentMark = '#flambeau-agent'

/**
 * What stands before the agent: lines for startup files that ask something, and one for a shell that a startup file
 * starts instead, which would take the agent for commands.
 */
const preamble = `${'\n'.repeat(8)}echo ${shellReplacedMark}; exit 97 ${agentMark}`

// Reads the agent from standard input, just its own bytes: questions come after it.
const readAgent = [
  'const fs = require("fs"), b = Buffer.alloc(Number(process.argv[1]));',
  'const read = (b, n) => { for (;;) try { const m = fs.readSync(0, b, n, b.length - n, null); if (m === 0) process.exit(1); return m }',
  'catch (e) { if (e.code === "EOF") process.exit(1); if (e.code === "EAGAIN") continue; throw e } };',
  'const one = Buffer.alloc(1);',
  `for (let line = ""; line.endsWith("${agentMark}") === false; line = one[0] === 10 ? "" : line + one.toString("latin1")) read(one, 0);`,
  'for (let n = 0; n < b.length; n += read(b, n));',
  'require("vm").runInThisContext(b.toString(), { filename: "flambeau-agent.cjs" })',
].join(' ')

/** The program that answers questions on a host, as it is sent. */
export interface AgentSource {
  /** All that is written to the launcher. */
  readonly input: Buffer
  /** How many bytes of that, at its end, are the program. */
  readonly size: number
}

let agent: Promise<AgentSource> | undefined

/** The program that answers questions on a host, as it was built. */
export function readAgentSource(): Promise<AgentSource> {
  agent ??= readFile(join(packageRoot(), 'dist/cluster/agent.cjs')).then((program) => ({
    input: Buffer.concat([Buffer.from(`${preamble}\n`), program]),
    size: program.length + 1,
  }))
  return agent
}

/** The command that starts the agent on a host, whose last `size` bytes of input are the agent. */
export function launchCommand({ size }: AgentSource, node = 'node'): string[] {
  return ['sh', '-c', findNode, node, readAgent, String(size)]
}
