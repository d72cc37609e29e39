//===- Style.cpp - How the pages look --------------------------------------------===//

#include "codegen/doc/Pages.h"

namespace gradus::doc {

llvm::StringRef getStyle() {
  return R"(:root {
  --paper: #ffffff; --ink: #1b1f24; --soft: #5b6470; --line: #d9dee4; --shade: #f5f7f9; --link: #0b57a4;
  --word: #8a3ffc; --unit: #a2191f; --number: #00665e; --argument: #9a5700; --role: #0043ce; --comment: #6a737d; --text: #19692c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --ink: #e3e7ea; --soft: #9aa4ae; --line: #343b42; --shade: #1d2226; --link: #79b8ff;
    --word: #c4a5ff; --unit: #ff9aa0; --number: #5fd4c4; --argument: #f0b96b; --role: #8fb8ff; --comment: #8a949e; --text: #7fd18c;
  }
}
* { box-sizing: border-box; }
html { color-scheme: light dark; scroll-padding-top: 1rem; -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 64rem; padding: 1rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
a { color: var(--link); text-decoration: none; }
a:hover, a:focus { text-decoration: underline; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 1rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.35rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin: 1.25rem 0 .4rem; }
section { margin: 2rem 0; padding-top: 1.25rem; border-top: 1px solid var(--line); }
section.test { margin: 1rem 0; border: 0; padding: 0; }
.kind { color: var(--soft); font-weight: 400; }
.note, .links { color: var(--soft); font-size: .92rem; }
nav.way { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; justify-content: space-between; font-size: .92rem; color: var(--soft); }
nav.way span + span a + a { margin-left: 1.25rem; }
nav.here ul { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; list-style: none; margin: 0; padding: 0; }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .88em; }
pre { background: var(--shade); border: 1px solid var(--line); border-radius: 6px; padding: .7rem .9rem; margin: .6rem 0; overflow-x: auto; line-height: 1.5; }
pre.said { background: none; border: 0; border-left: 3px solid var(--line); border-radius: 0; white-space: pre-wrap; }
pre code { font-size: 1em; }
.wide { overflow-x: auto; margin: .8rem 0; }
math { font-family: "Latin Modern Math", "STIX Two Math", "Cambria Math", "Noto Sans Math", "DejaVu Math TeX Gyre", math, serif; font-size: 1.1em; }
mtable.cases mtd { text-align: left; padding-right: 1em; }
table { border-collapse: collapse; }
table.formulas { margin: 0; }
table.formulas td { padding: .3rem 0; vertical-align: baseline; white-space: nowrap; }
table.formulas td.left { text-align: right; padding-right: .15em; }
table.formulas td.at { padding-left: 1.5rem; font-size: .8rem; }
table.formulas td.at a { color: var(--soft); }
table.formulas td.d1 { padding-left: 1.8em; } table.formulas td.d2 { padding-left: 3.6em; } table.formulas td.d3 { padding-left: 5.4em; }
table.formulas td.d4 { padding-left: 7.2em; } table.formulas td.d5 { padding-left: 9em; } table.formulas td.d6 { padding-left: 10.8em; }
table.about, table.list { width: 100%; font-size: .94rem; }
table.about th, table.about td, table.list th, table.list td { text-align: left; vertical-align: top; padding: .35rem .9rem .35rem 0; border-bottom: 1px solid var(--line); }
table.about thead th { color: var(--soft); font-weight: 400; }
table.about tbody th, table.list th { font-weight: 500; white-space: nowrap; }
table.about td:not([data-label="meaning"]), table.about td code { white-space: nowrap; }
table.about th math { color: var(--soft); margin-left: .4em; }
details { margin: .6rem 0; }
summary { cursor: pointer; color: var(--soft); }
.source .no { display: inline-block; width: 2.2em; margin-right: 1em; text-align: right; color: var(--comment); user-select: none; }
.source .line:target { background: var(--line); }
.k { color: var(--word); } .u { color: var(--unit); font-weight: 600; } .n { color: var(--number); } .a { color: var(--argument); }
.r { color: var(--role); } .c { color: var(--comment); font-style: italic; } .s { color: var(--text); }
dl.names { display: grid; grid-template-columns: 2rem 1fr; gap: .3rem .5rem; }
dl.names dt { color: var(--soft); } dl.names dd { margin: 0; } dl.names a { display: inline-block; margin-right: .8rem; }
@media (max-width: 40rem) {
  body { padding: .75rem .85rem 3rem; }
  h1 { font-size: 1.5rem; }
  table.about thead { display: none; }
  table.about tr, table.list tr { display: block; border-bottom: 1px solid var(--line); padding: .4rem 0; }
  table.about th, table.about td, table.list th, table.list td { display: block; border: 0; padding: .1rem 0; overflow-wrap: anywhere; }
  table.about td::before { content: attr(data-label) ": "; color: var(--soft); }
  table.list td.kind { display: inline-block; }
  table.formulas td.at, table.about td.none { display: none; }
}
)";
}

} // namespace gradus::doc
