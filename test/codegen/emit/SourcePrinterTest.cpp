//===- SourcePrinterTest.cpp - Gradients as Gradus source -------------------------===//

#include "codegen/emit/SourcePrinter.h"
#include "passes/Phases.h"
#include "passes/diff/BuildGradient.h"
#include "test/codegen/reference/Parse.h"

#include "mlir/Pass/PassManager.h"

using namespace gradus;
using namespace gradus::reference;

namespace {

struct Argument {
  const char *name, *type, *role;
};

/// The source of `@loss.grad` for a loss with `arguments` and a `body` that defines %loss.
std::string gradientOf(std::vector<Argument> arguments, const std::string &body) {
  std::string text = "gradus.func loss @loss(";
  for (size_t i = 0; i < arguments.size(); ++i)
    text += std::string(i ? ", %" : "%") + arguments[i].name + ": !gradus.array<" + arguments[i].type + "> {gradus.name = \"" + arguments[i].name +
            "\", gradus.role = #gradus.role<" + arguments[i].role + ">}";
  text += ") -> (!gradus.array<[], f64> {gradus.name = \"value\", gradus.role = #gradus.role<value>}) {\n" + body +
          "\ngradus.return %loss : !gradus.array<[], f64>\n}\n";
  Program program(text);
  EXPECT_TRUE(succeeded(buildGradientFunction(*program.module, program.func())));
  mlir::PassManager passes(&program.context);
  PhaseOptions options;
  options.exactDiv = true;
  buildPhasesUpTo(passes, Phase::Simplify, options);
  EXPECT_TRUE(succeeded(passes.run(*program.module)));
  auto printed = printAsSource(program.module->lookupSymbol<FuncOp>("loss.grad"));
  EXPECT_TRUE(succeeded(printed));
  return succeeded(printed) ? *printed : "";
}

TEST(SourcePrinter, WritesSoftmaxRegressionInIndexNotation) {
  EXPECT_EQ(gradientOf({{"W", "[d, c], f64", "param"}, {"b", "[c], f64", "param"}, {"X", "[n, d], f64", "data"}, {"label", "[n], i64", "data"}},
                       R"(
  %z0 = gradus.contract %X [0, 2], %W [2, 1] -> [0, 1] : !gradus.array<[n, d], f64>, !gradus.array<[d, c], f64> -> !gradus.array<[n, c], f64>
  %bb = gradus.broadcast %b axes [1] : !gradus.array<[c], f64> to !gradus.array<[n, c], f64>
  %z = gradus.add %z0, %bb : !gradus.array<[n, c], f64>
  %lse = gradus.logsumexp %z axes [1] : !gradus.array<[n, c], f64> to !gradus.array<[n], f64>
  %i = gradus.iota 0 : !gradus.array<[n], i64>
  %g = gradus.gather %z[%i, %label] : !gradus.array<[n, c], f64>, (!gradus.array<[n], i64>, !gradus.array<[n], i64>) -> !gradus.array<[n], f64>
  %e = gradus.sub %lse, %g : !gradus.array<[n], f64>
  %s = gradus.reduce sum %e axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>
  %n = gradus.dim "n"
  %nf = gradus.cast %n : !gradus.array<[], i64> to !gradus.array<[], f64>
  %loss = gradus.div %s, %nf : !gradus.array<[], f64>)"),
            R"(fn loss_grad(W: [d, c], b: [c], X: [n, d], label: [n] int) {
  v1[i, k] = sum[j](X[i, j] * W[j, k]) + b[k]
  v2[i] = logsumexp[k](v1[i, k])
  value = sum[i](v2[i] - v1[i, label[i]]) / n
  s1 = 1 / n
  v3[i, k] = where(k == label[i], 0 - s1, 0) + exp(v1[i, k] - v2[i]) * s1
  grad_b[i] = sum[k](v3[k, i])
  grad_W[i, k] = sum[j](v3[j, k] * X[j, i])
  return value, grad_W, grad_b
}
)");
}

TEST(SourcePrinter, KeepsPrecedence) {
  EXPECT_EQ(gradientOf({{"w", "[], f64", "param"}, {"a", "[], f64", "hyper"}},
                       R"(
  %s = gradus.sub %w, %a : !gradus.array<[], f64>
  %t = gradus.sub %a, %s : !gradus.array<[], f64>
  %k = gradus.constant dense<3> : tensor<i64>
  %p = gradus.int_pow %t, %k : !gradus.array<[], f64>, !gradus.array<[], i64>
  %loss = gradus.div %p, %s : !gradus.array<[], f64>)"),
            R"(fn loss_grad(w: [], a: []) {
  s1 = w - a
  s2 = a - s1
  value = s2^3 / s1
  grad_w = -(value / s1) - s2 * s2 * 3 * (1 / s1)
  return value, grad_w
}
)");
}

TEST(SourcePrinter, WritesChoicesAndMatrixProducts) {
  EXPECT_EQ(gradientOf({{"w", "[d], f64", "param"}, {"X", "[n, d], f64", "data"}, {"y", "[n], f64", "data"}},
                       R"(
  %m = gradus.contract %X [0, 1], %w [1] -> [0] : !gradus.array<[n, d], f64>, !gradus.array<[d], f64> -> !gradus.array<[n], f64>
  %p = gradus.mul %y, %m : !gradus.array<[n], f64>
  %k = gradus.constant dense<1.0> : tensor<f64>
  %one = gradus.broadcast %k axes [] : !gradus.array<[], f64> to !gradus.array<[n], f64>
  %zk = gradus.constant dense<0.0> : tensor<f64>
  %zero = gradus.broadcast %zk axes [] : !gradus.array<[], f64> to !gradus.array<[n], f64>
  %s = gradus.sub %one, %p : !gradus.array<[n], f64>
  %h = gradus.max %zero, %s : !gradus.array<[n], f64>
  %loss = gradus.reduce sum %h axes [0] : !gradus.array<[n], f64> to !gradus.array<[], f64>)"),
            R"(fn loss_grad(w: [d], X: [n, d], y: [n]) {
  v1[i] = 1 - y[i] * sum[k](X[i, k] * w[k])
  value = sum[i](max(0, v1[i]))
  grad_w[i] = sum[k](-(y[k] * where(0 >= v1[k], 0, 1)) * X[k, i])
  return value, grad_w
}
)");
}

} // namespace
