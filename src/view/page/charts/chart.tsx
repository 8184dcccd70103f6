import { BarChart, LineChart, ParallelChart, ScatterChart } from 'echarts/charts'
import { AxisPointerComponent, GridComponent, ParallelComponent, TooltipComponent } from 'echarts/components'
import * as echarts from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import { useEffect, useRef, useState } from 'preact/hooks'
import { type Theme, useTheme } from '../theme.js'

echarts.use([
  AxisPointerComponent,
  BarChart,
  CanvasRenderer,
  GridComponent,
  LineChart,
  ParallelChart,
  ParallelComponent,
  ScatterChart,
  TooltipComponent,
])

/** What ECharts draws. */
export type ChartOption = Record<string, unknown>

export interface ChartProps {
  readonly title: string
  /** What the chart shows, in words. */
  readonly summary: string
  readonly height?: number
  /** The option of ECharts, for the colours of the page and the width of the chart in pixels. */
  readonly option: (theme: Theme, width: number) => ChartOption
  /** Takes the trial of a point that is clicked. */
  readonly onSelect?: ((trial: string) => void) | undefined
  /** Takes the positions of the lines that the brushes of a parallel chart leave; nothing without brushes. */
  readonly onBrush?: ((positions: readonly number[] | undefined) => void) | undefined
}

/** One chart with its title and its summary. */
export function Chart(props: ChartProps) {
  const { title, summary, height = 280 } = props
  const element = useRef<HTMLDivElement>(null)
  const chart = useDrawnChart(element, props)
  useEffect(() => {
    // For tests, and for whoever wants to save a picture.
    if (element.current && chart) (element.current as { chart?: unknown }).chart = chart
  }, [chart])
  return (
    <figure class="chart">
      <figcaption>
        <h3>{title}</h3>
        <p>{summary}</p>
      </figcaption>
      <div
        ref={element}
        class="canvas"
        style={{ height: `${height}px` }}
        role="img"
        aria-label={`${title}. ${summary}`}
        data-chart={title}
      />
    </figure>
  )
}

function useDrawnChart(
  element: { current: HTMLDivElement | null },
  props: ChartProps,
): echarts.ECharts | undefined {
  const theme = useTheme()
  const [chart, setChart] = useState<echarts.ECharts>()
  const [width, setWidth] = useState(0)
  const handlers = useRef(props)
  handlers.current = props
  useEffect(() => {
    const made = echarts.init(element.current!, undefined, { renderer: 'canvas' })
    made.on('click', (event) => {
      const trial = trialOf(event)
      if (trial !== undefined) handlers.current.onSelect?.(trial)
    })
    made.on('axisareaselected', () => handlers.current.onBrush?.(brushed(made)))
    const observer = new ResizeObserver(() => {
      made.resize()
      setWidth(made.getWidth())
    })
    observer.observe(element.current!)
    setChart(made)
    setWidth(made.getWidth())
    return () => {
      observer.disconnect()
      made.dispose()
    }
  }, [])
  useEffect(() => {
    if (!chart || width === 0) return
    const option = { animation: false, backgroundColor: 'transparent', ...props.option(theme, width) }
    chart.setOption(option, { replaceMerge: ['series'] })
  }, [chart, theme, width, props.option])
  return chart
}

// Each point has the trial as its name, or as the name of its series.
function trialOf({
  data,
  name,
  seriesName,
}: {
  data?: unknown
  name?: string
  seriesName?: string
}): string | undefined {
  const trial = (data as { trial?: unknown } | undefined)?.trial
  if (typeof trial === 'string') return trial
  const match = /^trial (\S+)$/.exec(seriesName ?? '') ?? /^trial (\S+)$/.exec(name ?? '')
  return match?.[1]
}

interface ParallelModel {
  getModel(): {
    getSeries(): { getRawIndicesByActiveState?(state: string): number[]; getData(): { count(): number } }[]
  }
}

function brushed(chart: unknown): readonly number[] | undefined {
  const [series] = (chart as ParallelModel).getModel().getSeries()
  const positions = series?.getRawIndicesByActiveState?.('active') ?? []
  const inactive = series?.getRawIndicesByActiveState?.('inactive') ?? []
  return inactive.length === 0 && positions.length === 0 ? undefined : positions
}
