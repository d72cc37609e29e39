//===- Forms.h - What each rewrite of passes/simplify is for --------------------===//
//
// One row for each pattern: the form that it meets, and for a stable form a point where the naive one fails. The tests read the list of patterns
// from the compiler, so that one without a row fails, and a row without a pattern too.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "test/codegen/reference/Parse.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <set>

namespace gradus::test {

/// Ops that define %r from %x and %y, of type $D = [1]; $S is a scalar. Constants of type $D: %zero, %mzero (-0), %one, %mone, %half, %eps (1e-4).
struct Form {
  const char *pattern; ///< the last part of its name
  const char *body;
  /// x and y, and there the value and the derivative in x to 16 digits; of algebra nothing.
  double x = 0, y = 0, value = 0, derivative = 0;
};

inline const Form stableForms[] = {
    {"LogOnePlus", "%a = gradus.add %one, %x : $D\n%r = gradus.log %a : $D", 1e-20, 0, 1e-20, 1},
    {"LogPlusOne", "%a = gradus.add %x, %one : $D\n%r = gradus.log %a : $D", 1e-20, 0, 1e-20, 1},
    {"LogOneMinus", "%a = gradus.sub %one, %x : $D\n%r = gradus.log %a : $D", 1e-20, 0, -1e-20, -1},
    {"ExpMinusOne", "%a = gradus.exp %x : $D\n%r = gradus.sub %a, %one : $D", 1e-20, 0, 1e-20, 1},
    {"ExpPlusMinusOne", "%a = gradus.exp %x : $D\n%r = gradus.add %a, %mone : $D", 1e-20, 0, 1e-20, 1},
    {"OneMinusExp", "%a = gradus.exp %x : $D\n%r = gradus.sub %one, %a : $D", 1e-20, 0, -1e-20, -1},
    {"LogOfOneMinusExp", "%e = gradus.exp %x : $D\n%n = gradus.neg %e : $D\n%r = gradus.log1p %n : $D", -1e-20, 0, -46.05170185988091, -1e20},
    {"LogOfMinusExpm1", "%e = gradus.expm1 %x : $D\n%n = gradus.neg %e : $D\n%r = gradus.log %n : $D", -50, 0, -1.928749847963918e-22, -1.928749847963918e-22},
    {"LogAddExp", "%e = gradus.exp %x : $D\n%f = gradus.exp %y : $D\n%a = gradus.add %e, %f : $D\n%r = gradus.log %a : $D", 1000, 1001, 1001.3132616875182,
     0.2689414213699951},
    {"Log1pExp", "%e = gradus.exp %x : $D\n%r = gradus.log1p %e : $D", 1000, 0, 1000, 1},
    {"LogExp", "%e = gradus.exp %x : $D\n%r = gradus.log %e : $D", 1000, 0, 1000, 1},
    {"LogExpQuotient", "%e = gradus.exp %x : $D\n%q = gradus.div %e, %x : $D\n%r = gradus.log %q : $D", 1000, 0, 993.0922447210179, 0.999},
    {"ReciprocalOfOnePlusExp", "%n = gradus.neg %x : $D\n%e = gradus.exp %n : $D\n%a = gradus.add %one, %e : $D\n%r = gradus.div %one, %a : $D", -1000, 0, 0, 0},
    {"ReciprocalOfExpPlusOne", "%n = gradus.neg %x : $D\n%e = gradus.exp %n : $D\n%a = gradus.add %e, %one : $D\n%r = gradus.div %one, %a : $D", -1000, 0, 0, 0},
    {"ExpOverOnePlusExp", "%e = gradus.exp %x : $D\n%a = gradus.add %one, %e : $D\n%r = gradus.div %e, %a : $D", 1000, 0, 1, 0},
    {"ExpOverExpPlusOne", "%e = gradus.exp %x : $D\n%a = gradus.add %e, %one : $D\n%r = gradus.div %e, %a : $D", 1000, 0, 1, 0},
    {"OneMinusSigmoid", "%s = gradus.sigmoid %x : $D\n%r = gradus.sub %one, %s : $D", 50, 0, 1.928749847963918e-22, -1.928749847963918e-22},
    {"SigmoidMinusOne", "%s = gradus.sigmoid %x : $D\n%r = gradus.sub %s, %one : $D", 50, 0, -1.928749847963918e-22, 1.928749847963918e-22},
    {"OneMinusTanh", "%s = gradus.tanh %x : $D\n%r = gradus.sub %one, %s : $D", 25, 0, 3.857499695927836e-22, -7.714999391855672e-22},
    {"OnePlusTanh", "%s = gradus.tanh %x : $D\n%r = gradus.add %one, %s : $D", -25, 0, 3.857499695927836e-22, 7.714999391855672e-22},
    {"TanhPlusOne", "%s = gradus.tanh %x : $D\n%r = gradus.add %s, %one : $D", -25, 0, 3.857499695927836e-22, 7.714999391855672e-22},
    {"LogSigmoid", "%s = gradus.sigmoid %x : $D\n%r = gradus.log %s : $D", -1000, 0, -1000, 1},
    {"Log1pMinusSigmoid", "%s = gradus.sigmoid %x : $D\n%n = gradus.neg %s : $D\n%r = gradus.log1p %n : $D", 1000, 0, -1000, -1},
    {"OneMinusCos", "%c = gradus.cos %x : $D\n%r = gradus.sub %one, %c : $D", 1e-9, 0, 5e-19, 1e-9},
    {"CoshMinusOne", "%c = gradus.cosh %x : $D\n%r = gradus.sub %c, %one : $D", 1e-9, 0, 5e-19, 1e-9},
    {"SqrtOfSquarePlus", "%s = gradus.mul %x, %x : $D\n%a = gradus.add %s, %eps : $D\n%r = gradus.sqrt %a : $D", 1e200, 0, 1e200, 1},
    {"SqrtOfPlusSquare", "%s = gradus.mul %x, %x : $D\n%a = gradus.add %eps, %s : $D\n%r = gradus.sqrt %a : $D", 1e200, 0, 1e200, 1},
    {"SqrtOfPowerPlus", "%s = gradus.int_pow %x, %two : $D, !gradus.array<[], i64>\n%a = gradus.add %s, %eps : $D\n%r = gradus.sqrt %a : $D", 1e200, 0, 1e200, 1},
    {"SqrtOfPlusPower", "%s = gradus.int_pow %x, %two : $D, !gradus.array<[], i64>\n%a = gradus.add %eps, %s : $D\n%r = gradus.sqrt %a : $D", 1e200, 0, 1e200, 1},
    {"LogSumExp", "%e = gradus.exp %x : $D\n%s = gradus.reduce sum %e axes [0] : $D to $S\n%l = gradus.log %s : $S\n%r = gradus.broadcast %l axes [] : $S to $D",
     1000, 0, 1000, 1},
    {"Softmax", "%e = gradus.exp %x : $D\n%s = gradus.reduce sum %e axes [0] : $D to $S\n%b = gradus.broadcast %s axes [] : $S to $D\n%r = gradus.div %e, %b : $D",
     1000, 0, 1, 0},
    {"SqrtOnePlusMinusOne", "%a = gradus.add %one, %x : $D\n%s = gradus.sqrt %a : $D\n%r = gradus.sub %s, %one : $D", 1e-20, 0, 5e-21, 0.5},
    {"SqrtPlusOneMinusOne", "%a = gradus.add %x, %one : $D\n%s = gradus.sqrt %a : $D\n%r = gradus.sub %s, %one : $D", 1e-20, 0, 5e-21, 0.5},
    {"OneMinusSqrtOnePlus", "%a = gradus.add %one, %x : $D\n%s = gradus.sqrt %a : $D\n%r = gradus.sub %one, %s : $D", 1e-20, 0, -5e-21, -0.5},
    {"OneMinusSqrtPlusOne", "%a = gradus.add %x, %one : $D\n%s = gradus.sqrt %a : $D\n%r = gradus.sub %one, %s : $D", 1e-20, 0, -5e-21, -0.5},
    {"OneMinusSqrtOneMinus", "%a = gradus.sub %one, %x : $D\n%s = gradus.sqrt %a : $D\n%r = gradus.sub %one, %s : $D", 1e-20, 0, 5e-21, 0.5},
    {"SqrtOneMinusMinusOne", "%a = gradus.sub %one, %x : $D\n%s = gradus.sqrt %a : $D\n%r = gradus.sub %s, %one : $D", 1e-20, 0, -5e-21, -0.5},
    {"HypotMinusOne", "%h = gradus.hypot %x, %one : $D\n%r = gradus.sub %h, %one : $D", 1e-10, 0, 5e-21, 1e-10},
    {"LessSin", "%s = gradus.sin %x : $D\n%r = gradus.sub %x, %s : $D", 1e-5, 0, 1.6666666666583333e-16, 4.9999999999583333e-11},
    {"SinLess", "%s = gradus.sin %x : $D\n%r = gradus.sub %s, %x : $D", 1e-5, 0, -1.6666666666583333e-16, -4.9999999999583333e-11},
    {"Expm1Less", "%e = gradus.expm1 %x : $D\n%r = gradus.sub %e, %x : $D", 1e-9, 0, 5.0000000016666667e-19, 1.0000000005e-9},
    {"ExpLessMinusOne", "%e = gradus.exp %x : $D\n%l = gradus.sub %e, %x : $D\n%r = gradus.sub %l, %one : $D", 1e-9, 0, 5.0000000016666667e-19, 1.0000000005e-9},
    {"ExpMinusOnePlus", "%e = gradus.exp %x : $D\n%a = gradus.add %one, %x : $D\n%r = gradus.sub %e, %a : $D", 1e-9, 0, 5.0000000016666667e-19, 1.0000000005e-9},
    {"ExpMinusPlusOne", "%e = gradus.exp %x : $D\n%a = gradus.add %x, %one : $D\n%r = gradus.sub %e, %a : $D", 1e-9, 0, 5.0000000016666667e-19, 1.0000000005e-9},
    // Of 1e9 + x and 1e9 - x: x^2. The sum of their squares loses it.
    {"Variance", "%k = gradus.constant dense<1.0e9> : tensor<f64>\n%w = gradus.broadcast %k axes [] : $S to $D\n%p = gradus.add %w, %x : $D\n"
                 "%q = gradus.sub %w, %x : $D\n%v = gradus.concat %p, %q axis 0 : (!gradus.array<[1], f64>, !gradus.array<[1], f64>) -> !gradus.array<[2], f64>\n"
                 "%m = gradus.constant dense<2.0> : tensor<f64>\n%sq = gradus.mul %v, %v : !gradus.array<[2], f64>\n"
                 "%s = gradus.reduce sum %sq axes [0] : !gradus.array<[2], f64> to $S\n%ms = gradus.div %s, %m : $S\n"
                 "%t = gradus.reduce sum %v axes [0] : !gradus.array<[2], f64> to $S\n%mt = gradus.div %t, %m : $S\n%mm = gradus.mul %mt, %mt : $S\n"
                 "%d = gradus.sub %ms, %mm : $S\n%r = gradus.broadcast %d axes [] : $S to $D",
     3, 0, 9, 6},
};

inline const Form algebraForms[] = {
    {"MulOne", "%r = gradus.mul %x, %one : $D"},
    {"OneMul", "%r = gradus.mul %one, %x : $D"},
    {"DivOne", "%r = gradus.div %x, %one : $D"},
    {"MulMinusOne", "%r = gradus.mul %x, %mone : $D"},
    {"MinusOneMul", "%r = gradus.mul %mone, %x : $D"},
    {"DivMinusOne", "%r = gradus.div %x, %mone : $D"},
    {"SubZero", "%r = gradus.sub %x, %zero : $D"},
    {"AddMinusZero", "%r = gradus.add %x, %mzero : $D"},
    {"MinusZeroAdd", "%r = gradus.add %mzero, %x : $D"},
    {"AddNeg", "%n = gradus.neg %y : $D\n%r = gradus.add %x, %n : $D"},
    {"NegAdd", "%n = gradus.neg %x : $D\n%r = gradus.add %n, %y : $D"},
    {"SubNeg", "%n = gradus.neg %y : $D\n%r = gradus.sub %x, %n : $D"},
    {"NegMul", "%n = gradus.neg %x : $D\n%r = gradus.mul %n, %y : $D"},
    {"MulNeg", "%n = gradus.neg %y : $D\n%r = gradus.mul %x, %n : $D"},
    {"NegDiv", "%n = gradus.neg %x : $D\n%r = gradus.div %n, %y : $D"},
    {"DivNeg", "%n = gradus.neg %y : $D\n%r = gradus.div %x, %n : $D"},
    {"AddSelf", "%r = gradus.add %x, %x : $D"},
};

inline std::string withTypes(std::string text) {
  for (auto [from, to] : {std::pair<std::string, std::string>{"$D", "!gradus.array<[1], f64>"}, {"$S", "!gradus.array<[], f64>"}})
    for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at))
      text.replace(at, from.size(), to);
  return text;
}

