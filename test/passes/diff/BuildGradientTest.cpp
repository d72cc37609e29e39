//===- BuildGradientTest.cpp - The function that gives a loss and its gradients ---===//

#include "passes/diff/BuildGradient.h"
#include "test/codegen/reference/Parse.h"

#include "mlir/IR/Verifier.h"

using namespace gradus;
using namespace gradus::reference;

namespace {

/// A loss of a parameter, data, a label and a hyper-parameter.
const char *const text = R"(
gradus.func loss @f(%w: !gradus.array<[n], f32> {gradus.name = "w", gradus.role = #gradus.role<param>},
    %x: !gradus.array<[n], f32> {gradus.name = "x", gradus.role = #gradus.role<data>},
    %l: !gradus.array<[n], i64> {gradus.name = "label", gradus.role = #gradus.role<data>},
    %h: !gradus.array<[], f64> {gradus.name = "lambda", gradus.role = #gradus.role<hyper>})
    -> (!gradus.array<[], f64> {gradus.name = "value", gradus.role = #gradus.role<value>}) {
  %p = gradus.mul %w, %x : !gradus.array<[n], f32>
  %s = gradus.reduce sum %p axes [0] : !gradus.array<[n], f32> to !gradus.array<[], f64>
  %r = gradus.mul %s, %h : !gradus.array<[], f64>
  gradus.return %r : !gradus.array<[], f64>
}
)";

TEST(BuildGradient, DifferentiatesInTheParameters) {
  Program program(text);
  auto func = buildGradientFunction(*program.module, program.func());
  ASSERT_TRUE(succeeded(func) && succeeded(mlir::verify(*program.module)));
  ASSERT_EQ(func->getNumResults(), 2u);
  EXPECT_EQ(func->getResultName(1), "grad_w");
  EXPECT_EQ(func->getResultRole(1), Role::Grad);
  EXPECT_EQ(func->getResultTypes()[1], func->getArgumentTypes()[0]);
  // Asked again, it is the same function.
  EXPECT_EQ(*buildGradientFunction(*program.module, program.func()), *func);
}

TEST(BuildGradient, DifferentiatesInWhatIsNamed) {
  Program program(text);
  auto func = buildGradientFunction(*program.module, program.func(), {"x", "lambda"});
  ASSERT_TRUE(succeeded(func));
  EXPECT_EQ(func->getResultName(1), "grad_x");
  EXPECT_EQ(func->getResultName(2), "grad_lambda");
}

TEST(BuildGradient, RefusesWhatIsNotThereOrNotReal) {
  Program program(text);
  std::string message;
  mlir::ScopedDiagnosticHandler handler(&program.context, [&](mlir::Diagnostic &diagnostic) { message = diagnostic.str(); });
  EXPECT_TRUE(failed(buildGradientFunction(*program.module, program.func(), {"v"})));
  EXPECT_EQ(message, "G0851: cannot differentiate 'f' in 'v': it has no such argument");
  EXPECT_TRUE(failed(buildGradientFunction(*program.module, program.func(), {"label"})));
  EXPECT_EQ(message, "G0851: cannot differentiate 'f' in 'label': it is not real");
}

TEST(BuildGradient, RefusesALossWithoutValue) {
  std::string reports = text;
  reports.replace(reports.find("role<value>"), std::string("role<value>").size(), "role<report>");
  Program program(reports);
  std::string message;
  mlir::ScopedDiagnosticHandler handler(&program.context, [&](mlir::Diagnostic &diagnostic) { message = diagnostic.str(); });
  EXPECT_TRUE(failed(buildGradientFunction(*program.module, program.func())));
  EXPECT_EQ(message, "G0852: cannot differentiate 'f': it has no value");
}

} // namespace
