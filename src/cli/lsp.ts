import { Command, Option } from 'commander'
import { withExamples } from './help.js'

/** `flambeau lsp`. */
export function lspCommand(): Command {
  const command = new Command('lsp')
    .description('serve an editor, in the Language Server Protocol on standard input and output')
    .addOption(new Option('--stdio', 'the same; editors that start language servers may pass it'))
  return withExamples(command, 'flambeau lsp').action(async () => {
    const { serve } = await import('../language-server/server.js')
    serve()
  })
}