/// The constants that bodies read, and x and y as %x and %y.
inline std::string writeConstants() {
  std::string text = "%two = gradus.constant dense<2> : tensor<i64>\n";
  for (auto [name, value] : {std::pair<const char *, const char *>{"zero", "0.0"}, {"mzero", "-0.0"}, {"one", "1.0"}, {"mone", "-1.0"}, {"half", "0.5"}, {"eps", "1.0e-4"}})
    text += "%k_" + std::string(name) + " = gradus.constant dense<" + value + "> : tensor<f64>\n%" + name + " = gradus.broadcast %k_" + name + " axes [] : $S to $D\n";
  return text;
}

/// A function of x and y that gives %r of a body.
inline std::string writeValue(const std::string &body) {
  std::string ops = "%x = gradus.reshape %a0 : $D to $D\n%y = gradus.reshape %a1 : $D to $D\n";
  return reference::function({"[1], f64", "[1], f64"}, {"[1], f64"}, withTypes(ops + writeConstants() + body + "\ngradus.return %r : $D"));
}

/// A function of x and y that gives the sum of %r and its derivatives in both.
inline std::string writeGradient(const std::string &body) {
  return reference::function({"[1], f64", "[1], f64"}, {"[], f64", "[1], f64", "[1], f64"},
                             withTypes("%v, %g, %h = gradus.grad (%a0, %a1) : ($D, $D) -> ($S, $D, $D) {\n^bb0(%x: $D, %y: $D):\n" + writeConstants() + body +
                                       "\n%total = gradus.reduce sum %r axes [0] : $D to $S\ngradus.yield %total : $S\n}\n"
                                       "gradus.return %v, %g, %h : $S, $D, $D"));
}

/// The names of the patterns of a set, without what stands before the last `::`.
inline std::set<std::string> namesOf(const mlir::RewritePatternSet &set) {
  std::set<std::string> names;
  for (const auto &pattern : const_cast<mlir::RewritePatternSet &>(set).getNativePatterns())
    names.insert(pattern->getDebugName().rsplit(':').second.str());
  return names;
}

} // namespace gradus::test
