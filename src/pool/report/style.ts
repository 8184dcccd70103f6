/** The style of a page: one column, wide tables that scroll by themselves, light or dark as its reader has it. */
export const style = `
:root { color-scheme: light dark; --line: #ccc; --soft: #f4f1ee; }
@media (prefers-color-scheme: dark) { :root { --line: #555; --soft: #2a2724; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; overflow-wrap: anywhere; }
.best { background: var(--soft); border-left: 4px solid currentColor; padding: .75rem 1rem; overflow-wrap: anywhere; }
.best strong { font-size: 1.4rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
tbody tr:first-child td { font-weight: bold; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--soft); padding: .5rem .75rem; margin: .25rem 0 1rem; }
.chart { width: 100%; min-height: 260px; }
.u-legend { font-size: .85rem; }
`
