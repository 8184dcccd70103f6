/** A long text that scrolls by itself. */
export function Pre({ label, text, isError = false }: { label: string; text: string; isError?: boolean }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard
    <section class={isError ? 'text error' : 'text'} aria-label={label} tabIndex={0}>
      <pre>{text}</pre>
    </section>
  )
}
