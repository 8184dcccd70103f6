import { completeName } from '../commands.js'

/** A shell that {@link scriptOf} has a script for. */
export type Shell = 'bash' | 'zsh' | 'fish'

export const shells: readonly Shell[] = ['bash', 'zsh', 'fish']

/** The script that makes a shell complete the words of this command line. */
export function scriptOf(shell: Shell): string {
  return scripts[shell]
}

// The program is called by the word that was typed: a path, or a function that calls npx.
const scripts: Readonly<Record<Shell, string>> = {
  bash: `# bash completion of flambeau
_flambeau() {
  local candidate
  COMPREPLY=()
  while IFS= read -r candidate; do
    COMPREPLY+=("$candidate")
  done < <("\${COMP_WORDS[0]/#\\~/$HOME}" ${completeName} bash "$COMP_LINE" "$COMP_POINT" "$COMP_WORDBREAKS" 2>/dev/null </dev/null)
  if [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *[=/.] ]]; then
    compopt -o nospace 2>/dev/null
  fi
}
complete -F _flambeau flambeau
`,
  zsh: `#compdef flambeau
# zsh completion of flambeau
_flambeau() {
  local line value shown
  local -a open openShown closed closedShown
  for line in "\${(@f)$("\${(@Q)~words[1]}" ${completeName} zsh "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null </dev/null)}"; do
    [[ -n $line ]] || continue
    value=\${line%%$'\\t'*}
    shown=\${line/$'\\t'/  -- }
    if [[ $value == *[=/.] ]]; then
      open+=("$value") openShown+=("$shown")
    else
      closed+=("$value") closedShown+=("$shown")
    fi
  done
  (( $#open )) && compadd -S '' -d openShown -a open
  (( $#closed )) && compadd -d closedShown -a closed
}
if [[ "\${funcstack[1]}" == _flambeau ]]; then
  _flambeau "$@"
elif (( $+functions[compdef] )); then
  compdef _flambeau flambeau
fi
`,
  fish: `# fish completion of flambeau
function __flambeau_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l plain (string unescape -- $current)
    or set plain (string replace -r '^[\\'"]' '' -- $current)
    $words[1] ${completeName} fish $words[2..-1] "$plain" 2>/dev/null </dev/null
end
complete -c flambeau -f -k -a '(__flambeau_complete)'
`,
}
