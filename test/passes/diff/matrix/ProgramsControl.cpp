//===- ProgramsControl.cpp - Matrices, regions, and what is refused -------------===//

#include "Programs.h"

namespace gradus::matrix {

static Program solve(const std::string &kind, bool isTransposed, Domain domain) {
  return {"solve_" + kind + (isTransposed ? "_transposed" : ""),
          {{"a", "[n, n]", domain}, {"b", "[n, c]"}},
          {"[n, c]"},
          "%y, %ok = gradus.solve " + kind + " %a, %b" + (isTransposed ? " transposed" : "") + " : $[n, n], $[n, c], $b[]"};
}

void addMatrices(std::vector<Program> &programs) {
  for (const char *kind : {"general", "lower", "upper", "positive"})
    for (bool isTransposed : {false, true})
      programs.push_back(solve(kind, isTransposed, std::string(kind) == "positive" ? Domain::Definite : Domain::Square));
  const std::string eigh = "%e, %q, %ok = gradus.eigh %a : $[n, n], $[n], $b[]\n", same = " : $[n] to $[n]", sameMatrix = " : $[n, n] to $[n, n]";
  const std::string qr = "%y0, %y1 = gradus.qr %x : ", svd = "%y0, %y1, %y2, %ok = gradus.svd %x : ";
  programs.insert(
      programs.end(),
      {{"cholesky", {{"a", "[n, n]", Domain::Definite}}, {"[n, n]"}, "%y, %ok = gradus.cholesky %a : $[n, n], $b[]"},
       {"cholesky_batched", {{"a", "[2, 2, 2]", Domain::Definite}}, {"[2, 2, 2]"}, "%y, %ok = gradus.cholesky %a : $[2, 2, 2], $b[2]"},
       {"eigh", {{"a", "[n, n]", Domain::Definite}}, {"[n]", "[n, n]"}, "%y0, %y1, %ok = gradus.eigh %a : $[n, n], $[n], $b[]"},
       {"eigh_values", {{"a", "[n, n]", Domain::Square}}, {"[n]"}, eigh + "%y = gradus.reshape %e" + same},
       {"eigh_vectors", {{"a", "[n, n]", Domain::Square}}, {"[n, n]"}, eigh + "%y = gradus.reshape %q" + sameMatrix},
       {"logdet", {{"a", "[n, n]", Domain::Square}}, {"[]", "[]"}, "%y0, %y1 = gradus.logdet %a : $[n, n], $[]"},
       {"logdet_batched", {{"a", "[2, 2, 2]", Domain::Square}}, {"[2]"}, "%y, %s = gradus.logdet %a : $[2, 2, 2], $[2]"},
       {"qr", {{"x", "[n, c]", Domain::Square}}, {"[n, \"min(c, n)\"]", "[\"min(c, n)\", c]"}, qr + "$[n, c] -> $[n, \"min(c, n)\"], $[\"min(c, n)\", c]"},
       {"qr_square", {{"x", "[c, c]", Domain::Square}}, {"[c, c]", "[c, c]"}, qr + "$[c, c] -> $[c, c], $[c, c]"},
       {"qr_wide", {{"x", "[c, n]", Domain::Square}}, {"[c, \"min(c, n)\"]", "[\"min(c, n)\", n]"}, qr + "$[c, n] -> $[c, \"min(c, n)\"], $[\"min(c, n)\", n]"},
       {"svd", {{"x", "[n, c]", Domain::Square}}, {"[n, \"min(c, n)\"]", "[\"min(c, n)\"]", "[c, \"min(c, n)\"]"},
        svd + "$[n, c] -> $[n, \"min(c, n)\"], $[\"min(c, n)\"], $[c, \"min(c, n)\"], $b[]"},
       {"svd_square", {{"x", "[c, c]", Domain::Square}}, {"[c, c]", "[c]", "[c, c]"}, svd + "$[c, c] -> $[c, c], $[c], $[c, c], $b[]"},
       {"svd_wide", {{"x", "[c, n]", Domain::Square}}, {"[c, \"min(c, n)\"]", "[\"min(c, n)\"]", "[n, \"min(c, n)\"]"},
        svd + "$[c, n] -> $[c, \"min(c, n)\"], $[\"min(c, n)\"], $[n, \"min(c, n)\"], $b[]"}});
}

/// sin, with its derivative given.
static const std::string custom = R"(
%y = gradus.custom (%x) : ($[n]) -> ($[n]) {
^bb0(%p: $[n]):
  %s = gradus.sin %p : $[n]
  gradus.yield %s : $[n]
} derivative {
^bb0(%p: $[n], %q: $[n], %dq: $[n]):
  %s = gradus.cos %p : $[n]
  %t = gradus.mul %s, %dq : $[n]
  gradus.yield %t : $[n]
})";
static const std::string choice = R"(
%u = gradus.reduce sum %x axes [0] : $[n] to $[]
%v = gradus.reduce sum %z axes [0] : $[n] to $[]
%t = gradus.compare lt %u, %v : $[] -> $b[]
%y0, %y1 = gradus.if %t -> ($[n], $[n]) {
  %e = gradus.exp %x : $[n]
  %m = gradus.mul %e, %z : $[n]
  gradus.yield %x, %m : $[n], $[n]
} else {
  %m = gradus.mul %z, %z : $[n]
  gradus.yield %m, %x : $[n], $[n]
})";
static const std::string gradient = R"(
%l, %y = gradus.grad (%x) : ($[n]) -> ($[], $[n]) {
^bb0(%p: $[n]):
  %s = gradus.sin %p : $[n]
  %m = gradus.mul %s, %z : $[n]
  %t = gradus.reduce prod %m axes [0] : $[n] to $[]
  gradus.yield %t : $[]
})";
static const std::string tangent = R"(
%l, %y = gradus.jvp (%x) along (%z) : ($[n]), ($[n]) -> ($[n]), ($[n]) {
^bb0(%p: $[n]):
  %s = gradus.sin %p : $[n]
  %m = gradus.mul %s, %p : $[n]
  gradus.yield %m : $[n]
})";
/// Computed at the step 2 if PERIOD is 1 or 2.
static const std::string every = R"(
%k = gradus.constant dense<PERIOD> : tensor<i64>
%t = gradus.constant dense<2> : tensor<i64>
%y = gradus.every %k at %t keep(%z) : $i[], ($[n]) {
  %s = gradus.sin %x : $[n]
  %m = gradus.mul %s, %z : $[n]
  gradus.yield %m : $[n]
})";
static const std::string loop = R"(
%k = gradus.constant dense<3> : tensor<i64>
%y = gradus.loop %k init(%x) : $i[], ($[n]) {
^bb0(%i: $i[], %v: $[n]):
  %s = gradus.sin %v : $[n]
  %m = gradus.mul %s, %z : $[n]
  gradus.yield %m : $[n]
})";
static const std::string loopOfNone = R"(
%k = gradus.constant dense<0> : tensor<i64>
%y = gradus.loop %k init(%x) : $i[], ($[n]) {
^bb0(%i: $i[], %v: $[n]):
  %m = gradus.mul %v, %z : $[n]
  gradus.yield %m : $[n]
})";
static const std::string loopWhile = R"(
%k = gradus.constant dense<9> : tensor<i64>
%y = gradus.loop %k init(%x) : $i[], ($[]) {
^bb0(%i: $i[], %v: $[]):
  %m = gradus.mul %v, %z : $[]
  %s = gradus.sin %m : $[]
  gradus.yield %s : $[]
} while {
^bb0(%i: $i[], %v: $[]):
  %two = gradus.constant dense<2> : tensor<i64>
  %g = gradus.compare lt %i, %two : $i[] -> $b[]
  gradus.yield %g : $b[]
})";
static const std::string scan = R"(
%y = gradus.scan (%x) init(%z) WAY: ($[n, c]), ($[c]) -> $[n, c] {
^bb0(%k: $i[], %u: $[c], %a: $[c]):
  %s = gradus.sin %a : $[c]
  %m = gradus.mul %s, %u : $[c]
  gradus.yield %m : $[c]
})";
static const std::string scanOfTwo = R"(
%y0, %y1 = gradus.scan (%x) init(%z, %w) : ($[n]), ($[], $[]) -> $[n], $[n] {
^bb0(%k: $i[], %u: $[], %a: $[], %b: $[]):
  %s = gradus.mul %a, %b : $[]
  %m = gradus.add %s, %u : $[]
  gradus.yield %b, %m : $[], $[]
})";
/// Reads around it what is differentiated in.
static const std::string scanReading = R"(
%y = gradus.scan (%x) init(%z) : ($[n]), ($[]) -> $[n] {
^bb0(%k: $i[], %u: $[], %a: $[]):
  %s = gradus.mul %a, %w : $[]
  %m = gradus.add %s, %u : $[]
  gradus.yield %m : $[]
})";

