//===- SourceRoundTripTest.cpp - Printed gradients parse and mean the same --------===//
//
// Each loss of the standard library, and losses that need more of the language: the gradient is printed, the text is read by the
// front end, and both functions are evaluated at one point. The text of the library's gradients does not change when printed again; where
// an index needs an array of zeros for its range, the sum with it stays.
//
//===----------------------------------------------------------------------===//

#include "codegen/emit/SourcePrinter.h"
#include "codegen/reference/RandomPoint.h"
#include "lang/Frontend.h"
#include "lang/Source.h"
#include "passes/Phases.h"
#include "passes/diff/BuildGradient.h"
#include "test/codegen/reference/Parse.h"

#include "mlir/Pass/PassManager.h"

#include <fstream>
#include <sstream>

using namespace gradus;
using namespace gradus::reference;

namespace {

/// A loss by its name, and its spec; without one, it is of the standard library.
struct Case {
  std::string name;
  std::string spec = "";
};
void PrintTo(const Case &c, std::ostream *os) { *os << c.name; }

/// Emits a spec in f64; errors of the spec are failures of the test.
mlir::OwningOpRef<mlir::ModuleOp> emit(mlir::MLIRContext &context, const std::string &text) {
  SourceManager sources;
  Diagnostics diagnostics(sources);
  EmitOptions options;
  options.dtype = "f64";
  options.standardLibrary = GRADUS_SOURCE_LIBRARY;
  mlir::OwningOpRef<mlir::ModuleOp> module = emitModule(context, sources, sources.add("spec.grad", text), diagnostics, options);
  EXPECT_TRUE(module) << diagnostics.render() << text;
  return module;
}

void simplify(mlir::ModuleOp module) {
  mlir::PassManager passes(module.getContext());
  PhaseOptions options;
  options.exactDiv = true;
  buildPhasesUpTo(passes, Phase::Simplify, options);
  ASSERT_TRUE(succeeded(passes.run(module)));
}

std::string readLoss(const std::string &name) {
  std::ifstream in(std::string(GRADUS_SOURCE_LIBRARY) + "/std/losses/" + name + ".grad");
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_TRUE(in.good()) << name;
  return text.str();
}

/// The source of the gradient function, or nothing.
std::string print(FuncOp func) {
  auto text = printAsSource(func);
  EXPECT_TRUE(succeeded(text));
  return succeeded(text) ? *text : "";
}

class SourceRoundTrip : public testing::TestWithParam<Case> {};

TEST_P(SourceRoundTrip, KeepsMeaningAndText) {
  mlir::MLIRContext context;
  context.loadDialect<GradusDialect>();
  const auto &[name, spec] = GetParam();
  auto module = emit(context, spec.empty() ? readLoss(name) : spec);
  ASSERT_TRUE(module);
  auto loss = module->lookupSymbol<FuncOp>(name);
  ASSERT_TRUE(loss);
  auto gradient = buildGradientFunction(*module, loss);
  ASSERT_TRUE(succeeded(gradient));
  simplify(*module);
  std::string text = print(*gradient);

  auto again = emit(context, text);
  ASSERT_TRUE(again);
  simplify(*again);
  auto func = again->lookupSymbol<FuncOp>(name + "_grad");
  ASSERT_TRUE(func) << text;

  Arrays<double> point = makeRandomPoint(*gradient, {});
  std::string error;
  auto expected = evaluate<double>(*gradient, point, error), got = evaluate<double>(func, point, error);
  ASSERT_TRUE(succeeded(expected) && succeeded(got)) << error << "\n" << text;
  ASSERT_EQ(got->size(), expected->size());
  for (size_t i = 0; i < got->size(); ++i)
    expectNear((*got)[i].reals, (*expected)[i].reals, 1e-14);
  if (spec.empty())
    EXPECT_EQ(print(func), text);
}

INSTANTIATE_TEST_SUITE_P(Losses, SourceRoundTrip,
                         testing::Values(Case{"hinge"}, Case{"huber"}, Case{"logistic"}, Case{"perceptron"}, Case{"softmax_regression"},
                                         Case{"squared_error"}),
                         [](const auto &info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Forms, SourceRoundTrip,
    testing::Values(Case{"argument_called_inf", "loss argument_called_inf(inf: [n]) = sum[i](max[k != i](inf[k]))\n"},
                    Case{"cumulated", "loss cumulated(v: [n], w: [m, n]) {\n  y = cumlogsumexp(v)\n  z = cumlogsumexp[axis = 1, reverse](w)\n  return sum(y^2) + sum(z^2)\n}\n"},
                    Case{"computed_index", "loss computed_index(v: [n]) = sum[i](v[i] * v[i - i % 2]^2)\n"},
                    Case{"constant_index", "loss constant_index(v: [n], w: [n]) = sum[i](v[0]^2 * w[i]^2)\n"},
                    Case{"constant_write", "loss constant_write(v: [n]) {\n  c = v\n  c[1] += 3 * v[0]^2\n  return sum(c^3)\n}\n"},
                    Case{"factored", "loss factored(X: [n], y: [n]) {\n  K[i, j] = exp(-(X[i] - X[j])^2) + (if i == j then 1 else 0)\n  L = cholesky(K)\n"
                                     "  a = solve[lower](L, y)\n  return 0.5 * dot(a, a) + sum(log(diag(L)))\n}\n"},
                    Case{"factored_eigh", "loss factored_eigh(B: [n, n], b: [n]) {\n  e, Q = eigh(B + B.T + 9 * diag(arange(n)))\n  return sum(e^3) + sum((Q.T @ b)^4)\n}\n"},
                    Case{"factored_logdet", "loss factored_logdet(A: [n, n], b: [n]) = logdet(A + 4 * eye(n)) + sum(inverse(A + 4 * eye(n)) @ b) + det(A)\n"},
                    Case{"factored_qr", "loss factored_qr(A: [m, 2], b: [m]) {\n  Q, R = qr(A)\n  return sum((b @ Q)^3) + sum(R^2)\n}\n"},
                    Case{"factored_solve", "loss factored_solve(A: [n, n], b: [n], B: [n, m]) {\n  M = A + 4 * eye(n)\n  P = M @ M.T\n"
                                           "  return sum(solve(M, b)^2) + sum(solve[positive](P, B)^2) + sum(solve[upper, transposed](M, b)^2)\n}\n"},
                    Case{"factored_svd", "loss factored_svd(A: [6, 2], b: [2]) {\n  U, s, V = svd(A)\n  return sum(s * b) + sum(((U * s) @ V.T)^2 * A)\n}\n"},
                    Case{"guard_less", "loss guard_less(v: [n]) = sum[i](sum[k < i](log(v[k]^2 + v[i]^2)))\n"},
                    Case{"guard_max", "loss guard_max(v: [n]) = sum[i](max[k != i](v[i] * v[k]))\n"},
                    Case{"guard_prod", "loss guard_prod(v: [n]) = sum[i](log(prod[j != i](v[i] - v[j])^2))\n"},
                    Case{"guard_two", "loss guard_two(v: [n]) = sum[i, j < i](v[i]^2 * v[j])\n"},
                    Case{"guard_unequal", "loss guard_unequal(v: [n]) = sum[i](v[i] * sum[k != i](v[k]^2))\n"},
                    Case{"index_as_number", "loss index_as_number(v: [n]) = sum[i](v[i]^2 * i) + sum[i](v[i] * sum[k < i](1.0))\n"},
                    Case{"recurrence", "loss recurrence(R: [n], c: [n, m], b: [m]) {\n  A[k] = R[k] + 0.5 * tanh(A[k + 1]) * R[k], A[n] = 0\n"
                                       "  B[k, i] = c[k, i] * B[k - 1, i] + R[k], B[-1, i] = b[i]\n  return sum(stop(A) * R^2) + sum(stop(B) * c^2)\n}\n"},
                    Case{"repeated_place", "loss repeated_place(w: [d], label: [n] int, y: [n], b: [c]) {\n  z[i, j] = y[i] + w[j]\n  s = sum[axis = 0](segment_sum(z, label, c))\n  return sum(s^2) + sum(b^2)\n}\n"},
                    Case{"scatter", "loss scatter(v: [n], label: [n] int) {\n  c = zeros(n)\n  c[label[i]] += v[i]^2\n  return sum(c^3)\n}\n"},
                    Case{"shifted_index", "loss shifted_index(V: [9], r: [8]) = sum[k](r[k] * V[k + 1]^2)\n"},
                    Case{"shifted_write", "loss shifted_write(v: [8]) {\n  c = ones(9)\n  c[k + 1] = v[k]^2\n  return sum(c^3)\n}\n"},
                    Case{"special", "loss special(v: [n]) {\n  a = lgamma(cosh(v)) + asin(tanh(v)) * erfc(v) + exp2(v) * acosh(2 + v^2) + round(v) * v\n"
                                    "  b = atan2(v, 2) * hypot(v, 1) + normal_cdf(v) + lambert_w(v^2) + normal_quantile(sigmoid(v))\n"
                                    "  c = log2(1 + v^2) * log10(2 + v^2) + asinh(v) * cbrt(3 + v^2) + atanh(tanh(v)) + acos(tanh(v)) * atan(v) * sinh(v)\n"
                                    "  return sum(a * b) + sum(c)\n}\n"},
                    Case{"slice", "loss slice(v: [8]) = sum(v[2:6]^2) + sum(v[0:3]^3)\n"}),
    [](const auto &info) { return info.param.name; });

} // namespace
