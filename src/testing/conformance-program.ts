import type { MemoryProgram } from './memory-host.js'

/** The program that {@link hostConformance} runs on a host, as a shell script: its first argument says what to do. */
export const conformanceScript = `#!/bin/sh
what=$1
shift
case $what in
  exit) exit "$1" ;;
  signal) kill -s "$1" $$; sleep 30 ;;
  print) printf '%s' "$1"; printf '%s' "$2" >&2 ;;
  arguments) for each; do printf '%s\\000' "$each"; done ;;
  cat) exec cat ;;
  folder) pwd -P ;;
  environment) eval "printf '%s' \\"\\$$1\\"" ;;
  sleep) exec sleep 60 ;;
esac
`

/** The same program for a {@link MemoryHost}. */
export const conformanceProgram: MemoryProgram = async (call) => {
  const [what = '', ...args] = call.args
  return (await acts[what]?.(call, args)) ?? 0
}

type Act = (
  call: Parameters<MemoryProgram>[0],
  args: readonly string[],
) => Promise<number | string | undefined>

const acts: Readonly<Record<string, Act>> = {
  exit: async (_, [code]) => Number(code),
  signal: async (_, [name]) => `SIG${name}`,
  print: async ({ print, printError }, [out = '', error = '']) => {
    await print(out)
    await printError(error)
    return 0
  },
  arguments: async ({ print }, args) => {
    for (const each of args) await print(`${each}\0`)
    return 0
  },
  cat: async ({ print, input }) => {
    await print(input)
    return 0
  },
  folder: async ({ print, cwd }) => {
    await print(`${cwd}\n`)
    return 0
  },
  environment: async ({ print, env }, [name = '']) => {
    await print(env[name] ?? '')
    return 0
  },
  sleep: () => new Promise(() => undefined),
}
