//===- Generator.cpp - Functions of elements --------------------------------------===//

#include "Generator.h"

using namespace gradus::random_specs;

NodePtr Generator::number() { return make(word({"0", "0.5", "1", "1.25", "2", "(-0.75)", "3e-2", "(-1)"}), ""); }

std::string Generator::unary() {
  return word({"tanh($0)",          "sigmoid($0)",           "softplus($0)",     "sin($0)",           "cos($0)",         "abs($0)",
               "exp(-abs($0))",     "log(1 + $0^2)",         "sqrt(1 + $0^2)",   "log1p($0^2)",       "erf($0)",         "expm1(-abs($0))",
               "relu($0)",          "($0 / (1 + $0^2))",     "clip($0, -1, 2)",  "(-$0)",             "(0.5 * $0)",      "stop($0)",
               "square(tanh($0))",  "(1 / (1 + exp(-$0)))",  "(tanh($0) ^ 3)",   "sign($0)",          "(1 - $0)",        "log(2 + cos($0))",
               "atan($0)",          "asinh($0)",             "cbrt(2 + sin($0))", "gelu($0)",         "silu($0)",        "normal_cdf($0)",
               "rsqrt(1 + $0^2)",   "log_sigmoid($0)",       "elu($0)",          "lgamma(1 + $0^2)",
               "exp2(-abs($0))",    "log2(1 + $0^2)",        "asin(0.9 * tanh($0))", "acosh(1.5 + $0^2)", "erfc($0)",       "leaky_relu($0, 0.2)",
               "relu6(2 * $0)",     "reciprocal(2 + sin($0))", "cosh(tanh($0))", "logit(0.1 + 0.8 * sigmoid($0))", "normal_quantile(0.05 + 0.9 * sigmoid($0))",
               "lambert_w(exp(tanh($0)))", "floor(3 * $0)",  "round(2 * $0)",    "trunc($0)",         "ceil($0)",        "(($0 - 0.5) ^ 2)",
               "sinh(tanh($0))",    "log10(2 + cos($0))",    "acos(0.9 * tanh($0))", "atanh(0.9 * tanh($0))", "tan(tanh($0))", "elu($0, 0.5)"});
}

std::string Generator::binary() {
  return word({"($0 + $1)", "($0 - $1)", "($0 * $1)", "($0 + $1)", "($0 / (1 + $1^2))", "($0 * sigmoid($1))", "atan2($0, 1 + $1^2)", "hypot($0, 1 + $1)",
               "((1 + $0^2) ^ tanh($1))", "($0 * ($1 > 0.35))", "where(isfinite($1), $0, 0)"});
}