static std::string replace(std::string text, const std::string &from, const std::string &to) { return text.replace(text.find(from), from.size(), to); }
static std::string along(const std::string &way) { return replace(scan, "WAY", way); }

void addControl(std::vector<Program> &programs) {
  Input x{"x", "[n]"}, z{"z", "[n]"};
  programs.insert(programs.end(), {{"custom", {x}, {"[n]"}, custom},
                                   {"every", {x, z}, {"[n]"}, replace(every, "PERIOD", "2"), {}, 2, true, true},
                                   {"every_later", {x, z}, {"[n]"}, replace(every, "PERIOD", "3"), {}, 2, true, true},
                                   {"grad", {x, z}, {"[n]"}, gradient},
                                   {"if", {x, z}, {"[n]", "[n]"}, choice, {}, 2, true, true},
                                   {"if_otherwise", {z, x}, {"[n]", "[n]"}, choice, {}, 2, true, true},
                                   {"jvp", {x, z}, {"[n]"}, tangent},
                                   {"loop", {x, z}, {"[n]"}, loop},
                                   {"loop_of_no_pass", {x, z}, {"[n]"}, loopOfNone, {}, 2, true, true},
                                   {"loop_while", {{"x", "[]"}, {"z", "[]"}}, {"[]"}, loopWhile},
                                   {"scan", {{"x", "[n, c]"}, {"z", "[c]"}}, {"[n, c]"}, along("")},
                                   {"scan_of_two", {{"x", "[n]"}, {"z", "[]"}, {"w", "[]"}}, {"[n]", "[n]"}, scanOfTwo},
                                   {"scan_reading", {{"x", "[n]"}, {"z", "[]"}, {"w", "[]"}}, {"[n]"}, scanReading},
                                   {"scan_reverse", {{"x", "[n, c]"}, {"z", "[c]"}}, {"[n, c]"}, along("reverse ")}});
}

