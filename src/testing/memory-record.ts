/** What was done to a `MemoryHost`: a program ran, files were sent, a runnable was started. */
export type MemoryRecord =
  | { readonly kind: 'ran'; readonly argv: readonly string[] }
  | { readonly kind: 'sent'; readonly path: string; readonly files: readonly string[] }
  | { readonly kind: 'started'; readonly id: string; readonly yaml: string }
