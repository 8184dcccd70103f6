import type { ComponentChildren } from 'preact'
import { useMemo, useState } from 'preact/hooks'

/** A column of a table. */
export interface Column<Row> {
  readonly key: string
  readonly label: string
  /** What is sorted by, and shown unless there is `cell`. */
  readonly value: (row: Row) => string | number | undefined
  readonly cell?: (row: Row) => ComponentChildren
}

export interface TableProps<Row> {
  /** What the table contains. */
  readonly caption: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string
  /** How it is sorted before a reader sorts it: the rows as they are when absent. */
  readonly pageSize?: number
  /** Whether it has a field that filters. */
  readonly hasFilter?: boolean
  readonly controls?: ComponentChildren
  readonly selected?: ReadonlySet<string>
  readonly onSelect?: (key: string) => void
}

interface Sorting {
  readonly key: string
  readonly isDescending: boolean
}

/** A table that sorts, filters and has pages. */
export function Table<Row>(props: TableProps<Row>) {
  const {
    caption,
    columns,
    rows,
    keyOf,
    pageSize = 25,
    hasFilter = true,
    controls,
    selected,
    onSelect,
  } = props
  const [sorting, setSorting] = useState<Sorting>()
  const [filter, setFilter] = useState('')
  const [page, setPage] = useState(0)
  const texts = useMemo(() => rows.map((row) => textOf(row, columns)), [rows, columns])
  const shown = useMemo(() => {
    const words = filter.toLowerCase().split(/\s+/).filter(Boolean)
    const kept =
      words.length === 0
        ? rows
        : rows.filter((_, index) => words.every((word) => texts[index]!.includes(word)))
    const column = columns.find(({ key }) => key === sorting?.key)
    return sorting && column ? sorted(kept, column, sorting.isDescending) : kept
  }, [rows, texts, columns, filter, sorting])
  const pages = Math.max(1, Math.ceil(shown.length / pageSize))
  const current = Math.min(page, pages - 1)
  const visible = shown.slice(current * pageSize, (current + 1) * pageSize)
  const sort = (key: string): void => {
    setPage(0)
    setSorting({ key, isDescending: sorting?.key === key ? !sorting.isDescending : false })
  }
  return (
    <div class="table">
      {(hasFilter || controls) && (
        <div class="controls">
          {hasFilter && (
            <label>
              Filter
              <input
                type="search"
                value={filter}
                onInput={(event) => {
                  setPage(0)
                  setFilter(event.currentTarget.value)
                }}
              />
            </label>
          )}
          {controls}
          <output class="count">{countText(shown.length, rows.length)}</output>
        </div>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard */}
      <section class="scroll" aria-label={caption} tabIndex={0}>
        <table>
          <caption class="hidden">{caption}</caption>
          <thead>
            <tr>
              {onSelect && (
                <th scope="col">
                  <span class="hidden">Chosen</span>
                </th>
              )}
              {columns.map(({ key, label, value }) => (
                <th
                  key={key}
                  scope="col"
                  class={isNumeric(visible, value) ? 'number' : undefined}
                  aria-sort={sortingOf(key, sorting)}
                >
                  <button type="button" onClick={() => sort(key)}>
                    {label}
                    <span class="arrow" aria-hidden="true">
                      {sorting?.key === key ? (sorting.isDescending ? '▼' : '▲') : ''}
                    </span>
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {visible.map((row) => (
              <tr key={keyOf(row)} class={selected?.has(keyOf(row)) ? 'selected' : undefined}>
                {onSelect && (
                  <td>
                    <input
                      type="checkbox"
                      checked={selected?.has(keyOf(row)) ?? false}
                      aria-label={`Choose ${keyOf(row)}`}
                      onChange={() => onSelect(keyOf(row))}
                    />
                  </td>
                )}
                {columns.map((column) => (
                  <td key={column.key} class={typeof column.value(row) === 'number' ? 'number' : undefined}>
                    {column.cell ? column.cell(row) : column.value(row)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {pages > 1 && (
        <nav class="pages" aria-label={`Pages of ${caption}`}>
          <button type="button" disabled={current === 0} onClick={() => setPage(current - 1)}>
            Previous
          </button>
          <span>{`Page ${current + 1} of ${pages}`}</span>
          <button type="button" disabled={current === pages - 1} onClick={() => setPage(current + 1)}>
            Next
          </button>
        </nav>
      )}
    </div>
  )
}

function isNumeric<Row>(rows: readonly Row[], value: Column<Row>['value']): boolean {
  return rows.some((row) => typeof value(row) === 'number')
}

function countText(shown: number, all: number): string {
  return shown === all ? `${all}` : `${shown} of ${all}`
}

function sortingOf(key: string, sorting: Sorting | undefined): 'none' | 'ascending' | 'descending' {
  if (sorting?.key !== key) return 'none'
  return sorting.isDescending ? 'descending' : 'ascending'
}

function textOf<Row>(row: Row, columns: readonly Column<Row>[]): string {
  return columns
    .map(({ value }) => value(row) ?? '')
    .join(' ')
    .toLowerCase()
}

// Rows without a value come last, whichever way it is sorted.
function sorted<Row>(rows: readonly Row[], { value }: Column<Row>, isDescending: boolean): Row[] {
  const sign = isDescending ? -1 : 1
  return rows
    .map((row) => ({ row, key: value(row) }))
    .sort((a, b) => {
      if (a.key === undefined || b.key === undefined)
        return Number(a.key === undefined) - Number(b.key === undefined)
      if (typeof a.key === 'number' && typeof b.key === 'number') return sign * (a.key - b.key)
      return sign * String(a.key).localeCompare(String(b.key), undefined, { numeric: true })
    })
    .map(({ row }) => row)
}