const std::vector<Refused> &getRefused() {
  Input x{"x", "[n]"};
  static const std::string number = "%k = gradus.constant dense<1> : tensor<i64>\n";
  static const std::vector<Refused> refused{
      {"gradus.all_reduce", {"all_reduce", {{"x", "[]"}}, {"[]"}, "%y = gradus.all_reduce sum %x : $[]"}},
      {"gradus.custom", {"implicit", {x}, {"[n]"}, "%y = gradus.custom (%x) {implicit = \"a solver\"} : ($[n]) -> ($[n]) {\n^bb0(%p: $[n]):\ngradus.yield %p : $[n]\n"
                                                  "} derivative {\n^bb0(%p: $[n], %q: $[n], %dq: $[n]):\ngradus.yield %dq : $[n]\n}"}},
      {"gradus.encode", {"encode", {x}, {"[n]"}, "%b = gradus.encode %x : $[n] to !gradus.array<[n], !gradus.blocks<16>>\n"
                                                "%y = gradus.cast %b : !gradus.array<[n], !gradus.blocks<16>> to $[n]"}},
      {"gradus.exchange", {"exchange", {x}, {"[n]"}, number + "%y = gradus.exchange %x with %k : $[n], $i[]"}},
      {"gradus.oracle", {"oracle", {x}, {"[n]"}, "%y = gradus.oracle gradient \"f\" (%x) wrt [0] : ($[n]) -> ($[n])"}},
      {"gradus.partial", {"partial", {x}, {"[n]"}, "%y = gradus.partial %x, %x wrt 0 : $[n]"}},
      {"gradus.stochastic_cast", {"stochastic_cast", {x}, {"[n]"}, "%t = gradus.constant dense<1> : tensor<i64>\n%b = gradus.draw bits \"f.b\" at %t : $i[] -> !gradus.array<[n], i32>\n"
                                                                  "%h = gradus.stochastic_cast %x by %b : $[n], !gradus.array<[n], i32> to !gradus.array<[n], bf16>\n"
                                                                  "%y = gradus.cast %h : !gradus.array<[n], bf16> to $[n]"}},
      {"gradus.trigamma", {"trigamma", {x}, {"[n]"}, "%y = gradus.trigamma %x : $[n]"}},
      {"gradus.workers", {"workers", {x}, {"[n]"}, "%y = gradus.workers sum %x : $[n]"}}};
  return refused;
}

} // namespace gradus::matrix
