import { render } from 'preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import './page.css'
import { formatTime } from '../../records/format.js'
import { RunList } from './run-list.js'
import { RunPage } from './run-page.js'
import { embedded, readReport, useRun } from './source.js'

function App() {
  return (
    <>
      <header>
        <a class="brand" href={embedded.live ? '#/' : '#'}>
          flambeau
        </a>
        <span>{embedded.live ? 'live' : `report of ${formatTime(embedded.writtenAt)}`}</span>
      </header>
      {embedded.live ? <Live /> : <Report />}
    </>
  )
}

function Live() {
  const id = useRoute()
  return id === undefined ? <RunList /> : <LiveRun key={id} id={id} />
}

/** The id of the run that the address names. */
function useRoute(): string | undefined {
  const [hash, setHash] = useState(location.hash)
  useEffect(() => {
    const update = (): void => {
      setHash(location.hash)
      scrollTo(0, 0)
    }
    addEventListener('hashchange', update)
    return () => removeEventListener('hashchange', update)
  }, [])
  const [, id] = /^#\/runs\/(.+)$/.exec(hash) ?? []
  try {
    return id === undefined ? undefined : decodeURIComponent(id)
  } catch {
    return id
  }
}

function LiveRun({ id }: { id: string }) {
  const { value: run, error } = useRun(id)
  useEffect(() => {
    if (run) document.title = `${run.detail.file} - flambeau`
  }, [run])
  return (
    <>
      <nav class="back">
        <a href="#/">All runs</a>
      </nav>
      {error && (
        <p class="notice" role="alert">
          {error}
        </p>
      )}
      {run ? <RunPage run={run} /> : !error && <p class="empty">Reading the run …</p>}
    </>
  )
}

function Report() {
  const run = useMemo(() => readReport(embedded as typeof embedded & { live: false }), [])
  return <RunPage run={run} />
}

render(<App />, document.getElementById('app')!)
