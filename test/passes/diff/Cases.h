//===- Cases.h - Expressions through every row and rule ----------------*- C++ -*-===//
//
// Each case is an expression in x and y, as text of the dialect.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "test/codegen/reference/Parse.h"

namespace gradus::reference {

/// `$x`, `$y` and `$q` are arguments; the body defines %r of shape `result`. `$M` is [n, c], `$N` is [n], of the element type $T.
struct Case {
  const char *name;
  const char *result;
  const char *body;
};

inline std::string replaceAll(std::string text, const std::string &from, const std::string &to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

/// 0.5 + x^2, a positive base of `name`.
inline const std::string positive = "%half = gradus.constant dense<0.5> : tensor<f64>\n%halfT = gradus.cast %half : $S to !gradus.array<[], $T>\n"
                             "%halves = gradus.broadcast %halfT axes [] : !gradus.array<[], $T> to $M\n"
                             "%square = gradus.mul $x, $x : $M\n%pos = gradus.add %square, %halves : $M\n";

/// %A [n, n], regular and not symmetric, with different eigenvalues of its lower triangle: x y^T + diag(2, 4, 6, ..).
inline const std::string square = "%i0 = gradus.iota 0 : !gradus.array<[n, n], i64>\n%i1 = gradus.iota 1 : !gradus.array<[n, n], i64>\n"
                           "%on = gradus.compare eq %i0, %i1 : !gradus.array<[n, n], i64> -> !gradus.array<[n, n], i1>\n"
                           "%two = gradus.constant dense<2.0> : tensor<f64>\n%twoT = gradus.cast %two : $S to !gradus.array<[], $T>\n"
                           "%twos = gradus.broadcast %twoT axes [] : !gradus.array<[], $T> to $Q\n%number = gradus.cast %i0 : !gradus.array<[n, n], i64> to $Q\n"
                           "%scaled = gradus.mul %number, %twos : $Q\n%large = gradus.add %scaled, %twos : $Q\n%none = gradus.sub %twos, %twos : $Q\n"
                           "%diagonal = gradus.select %on, %large, %none : !gradus.array<[n, n], i1>, $Q\n"
                           "%product = gradus.contract $x [0, 1], $y [2, 1] -> [0, 2] : $M, $M -> $Q\n%A = gradus.add %product, %diagonal : $Q\n";
/// %A [n, n], symmetric and positive definite: x x^T + diag(2, 4, 6, ..).
inline const std::string symmetric = replaceAll(square, "contract $x [0, 1], $y [2, 1]", "contract $x [0, 1], $x [2, 1]");
/// The results of a factorization of x: [n, k], [k] and so on, where k = min(c, n).
inline const std::string thin = "!gradus.array<[n, \"min(c, n)\"], $T>", thinV = "!gradus.array<[c, \"min(c, n)\"], $T>", rank = "!gradus.array<[\"min(c, n)\"], $T>",
                  thinR = "!gradus.array<[\"min(c, n)\", c], $T>";

inline const Case cases[] = {
    {"abs", "[n, c]", "%r = gradus.abs $x : $M"},
    {"acos", "[n, c]", "%r = gradus.acos $x : $M"},
    {"acosh", "[n, c]", "%l = gradus.softplus $x : $M\n%u = gradus.exp %l : $M\n%r = gradus.acosh %u : $M"},
    {"asin", "[n, c]", "%r = gradus.asin $x : $M"},
    {"asinh", "[n, c]", "%r = gradus.asinh $x : $M"},
    {"atan", "[n, c]", "%r = gradus.atan $x : $M"},
    {"atan2", "[n, c]", "%r = gradus.atan2 $x, $y : $M"},
    {"atanh", "[n, c]", "%s = gradus.tanh $x : $M\n%t = gradus.mul %s, %s : $M\n%r = gradus.atanh %t : $M"},
    {"cbrt", "[n, c]", "$P%r = gradus.cbrt %pos : $M"},
    {"ceil", "[n, c]", "%s = gradus.ceil $x : $M\n%r = gradus.mul %s, $x : $M"},
    {"cos", "[n, c]", "%r = gradus.cos $x : $M"},
    {"cosh", "[n, c]", "%r = gradus.cosh $x : $M"},
    {"erf", "[n, c]", "%r = gradus.erf $x : $M"},
    {"erfc", "[n, c]", "%r = gradus.erfc $x : $M"},
    {"exp", "[n, c]", "%r = gradus.exp $x : $M"},
    {"exp2", "[n, c]", "%r = gradus.exp2 $x : $M"},
    {"expm1", "[n, c]", "%r = gradus.expm1 $x : $M"},
    {"fft", "[n, c]", "%a, %b = gradus.fft $x, $y axis 1 : $M\n%c = gradus.sin %a : $M\n%d, %e = gradus.fft %c, %b axis 0 inverse : $M\n"
                      "%f = gradus.mul %d, %b : $M\n%r = gradus.add %e, %f : $M"},
    {"fft_real", "[n, c]", "%z = gradus.sub $x, $x : $M\n%a, %b = gradus.fft $x, %z axis 0 : $M\n%r = gradus.sin %b : $M"},
    {"floor", "[n, c]", "%s = gradus.floor $x : $M\n%r = gradus.mul %s, $x : $M"},
    {"hypot", "[n, c]", "%r = gradus.hypot $x, $y : $M"},
    {"lambert_w", "[n, c]", "$P%r = gradus.lambert_w %pos : $M"},
    {"lgamma", "[n, c]", "$P%r = gradus.lgamma %pos : $M"},
    {"log", "[n, c]", "$P%r = gradus.log %pos : $M"},
    {"log10", "[n, c]", "$P%r = gradus.log10 %pos : $M"},
    {"log1p", "[n, c]", "$P%r = gradus.log1p %pos : $M"},
    {"log2", "[n, c]", "$P%r = gradus.log2 %pos : $M"},
    {"neg", "[n, c]", "%r = gradus.neg $x : $M"},
    {"normal_cdf", "[n, c]", "%r = gradus.normal_cdf $x : $M"},
    {"normal_quantile", "[n, c]", "%s = gradus.sigmoid $x : $M\n%r = gradus.normal_quantile %s : $M"},
    {"round", "[n, c]", "%s = gradus.round $x : $M\n%r = gradus.mul %s, $x : $M"},
    {"sigmoid", "[n, c]", "%r = gradus.sigmoid $x : $M"},
    {"sign", "[n, c]", "%s = gradus.sign $x : $M\n%r = gradus.mul %s, $x : $M"},
    {"sin", "[n, c]", "%r = gradus.sin $x : $M"},
    {"sinh", "[n, c]", "%r = gradus.sinh $x : $M"},
    {"softplus", "[n, c]", "%r = gradus.softplus $x : $M"},
    {"sqrt", "[n, c]", "$P%r = gradus.sqrt %pos : $M"},
    {"tan", "[n, c]", "%s = gradus.tanh $x : $M\n%r = gradus.tan %s : $M"},
    {"tanh", "[n, c]", "%r = gradus.tanh $x : $M"},
    {"trunc", "[n, c]", "%s = gradus.trunc $x : $M\n%r = gradus.mul %s, $x : $M"},
    {"add", "[n, c]", "%r = gradus.add $x, $y : $M"},
    {"sub", "[n, c]", "%r = gradus.sub $x, $y : $M"},
    {"mul", "[n, c]", "%r = gradus.mul $x, $y : $M"},
    {"div", "[n, c]", "$P%r = gradus.div $y, %pos : $M"},
    {"pow", "[n, c]", "$P%r = gradus.pow %pos, $y : $M"},
    {"max", "[n, c]", "%r = gradus.max $x, $y : $M"},
    {"min", "[n, c]", "%r = gradus.min $x, $y : $M"},
    {"mod", "[n, c]", "$P%r = gradus.mod $y, %pos : $M"},
    {"select", "[n, c]", "%c = gradus.compare lt $x, $y : $M -> !gradus.array<[n, c], i1>\n%e = gradus.exp $x : $M\n%o = gradus.mul $x, $y : $M\n"
                         "%r = gradus.select %c, %e, %o : !gradus.array<[n, c], i1>, $M"},
    {"guarded_log", "[n, c]",
     "%k = gradus.constant dense<0.25> : tensor<f64>\n%kT = gradus.cast %k : $S to !gradus.array<[], $T>\n"
     "%kM = gradus.broadcast %kT axes [] : !gradus.array<[], $T> to $M\n%c = gradus.compare gt $x, %kM : $M -> !gradus.array<[n, c], i1>\n"
     "%l = gradus.log $x : $M\n%r = gradus.select %c, %l, $y : !gradus.array<[n, c], i1>, $M"},
    {"int_pow", "[n, c]", "%k = gradus.constant dense<3> : tensor<i64>\n%r = gradus.int_pow $x, %k : $M, !gradus.array<[], i64>"},
    {"int_pow_negative", "[n, c]", "$P%k = gradus.constant dense<-2> : tensor<i64>\n%r = gradus.int_pow %pos, %k : $M, !gradus.array<[], i64>"},
    {"int_pow_zero", "[n, c]", "%k = gradus.constant dense<0> : tensor<i64>\n%p = gradus.int_pow $x, %k : $M, !gradus.array<[], i64>\n"
                               "%r = gradus.mul %p, $x : $M"},
    {"stop", "[n, c]", "%s = gradus.stop $y : $M\n%r = gradus.mul %s, $x : $M"},
    {"cast", "[n, c]", "%w = gradus.cast $x : $M to !gradus.array<[n, c], f64>\n%e = gradus.exp %w : !gradus.array<[n, c], f64>\n"
                       "%r = gradus.cast %e : !gradus.array<[n, c], f64> to $M"},
    {"shared", "[n, c]", "%e = gradus.exp $x : $M\n%s = gradus.mul %e, $y : $M\n%t = gradus.mul %s, %e : $M\n%r = gradus.add %t, %s : $M"},
    {"broadcast", "[n, c]", "%s = gradus.reduce sum $x axes [0] : $M to !gradus.array<[c], $T>\n"
                            "%b = gradus.broadcast %s axes [1] : !gradus.array<[c], $T> to $M\n%e = gradus.mul %b, $x : $M\n%r = gradus.sin %e : $M"},
    {"scalar_broadcast", "[n, c]", "%s = gradus.reduce sum $x axes [0, 1] : $M to $S\n%t = gradus.sin %s : $S\n%u = gradus.cast %t : $S to !gradus.array<[], $T>\n"
                                   "%b = gradus.broadcast %u axes [] : !gradus.array<[], $T> to $M\n%r = gradus.mul %b, $x : $M"},
    {"transpose", "[c, n]", "%t = gradus.transpose $x permutation [1, 0] : $M to !gradus.array<[c, n], $T>\n%r = gradus.sin %t : !gradus.array<[c, n], $T>"},
    {"reshape", "[n]", "%s = gradus.reduce sum $x axes [1] : $M to $N\n%w = gradus.reshape %s : $N to !gradus.array<[n, 1], $T>\n"
                       "%e = gradus.exp %w : !gradus.array<[n, 1], $T>\n%b = gradus.broadcast %e axes [0, 1] : !gradus.array<[n, 1], $T> to $M\n"
                       "%m = gradus.mul %b, $x : $M\n%r = gradus.reduce sum %m axes [1] : $M to $N"},
    {"gather", "[n]", "%i = gradus.iota 0 : !gradus.array<[n], i64>\n%z = gradus.sub %i, %i : !gradus.array<[n], i64>\n%e = gradus.exp $x : $M\n"
                      "%r = gradus.gather %e[%i, %z] : $M, (!gradus.array<[n], i64>, !gradus.array<[n], i64>) -> $N"},
    {"gather_duplicates", "[n]", "%i = gradus.iota 0 : !gradus.array<[n], i64>\n%z = gradus.sub %i, %i : !gradus.array<[n], i64>\n%e = gradus.exp $x : $M\n"
                                 "%r = gradus.gather %e[%z, %z] : $M, (!gradus.array<[n], i64>, !gradus.array<[n], i64>) -> $N"},
    {"concat", "[\"2 * n + 1\", c]", "%o = gradus.constant dense<1.5> : tensor<f64>\n%oT = gradus.cast %o : $S to !gradus.array<[], $T>\n"
                                     "%one = gradus.broadcast %oT axes [] : !gradus.array<[], $T> to !gradus.array<[1, c], $T>\n"
                                     "%r = gradus.concat $x, %one, $y axis 0 : ($M, !gradus.array<[1, c], $T>, $M) -> !gradus.array<[\"2 * n + 1\", c], $T>"},
    {"scatter", "[n, c]", "%i = gradus.iota 0 : !gradus.array<[n], i64>\n%z = gradus.sub %i, %i : !gradus.array<[n], i64>\n"
                          "%s = gradus.reduce sum $x axes [1] : $M to $N\n"
                          "%r = gradus.scatter $y[%z, %z], %s : $M, (!gradus.array<[n], i64>, !gradus.array<[n], i64>), $N"},
    {"scatter_add", "[n, c]", "%i = gradus.iota 0 : !gradus.array<[n], i64>\n%z = gradus.sub %i, %i : !gradus.array<[n], i64>\n"
                              "%u = gradus.reduce sum $x axes [1] : $M to $N\n%s = gradus.sin %u : $N\n"
                              "%r = gradus.scatter_add $y[%z, %z], %s : $M, (!gradus.array<[n], i64>, !gradus.array<[n], i64>), $N"},
    {"cumulate", "[n, c]", "%e = gradus.exp $x : $M\n%r = gradus.cumulate sum %e axis 0 : $M"},
    {"cumulate_reverse", "[n, c]", "%e = gradus.exp $x : $M\n%r = gradus.cumulate sum %e axis 1 reverse : $M"},
    {"sort", "[n, c]", "%e = gradus.exp $x : $M\n%r, %o = gradus.sort %e axis 0 : $M, !gradus.array<[n, c], i64>"},
    {"sort_all", "[n, c]", "%e = gradus.mul $x, $y : $M\n%r, %o = gradus.sort %e axis -1 descending : $M, !gradus.array<[n, c], i64>"},
    {"sum", "[n]", "%e = gradus.exp $x : $M\n%r = gradus.reduce sum %e axes [1] : $M to $N"},
    {"prod", "[n]", "%r = gradus.reduce prod $x axes [1] : $M to $N"},
    {"prod_all", "[]", "%r = gradus.reduce prod $x axes [0, 1] : $M to $S"},
    {"reduce_max", "[n]", "%e = gradus.mul $x, $y : $M\n%r = gradus.reduce max %e axes [1] : $M to $N"},
    {"reduce_min_all", "[]", "%e = gradus.mul $x, $y : $M\n%r = gradus.reduce min %e axes [0, 1] : $M to $S"},
    {"logsumexp", "[n]", "%r = gradus.logsumexp $x axes [1] : $M to $N"},
    {"logsumexp_all", "[]", "%r = gradus.logsumexp $x axes [0, 1] : $M to $S"},
    {"norm", "[n]", "%r = gradus.norm $x axes [1] : $M to $N"},
    {"norm_all", "[]", "%r = gradus.norm $x axes [0, 1] : $M to $S"},
    {"softmax", "[n, c]", "%e = gradus.exp $x : $M\n%s = gradus.reduce sum %e axes [1] : $M to $N\n%b = gradus.broadcast %s axes [0] : $N to $M\n"
                          "%r = gradus.div %e, %b : $M"},
    {"matrix_product", "[n, n]", "%r = gradus.contract $x [0, 1], $y [2, 1] -> [0, 2] : $M, $M -> !gradus.array<[n, n], $T>"},
    {"contract_batched", "[c, n]", "%r = gradus.contract $x [0, 1], $y [0, 1] -> [1, 0] : $M, $M -> !gradus.array<[c, n], $T>"},
    {"contract_sums_one_side", "[n]", "%v = gradus.reduce sum $y axes [1] : $M to $N\n%r = gradus.contract $x [0, 1], %v [0] -> [0] : $M, $N -> $N"},
    {"dot", "[]", "%r = gradus.contract $x [0, 1], $y [0, 1] -> [] : $M, $M -> $S"},
    {"cholesky", "[n, n]", "$C%l, %ok = gradus.cholesky %A : $Q, !gradus.array<[], i1>\n%r = gradus.sin %l : $Q"},
    {"solve", "[n, c]", "$A%v, %ok = gradus.solve general %A, $x : $Q, $M, !gradus.array<[], i1>\n%r = gradus.sin %v : $M"},
    {"solve_transposed", "[n, c]", "$A%v, %ok = gradus.solve general %A, $x transposed : $Q, $M, !gradus.array<[], i1>\n%r = gradus.sin %v : $M"},
    {"solve_lower", "[n, c]", "$A%v, %ok = gradus.solve lower %A, $x : $Q, $M, !gradus.array<[], i1>\n%r = gradus.sin %v : $M"},
    {"solve_lower_transposed", "[n, c]", "$A%v, %ok = gradus.solve lower %A, $x transposed : $Q, $M, !gradus.array<[], i1>\n%r = gradus.sin %v : $M"},
    {"solve_upper", "[n, c]", "$A%v, %ok = gradus.solve upper %A, $y : $Q, $M, !gradus.array<[], i1>\n%r = gradus.sin %v : $M"},
    {"solve_upper_transposed", "[n, c]", "$A%v, %ok = gradus.solve upper %A, $y transposed : $Q, $M, !gradus.array<[], i1>\n%r = gradus.sin %v : $M"},
    {"solve_positive", "[n, c]", "$C%v, %ok = gradus.solve positive %A, $y : $Q, $M, !gradus.array<[], i1>\n%r = gradus.sin %v : $M"},
    {"solve_batched", "[n, c]",
     "$A%w = gradus.contract %A [0, 1], $x [0, 2] -> [2, 0, 1] : $Q, $M -> !gradus.array<[c, n, n], $T>\n"
     "%e = gradus.broadcast %A axes [1, 2] : $Q to !gradus.array<[c, n, n], $T>\n%b = gradus.add %w, %e : !gradus.array<[c, n, n], $T>\n"
     "%f = gradus.add %b, %e : !gradus.array<[c, n, n], $T>\n%t = gradus.transpose $y permutation [1, 0] : $M to !gradus.array<[c, n], $T>\n"
     "%h = gradus.reshape %t : !gradus.array<[c, n], $T> to !gradus.array<[c, n, 1], $T>\n"
     "%v, %ok = gradus.solve general %f, %h : !gradus.array<[c, n, n], $T>, !gradus.array<[c, n, 1], $T>, !gradus.array<[c], i1>\n"
     "%o = gradus.reshape %v : !gradus.array<[c, n, 1], $T> to !gradus.array<[c, n], $T>\n"
     "%r = gradus.transpose %o permutation [1, 0] : !gradus.array<[c, n], $T> to $M"},
    {"logdet", "[]", "$A%v, %s = gradus.logdet %A : $Q, $S\n%r = gradus.sin %v : $S"},
    {"det", "[]", "$A%v, %s = gradus.logdet %A : $Q, $S\n%u = gradus.neg %v : $S\n%d = gradus.exp %u : $S\n%r = gradus.mul %d, %s : $S"},
    {"qr", "[n, c]", "%u, %v = gradus.qr $x : $M -> $U, $R\n%a = gradus.sin %u : $U\n%b = gradus.sin %v : $R\n"
                     "%r = gradus.contract %a [0, 1], %b [1, 2] -> [0, 2] : $U, $R -> $M"},
    {"qr_transposed", "[c, n]",
     "%t = gradus.transpose $x permutation [1, 0] : $M to !gradus.array<[c, n], $T>\n"
     "%u, %v = gradus.qr %t : !gradus.array<[c, n], $T> -> $V, !gradus.array<[\"min(c, n)\", n], $T>\n%a = gradus.sin %u : $V\n"
     "%b = gradus.sin %v : !gradus.array<[\"min(c, n)\", n], $T>\n"
     "%r = gradus.contract %a [0, 1], %b [1, 2] -> [0, 2] : $V, !gradus.array<[\"min(c, n)\", n], $T> -> !gradus.array<[c, n], $T>"},
    {"eigh", "[n, n]", "$A%e, %v, %ok = gradus.eigh %A : $Q, $N, !gradus.array<[], i1>\n%s = gradus.sin %e : $N\n"
                       "%w = gradus.broadcast %s axes [1] : $N to $Q\n%z = gradus.sin %v : $Q\n%r = gradus.mul %z, %w : $Q"},
    {"eigh_values", "[n]", "$A%e, %v, %ok = gradus.eigh %A : $Q, $N, !gradus.array<[], i1>\n%r = gradus.sin %e : $N"},
    {"svd", "[n, c]", "%u, %s, %v, %ok = gradus.svd $x : $M -> $U, $K, $V, !gradus.array<[], i1>\n%a = gradus.sin %u : $U\n%b = gradus.sin %v : $V\n"
                      "%d = gradus.broadcast %s axes [1] : $K to $U\n%f = gradus.mul %a, %d : $U\n"
                      "%r = gradus.contract %f [0, 1], %b [2, 1] -> [0, 2] : $U, $V -> $M"},
    {"svd_values", "[]", "%u, %s, %v, %ok = gradus.svd $x : $M -> $U, $K, $V, !gradus.array<[], i1>\n%a = gradus.sin %s : $K\n"
                         "%r = gradus.reduce sum %a axes [0] : $K to $S"},
    {"if", "[n, c]", "%sx = gradus.reduce sum $x axes [0, 1] : $M to $S\n%sy = gradus.reduce sum $y axes [0, 1] : $M to $S\n"
                     "%c = gradus.compare lt %sx, %sy : $S -> !gradus.array<[], i1>\n%z = gradus.sin $x : $M\n"
                     "%a, %r = gradus.if %c -> ($M, $M) {\n%e = gradus.exp %z : $M\n%f = gradus.mul %e, $y : $M\ngradus.yield %e, %f : $M, $M\n} else {\n"
                     "%f = gradus.mul %z, %z : $M\ngradus.yield %z, %f : $M, $M\n}"},
    {"cumulate_max", "[n, c]", "%r = gradus.cumulate max $x axis 0 : $M"},
    {"cumulate_min_reverse", "[n]", "%z = gradus.reduce sum $x axes [1] : $M to $N\n%r = gradus.cumulate min %z axis 0 reverse : $N"},
    {"cumulate_prod", "[n, c]", "%r = gradus.cumulate prod $x axis 1 : $M"},
    {"cumulate_prod_reverse", "[n]", "%z = gradus.reduce sum $x axes [1] : $M to $N\n%r = gradus.cumulate prod %z axis 0 reverse : $N"},
    {"every_now", "[n, c]", "%k = gradus.constant dense<2> : tensor<i64>\n%t = gradus.constant dense<3> : tensor<i64>\n%z = gradus.sin $y : $M\n"
                            "%r = gradus.every %k at %t keep(%z) : !gradus.array<[], i64>, ($M) {\n%e = gradus.sin $x : $M\n%f = gradus.mul %e, %z : $M\n"
                            "gradus.yield %f : $M\n}"},
    {"every_later", "[n, c]", "%k = gradus.constant dense<3> : tensor<i64>\n%t = gradus.constant dense<3> : tensor<i64>\n%z = gradus.sin $y : $M\n"
                              "%a, %b = gradus.every %k at %t keep(%z, $x) : !gradus.array<[], i64>, ($M, $M) {\n%e = gradus.log $x : $M\n%f = gradus.mul %e, %z : $M\n"
                              "gradus.yield %f, %e : $M, $M\n}\n%r = gradus.mul %a, %b : $M"},
    {"loop", "[n, c]", "%k = gradus.constant dense<4> : tensor<i64>\n%z = gradus.sin $y : $M\n%r = gradus.loop %k init($x) : !gradus.array<[], i64>, ($M) {\n"
                       "^bb0(%i: !gradus.array<[], i64>, %v: $M):\n%s = gradus.sin %v : $M\n%m = gradus.mul %s, %z : $M\n%l = gradus.add %m, $y : $M\n"
                       "gradus.yield %l : $M\n}"},
    {"loop_of_no_pass", "[n, c]", "%k = gradus.constant dense<0> : tensor<i64>\n%z = gradus.mul $x, $y : $M\n"
                                  "%r = gradus.loop %k init(%z) : !gradus.array<[], i64>, ($M) {\n^bb0(%i: !gradus.array<[], i64>, %v: $M):\n"
                                  "%s = gradus.sin %v : $M\ngradus.yield %s : $M\n}"},
    {"loop_over_rows", "[c]", "%k = gradus.dim \"n\"\n%o = gradus.reduce sum $x axes [0] : $M to !gradus.array<[c], $T>\n"
                              "%r = gradus.loop %k init(%o) : !gradus.array<[], i64>, (!gradus.array<[c], $T>) {\n"
                              "^bb0(%i: !gradus.array<[], i64>, %v: !gradus.array<[c], $T>):\n"
                              "%b = gradus.broadcast %i axes [] : !gradus.array<[], i64> to !gradus.array<[c], i64>\n%j = gradus.iota 0 : !gradus.array<[c], i64>\n"
                              "%w = gradus.gather $y[%b, %j] : $M, (!gradus.array<[c], i64>, !gradus.array<[c], i64>) -> !gradus.array<[c], $T>\n"
                              "%s = gradus.sin %v : !gradus.array<[c], $T>\n%m = gradus.mul %s, %w : !gradus.array<[c], $T>\ngradus.yield %m : !gradus.array<[c], $T>\n}"},
    {"loop_in_loop", "[]", "%k = gradus.dim \"c\"\n%o = gradus.reduce sum $x axes [0, 1] : $M to $S\n%p = gradus.reduce sum $y axes [0, 1] : $M to $S\n"
                           "%t = gradus.sin %o : $S\n%q = gradus.sin %p : $S\n%zero = gradus.constant dense<0> : tensor<i64>\n"
                           "%r, %ra, %rb = gradus.loop %k init(%t, %q, %zero) : !gradus.array<[], i64>, ($S, $S, !gradus.array<[], i64>) {\n"
                           "^bb0(%i: !gradus.array<[], i64>, %v: $S, %u: $S, %n0: !gradus.array<[], i64>):\n"
                           "%two = gradus.constant dense<2> : tensor<i64>\n%n2 = gradus.min %n0, %two : !gradus.array<[], i64>\n%w = gradus.loop %n2 init(%v) : !gradus.array<[], i64>, ($S) {\n^bb0(%j: !gradus.array<[], i64>, %h: $S):\n"
                           "%e = gradus.sin %h : $S\n%m = gradus.mul %e, %u : $S\n%d = gradus.add %m, %q : $S\ngradus.yield %d : $S\n}\n"
                           "%one = gradus.constant dense<1> : tensor<i64>\n%n1 = gradus.add %n0, %one : !gradus.array<[], i64>\n"
                           "%x0 = gradus.mul %w, %u : $S\ngradus.yield %u, %x0, %n1 : $S, $S, !gradus.array<[], i64>\n}"},
    {"loop_of_an_index", "[]", "%k = gradus.dim \"c\"\n%o = gradus.reduce sum $x axes [0, 1] : $M to $S\n%p = gradus.reduce sum $y axes [0, 1] : $M to $S\n"
                              "%r = gradus.loop %k init(%o) : !gradus.array<[], i64>, ($S) {\n^bb0(%i: !gradus.array<[], i64>, %v: $S):\n"
                              "%w = gradus.loop %i init(%v) : !gradus.array<[], i64>, ($S) {\n^bb0(%j: !gradus.array<[], i64>, %h: $S):\n"
                              "%e = gradus.sin %h : $S\n%m = gradus.mul %e, %p : $S\ngradus.yield %m : $S\n}\n"
                              "%rest = gradus.sub %k, %i : !gradus.array<[], i64>\n%u = gradus.loop %rest init(%w) : !gradus.array<[], i64>, ($S) {\n"
                              "^bb0(%j: !gradus.array<[], i64>, %h: $S):\n%e = gradus.sin %h : $S\n%d = gradus.add %e, %p : $S\ngradus.yield %d : $S\n}\n"
                              "gradus.yield %u : $S\n}"},
    {"loop_while", "[]", "%k = gradus.constant dense<100> : tensor<i64>\n%o = gradus.reduce sum $x axes [0, 1] : $M to $S\n%t = gradus.sin %o : $S\n"
                         "%two = gradus.constant dense<2> : tensor<i64>\n%p = gradus.reduce sum $y axes [0, 1] : $M to $S\n"
                         "%r = gradus.loop %k init(%t) : !gradus.array<[], i64>, ($S) {\n^bb0(%i: !gradus.array<[], i64>, %v: $S):\n"
                         "%c = gradus.compare eq %i, %two : !gradus.array<[], i64> -> !gradus.array<[], i1>\n%w = gradus.if %c -> ($S) {\n%e = gradus.exp %v : $S\n"
                         "gradus.yield %e : $S\n} else {\n%e = gradus.mul %v, %p : $S\n%f = gradus.sin %e : $S\ngradus.yield %f : $S\n}\ngradus.yield %w : $S\n"
                         "} while {\n^bb0(%i: !gradus.array<[], i64>, %v: $S):\n%three = gradus.constant dense<3> : tensor<i64>\n"
                         "%c = gradus.compare le %i, %three : !gradus.array<[], i64> -> !gradus.array<[], i1>\ngradus.yield %c : !gradus.array<[], i1>\n}"},
    {"scan", "[n, c]", "%o = gradus.reduce sum $y axes [0] : $M to !gradus.array<[c], $T>\n"
                       "%r = gradus.scan ($x, $y) init(%o) : ($M, $M), (!gradus.array<[c], $T>) -> $M {\n"
                       "^bb0(%k: !gradus.array<[], i64>, %u: !gradus.array<[c], $T>, %v: !gradus.array<[c], $T>, %a: !gradus.array<[c], $T>):\n"
                       "%s = gradus.sin %a : !gradus.array<[c], $T>\n%m = gradus.mul %s, %u : !gradus.array<[c], $T>\n"
                       "%w = gradus.add %m, %v : !gradus.array<[c], $T>\ngradus.yield %w : !gradus.array<[c], $T>\n}"},
    {"scan_reverse", "[n]", "%o = gradus.reduce sum $y axes [0, 1] : $M to $S\n%e = gradus.sin %o : $S\n%z = gradus.reduce sum $x axes [1] : $M to $N\n"
                            "%f = gradus.scan (%z) init(%e) reverse : ($N), ($S) -> !gradus.array<[n], f64> {\n"
                            "^bb0(%k: !gradus.array<[], i64>, %u: $S, %a: $S):\n%s = gradus.mul %a, %u : $S\n%m = gradus.sin %s : $S\n"
                            "gradus.yield %m : $S\n}\n%r = gradus.cast %f : !gradus.array<[n], f64> to $N"},
    {"bilinear", "[]", "%v = gradus.reduce sum $y axes [0] : $M to !gradus.array<[c], $T>\n"
                       "%r = gradus.contract $x [0, 1], %v [1] -> [] : $M, !gradus.array<[c], $T> -> $S"},
};

/// The loss sum(r * q), with the body's names for x and y.
inline std::string lossBody(const Case &test, const std::string &x, const std::string &y, const std::string &element) {
  std::string type = std::string(test.result) == "[]" ? "$S" : "!gradus.array<" + std::string(test.result) + ", $T>";
  std::string text = std::string(test.body) + "\n%weighted = gradus.mul %r, $q : " + type + "\n";
  for (auto [from, to] : {std::pair{"$P", &positive}, {"$A", &square}, {"$C", &symmetric}, {"$U", &thin}, {"$V", &thinV}, {"$K", &rank}, {"$R", &thinR}})
    text = replaceAll(text, from, *to);
  text = replaceAll(text, "$Q", "!gradus.array<[n, n], $T>");
  if (type != "$S")
    text += std::string("%loss = gradus.reduce sum %weighted axes ") + (std::string(test.result).find(',') == std::string::npos ? "[0]" : "[0, 1]") + " : " + type + " to $S\n";
  else
    text += "%loss = gradus.reshape %weighted : $S to $S\n";
  for (auto [from, to] : {std::pair<std::string, std::string>{"$x", x}, {"$y", y}, {"$q", "%a2"}, {"$M", "!gradus.array<[n, c], $T>"},
                          {"$N", "!gradus.array<[n], $T>"}, {"$S", "!gradus.array<[], f64>"}, {"$T", element}})
    text = replaceAll(text, from, to);
  return text;
}

inline std::string signature(const Case &test, const std::string &element, const std::string &body) {
  std::string matrix = "[n, c], " + element;
  std::string weight = std::string(test.result) + ", " + (std::string(test.result) == "[]" ? "f64" : element);
  std::string text = function({matrix, matrix, weight}, {"[], f64"}, body);
  return replaceAll(text, "#gradus.role<report>", "#gradus.role<value>");
}

inline std::string firstOrder(const Case &test, const std::string &element) {
  return signature(test, element, lossBody(test, "%a0", "%a1", element) + "gradus.return %loss : !gradus.array<[], f64>");
}

} // namespace gradus::reference
