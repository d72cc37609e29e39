//===- KeepsDerivativesTest.cpp - No pass sees through stop and derivatives of one's own ---===//
//
// A `stop`, or an operation with a derivative of its own, stands around each operand of each op of each form that a pattern rewrites, and around its
// result. Before and after every pass the derivatives are the same, by dual numbers of the reference, and so are those that the compiler makes.
//
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"
#include "passes/Phases.h"
#include "test/passes/simplify/Forms.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace gradus;
using namespace gradus::reference;
using namespace gradus::test;

namespace {

/// What stands around a value $V: it is $W then.
struct Wrapper {
  const char *name;
  const char *text;
};
const Wrapper wrappers[] = {
    {"stop", "$W = gradus.stop $V : $T\n"},
    // 3 dy: no derivative of the identity.
    {"custom", "$W = gradus.custom ($V) : ($T) -> ($T) {\n^bb0(%wa: $T):\ngradus.yield %wa : $T\n} derivative {\n^bb0(%wa: $T, %wb: $T, %wd: $T):\n"
               "%wp = gradus.add %wd, %wd : $T\n%wq = gradus.add %wp, %wd : $T\ngradus.yield %wq : $T\n}\n"},
    // The straight-through estimator of a sign, away from 0.
    {"surrogate", "$W = gradus.custom ($V) {surrogate} : ($T) -> ($T) {\n^bb0(%wa: $T):\n%ws = gradus.sign %wa : $T\ngradus.yield %ws : $T\n} derivative {\n"
                  "^bb0(%wa: $T, %wb: $T, %wd: $T):\ngradus.yield %wd : $T\n}\n"},
};

std::string replaced(std::string text, const std::string &from, const std::string &to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

/// The type of the first operand of an op, of what stands behind its colon.
std::string firstType(llvm::StringRef types) {
  types.consume_front("(");
  return types.substr(0, types.starts_with("$") ? 2 : types.find('>') + 1).str();
}

/// The body with a wrapper around operand `number` of its ops, counted through; empty behind the last one.
std::string wrapOperand(const std::string &body, const Wrapper &wrapper, unsigned number) {
  std::string out;
  llvm::SmallVector<llvm::StringRef> lines;
  llvm::StringRef(body).split(lines, '\n');
  bool isDone = false;
  for (llvm::StringRef line : lines) {
    std::string text = line.str();
    size_t colon = text.find(" : ");
    for (size_t begin = text.find('%', text.find(" = ")); !isDone && begin < colon; begin = text.find('%', begin + 1)) {
      std::string operand = text.substr(begin, text.find_first_of(" ,", begin) - begin);
      if (operand == "%two" || number-- > 0)
        continue;
      out += replaced(replaced(replaced(wrapper.text, "$V", operand), "$T", firstType(line.substr(colon + 3))), "$W", "%wrapped");
      text.replace(begin, operand.size(), "%wrapped");
      isDone = true;
    }
    out += text + "\n";
  }
  return isDone ? out : "";
}

using MakePass = std::unique_ptr<mlir::Pass> (*)();
struct NamedPass {
  const char *name;
  MakePass make;
};
const NamedPass passes[] = {
    {"algebra", [] { return std::unique_ptr<mlir::Pass>(createAlgebra()); }},
    {"canonicalize", [] { return mlir::createCanonicalizerPass(); }},
    {"cse", [] { return mlir::createCSEPass(); }},
    {"decompose", [] { return std::unique_ptr<mlir::Pass>(createDecompose()); }},
    {"form-contractions", [] { return std::unique_ptr<mlir::Pass>(createFormContractions()); }},
    {"reciprocal", [] { return std::unique_ptr<mlir::Pass>(createReciprocal()); }},
    {"scatter-to-select", [] { return std::unique_ptr<mlir::Pass>(createScatterToSelect()); }},
    {"stabilize", [] { return std::unique_ptr<mlir::Pass>(createStabilize()); }},
};

class KeepsDerivatives : public testing::TestWithParam<Form> {};

void expectSameDerivatives(const Arrays<double> &before, const Arrays<double> &after, const std::string &what) {
  for (unsigned k = 1; k < 3; ++k) {
    double a = before[k].reals[0], b = after[k].reals[0];
    EXPECT_TRUE((std::isnan(a) && std::isnan(b)) || a == b || std::fabs(a - b) <= 1e-9 * std::fmax(1, std::fabs(a)))
        << what << ": derivative " << k << " is " << b << ", before " << a;
  }
}

TEST_P(KeepsDerivatives, OfWhatStandsAroundEachOperand) {
  const Form &form = GetParam();
  const Arrays<double> point{vec({-0.7}), vec({1.3})};
  unsigned tried = 0;
  for (const Wrapper &wrapper : wrappers)
    for (unsigned number = 0;; ++number) {
      std::string body = wrapOperand(replaced(form.body, "1.0e9", "1.0"), wrapper, number); // without what makes a naive form fail
      if (body.empty())
        break;
      ++tried;
      std::string what = std::string(wrapper.name) + " around operand " + std::to_string(number), text = writeGradient(body);
      Arrays<double> before = Program(text).run(point);
      for (const NamedPass &pass : passes) {
        Program program(text);
        mlir::PassManager manager(&program.context);
        manager.addNestedPass<FuncOp>(pass.make());
        ASSERT_TRUE(succeeded(manager.run(*program.module)));
        expectSameDerivatives(before, program.run(point), what + ", " + pass.name);
      }
      for (Phase phase : {Phase::Differentiate, Phase::Simplify, Phase::Fuse}) {
        Program program(text);
        mlir::PassManager manager(&program.context);
        buildPhasesUpTo(manager, phase);
        ASSERT_TRUE(succeeded(manager.run(*program.module)));
        expectSameDerivatives(before, program.run(point), what + ", phases up to " + std::to_string(static_cast<int>(phase)));
      }
    }
  EXPECT_GE(tried, 3u); // each wrapper at least once
}

/// Each wrapper does something: without it the derivative is another one.
TEST(Wrappers, AreSeen) {
  const std::string body = "%r = gradus.mul %x, %y : $D";
  const Arrays<double> point{vec({-0.7}), vec({1.3})};
  for (auto [k, expected] : llvm::enumerate(std::vector<double>{0, 3 * 1.3, 1.3}))
    EXPECT_DOUBLE_EQ(Program(writeGradient(wrapOperand(body, wrappers[k], 0))).run(point)[1].reals[0], expected) << wrappers[k].name;
}

INSTANTIATE_TEST_SUITE_P(Stability, KeepsDerivatives, testing::ValuesIn(stableForms), [](const auto &info) { return std::string(info.param.pattern); });
INSTANTIATE_TEST_SUITE_P(Algebra, KeepsDerivatives, testing::ValuesIn(algebraForms), [](const auto &info) { return std::string(info.param.pattern); });

} // namespace
