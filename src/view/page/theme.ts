import { useEffect, useState } from 'preact/hooks'

/** The colours of the page, for what is drawn on a canvas. */
export interface Theme {
  readonly isDark: boolean
  readonly text: string
  readonly muted: string
  readonly line: string
  readonly accent: string
  readonly second: string
  readonly background: string
  readonly font: string
}

const dark = matchMedia('(prefers-color-scheme: dark)')

/** The colours as the reader has them, light or dark. */
export function useTheme(): Theme {
  const [theme, setTheme] = useState(readTheme)
  useEffect(() => {
    const update = (): void => setTheme(readTheme())
    dark.addEventListener('change', update)
    return () => dark.removeEventListener('change', update)
  }, [])
  return theme
}

function readTheme(): Theme {
  const styles = getComputedStyle(document.documentElement)
  const colour = (name: string): string => styles.getPropertyValue(`--${name}`).trim()
  return {
    isDark: dark.matches,
    text: colour('text'),
    muted: colour('muted'),
    line: colour('line'),
    accent: colour('accent'),
    second: colour('second'),
    background: colour('background'),
    font: styles.fontFamily || 'system-ui, sans-serif',
  }
}
