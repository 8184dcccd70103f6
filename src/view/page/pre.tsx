import { useLayoutEffect, useRef } from 'preact/hooks'

export interface PreProps {
  readonly label: string
  readonly text: string
  readonly isError?: boolean
  /** Whether it stays at its end while it grows, unless the reader has scrolled away from there. */
  readonly follows?: boolean
}

/** A long text that scrolls by itself. */
export function Pre({ label, text, isError = false, follows = false }: PreProps) {
  const box = useRef<HTMLElement>(null)
  const isAtEnd = useRef(true)
  useLayoutEffect(() => {
    if (follows && isAtEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight
  }, [text, follows])
  const remember = (): void => {
    const { scrollTop, scrollHeight, clientHeight } = box.current!
    isAtEnd.current = scrollHeight - scrollTop - clientHeight < 40
  }
  return (
    <section
      ref={box}
      class={isError ? 'text error' : 'text'}
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard
      tabIndex={0}
      onScroll={follows ? remember : undefined}
    >
      <pre>{text}</pre>
    </section>
  )
}
