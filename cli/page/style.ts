/** The page's whole style: system fonts, light and dark, from a phone's width on; nothing is fetched. */
export const STYLE = `
:root { color-scheme: light dark; --bg: #fbfbfa; --card: #ffffff; --text: #1d2125; --soft: #5c6670; --line: #dfe3e6;
  --good: #1a7f4b; --warn: #9a6700; --bad: #b42318; --info: #1f5f99; --good-fill: #56b584; --bad-fill: #e5695e;
  --warn-fill: #d9a42b; --idle-fill: #b9c2ca; --accent: #3574b5; --code: #f1f3f5; }
@media (prefers-color-scheme: dark) { :root { --bg: #14171a; --card: #1c2024; --text: #e6e9ec; --soft: #9aa5af;
  --line: #31373d; --good: #5fd39a; --warn: #e3b341; --bad: #ff8b80; --info: #7db8f0; --good-fill: #2f8f5e;
  --bad-fill: #c04a40; --warn-fill: #a37a1b; --idle-fill: #4a535b; --accent: #6ea8e0; --code: #262b30; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 70rem; margin: 0 auto; padding: 1.25rem 1rem 3rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .2rem 0 .4rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .6rem; }
p { margin: .3rem 0; }
.soft { color: var(--soft); font-size: .9rem; overflow-wrap: anywhere; }
.verdict { border-left: .4rem solid var(--idle-fill); padding-left: 1rem; margin: 1rem 0; }
.verdict.good { border-color: var(--good-fill); } .verdict.warn { border-color: var(--warn-fill); }
.verdict.bad { border-color: var(--bad-fill); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: .6rem; margin: 1rem 0; }
.figure { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .5rem .75rem; }
.figure b { display: block; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
.finding { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem; margin: .6rem 0; }
.finding h3 { font-size: 1rem; margin: 0 0 .3rem; overflow-wrap: anywhere; }
.tag { display: inline-block; font-size: .75rem; font-weight: 600; letter-spacing: .03em; text-transform: uppercase; margin-right: .5rem; }
.error .tag { color: var(--bad); } .warning .tag { color: var(--warn); } .info .tag { color: var(--info); }
code, pre { font-family: ui-monospace, monospace; font-size: .85rem; }
code { overflow-wrap: anywhere; }
pre { background: var(--code); padding: .5rem .7rem; border-radius: .35rem; margin: .3rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
ol { padding-left: 1.4rem; } li { margin: .3rem 0; }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem; }
figure + figure { margin-top: .75rem; }
figcaption { color: var(--soft); font-size: .85rem; margin-bottom: .4rem; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }
.scroll { overflow-x: auto; } .scroll svg { min-width: 48rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: .35rem .6rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td { overflow-wrap: anywhere; } .state.good { color: var(--good); } .state.warn { color: var(--warn); } .state.bad { color: var(--bad); }
th.number:first-child { width: 1%; } td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
@media (max-width: 40rem) { .wide { display: none; } }
details { margin: .4rem 0; } summary { cursor: pointer; color: var(--soft); }
.legend span { margin-right: 1rem; white-space: nowrap; } .legend i { display: inline-block; width: .8rem; height: .8rem; border-radius: .2rem; margin-right: .3rem; vertical-align: -.05rem; }
`;
