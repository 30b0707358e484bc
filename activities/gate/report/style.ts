import { trusted } from './markup.ts';

/** The page's only style: system fonts, both colour schemes, one column on paper and in narrow windows; no address is in it. */
export const reportStyle = trusted(`
:root { color-scheme: light dark; --text: #1c2024; --soft: #5b6470; --line: #d5d9df; --back: #ffffff; --shade: #f4f6f8;
  --pass: #1a7f4b; --warn: #8a6100; --quarantine: #a04f00; --block: #c0262d; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e9ed; --soft: #a2abb8; --line: #3a424d; --back: #14181d; --shade: #1e242b;
  --pass: #58c98e; --warn: #e0b345; --quarantine: #f09a4f; --block: #ff7b7f; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 68rem; font: 15px/1.5 system-ui, sans-serif; color: var(--text);
  background: var(--back); }
h1 { font-size: 1.5rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
h3 { font-size: .95rem; margin: 0; overflow-wrap: anywhere; }
p { margin: .25rem 0 .75rem; }
.decision { border-left: .4rem solid var(--soft); padding: .5rem .9rem; background: var(--shade); }
.decision strong { font-size: 1.15rem; }
.pass { border-color: var(--pass); } .pass strong { color: var(--pass); }
.warn { border-color: var(--warn); } .warn strong { color: var(--warn); }
.quarantine { border-color: var(--quarantine); } .quarantine strong { color: var(--quarantine); }
.block { border-color: var(--block); } .block strong { color: var(--block); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .75rem 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
caption { text-align: left; color: var(--soft); padding: .25rem 0; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid var(--line);
  overflow-wrap: anywhere; min-width: 6.5rem; }
td.number, th.number { min-width: 4.5rem; overflow-wrap: normal; }
td.number { white-space: nowrap; }
th { font-weight: 600; } thead th { border-bottom: 2px solid var(--line); overflow-wrap: normal; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
code, .samples { font: .8125rem/1.45 ui-monospace, monospace; }
code { overflow-wrap: normal; }
.samples { margin: 0; padding: 0 0 0 1.2rem; overflow-wrap: anywhere; }
.columns { display: grid; grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr)); gap: 1rem; align-items: start; }
figure { margin: 0; padding: .75rem; border: 1px solid var(--line); border-radius: .4rem; break-inside: avoid; }
figure.found { border: 2px solid var(--block); }
figure svg { display: block; width: 100%; height: auto; margin: .4rem 0; overflow: visible; }
svg text { white-space: pre; }
figcaption, .soft { color: var(--soft); font-size: .8125rem; overflow-wrap: anywhere; }
.key { display: inline-block; width: 1.1em; height: .7em; margin-right: .3em; print-color-adjust: exact; }
.key.before { background: #a3a8b0; } .key.now { background: #2f74d0; }
@media print { body { max-width: none; padding: 0; font-size: 11px; } .wide { overflow: visible; }
  table { font-size: 9px; } th, td { min-width: 3.2rem; padding: .2rem .35rem; } td.number, th.number { min-width: 0; }
  code, .samples { font-size: 8px; } h2, thead, .decision { break-after: avoid; } tr { break-inside: avoid; } svg { print-color-adjust: exact; } .columns { grid-template-columns: 1fr 1fr; } }
`);
