//===- StabilityTest.cpp - Each stable form where the naive one fails ------------===//
//
// The reference evaluator computes what the spec says, literally; there the value or the derivative fails. After the phases it must
// be right. Expected values are to 16 digits.
//
//===----------------------------------------------------------------------===//

#include "passes/Phases.h"
#include "test/codegen/reference/Parse.h"

#include "mlir/Pass/PassManager.h"

using namespace gradus;
using namespace gradus::reference;

namespace {

/// Value and derivative of the naive form at one point.
struct Case {
  const char *name;
  const char *body; ///< defines %r from %x; %one is 1
  double x, value, derivative;
};

const Case cases[] = {
    {"log_one_plus", "%a = gradus.add %one, %x : $D\n%r = gradus.log %a : $D", 1e-20, 1e-20, 1},
    {"log_plus_one", "%a = gradus.add %x, %one : $D\n%r = gradus.log %a : $D", 1e-20, 1e-20, 1},
    {"log_one_minus", "%a = gradus.sub %one, %x : $D\n%r = gradus.log %a : $D", 1e-20, -1e-20, -1},
    {"exp_minus_one", "%a = gradus.exp %x : $D\n%r = gradus.sub %a, %one : $D", 1e-20, 1e-20, 1},
    {"log_one_plus_exp", "%e = gradus.exp %x : $D\n%a = gradus.add %one, %e : $D\n%r = gradus.log %a : $D", 1000, 1000, 1},
    {"log_exp", "%e = gradus.exp %x : $D\n%r = gradus.log %e : $D", 1000, 1000, 1},
    {"log_exp_over", "%e = gradus.exp %x : $D\n%q = gradus.div %e, %x : $D\n%r = gradus.log %q : $D", 1000, 993.0922447210179, 0.999},
    {"logistic", "%n = gradus.neg %x : $D\n%e = gradus.exp %n : $D\n%a = gradus.add %one, %e : $D\n%r = gradus.div %one, %a : $D", -1000, 0, 0},
    {"exp_over_one_plus_exp", "%e = gradus.exp %x : $D\n%a = gradus.add %one, %e : $D\n%r = gradus.div %e, %a : $D", 1000, 1, 0},
    {"exp_over_exp_plus_one", "%e = gradus.exp %x : $D\n%a = gradus.add %e, %one : $D\n%r = gradus.div %e, %a : $D", 1000, 1, 0},
    {"log_sigmoid", "%s = gradus.sigmoid %x : $D\n%r = gradus.log %s : $D", -1000, -1000, 1},
    {"log_one_minus_sigmoid", "%s = gradus.sigmoid %x : $D\n%a = gradus.sub %one, %s : $D\n%r = gradus.log %a : $D", 1000, -1000, -1},
    {"log_sum_exp", "%e = gradus.exp %x : $D\n%s = gradus.reduce sum %e axes [0] : $D to $S\n%l = gradus.log %s : $S\n"
                    "%r = gradus.broadcast %l axes [] : $S to $D", 1000, 1000, 1},
    {"log_softmax", "%e = gradus.exp %x : $D\n%s = gradus.reduce sum %e axes [0] : $D to $S\n%b = gradus.broadcast %s axes [] : $S to $D\n"
                    "%q = gradus.div %e, %b : $D\n%r = gradus.log %q : $D", 1000, 0, 0},
    {"softmax", "%e = gradus.exp %x : $D\n%s = gradus.reduce sum %e axes [0] : $D to $S\n%b = gradus.broadcast %s axes [] : $S to $D\n"
                "%r = gradus.div %e, %b : $D", 1000, 1, 0},
};

std::string write(const Case &test) {
  std::string body = test.body;
  for (auto [from, to] : {std::pair<std::string, std::string>{"$D", "!gradus.array<[1], f64>"}, {"$S", "!gradus.array<[], f64>"}})
    for (size_t at = body.find(from); at != std::string::npos; at = body.find(from, at))
      body.replace(at, from.size(), to);
  std::string d = "!gradus.array<[1], f64>", s = "!gradus.array<[], f64>";
  return function({"[1], f64"}, {"[], f64", "[1], f64"},
                  "%v, %g = gradus.grad (%a0) : (" + d + ") -> (" + s + ", " + d + ") {\n^bb0(%x: " + d + "):\n%k = gradus.constant dense<1.0> : tensor<f64>\n" +
                      "%one = gradus.broadcast %k axes [] : " + s + " to " + d + "\n" + body + "\n%total = gradus.reduce sum %r axes [0] : " + d + " to " + s +
                      "\ngradus.yield %total : " + s + "\n}\ngradus.return %v, %g : " + s + ", " + d);
}

class Stability : public testing::TestWithParam<Case> {};

bool isRight(double got, double expected) { return std::fabs(got - expected) <= 1e-12 * std::fabs(expected); }

TEST_P(Stability, IsGainedWhereTheNaiveFormFails) {
  const Case &test = GetParam();
  Program program(write(test));
  Arrays<double> naive = program.run({vec({test.x})});
  EXPECT_FALSE(isRight(naive[0].reals[0], test.value) && isRight(naive[1].reals[0], test.derivative))
      << "the naive form is right here: the case shows nothing";
  mlir::PassManager passes(&program.context);
  buildPhasesUpTo(passes, Phase::Simplify);
  ASSERT_TRUE(succeeded(passes.run(*program.module)));
  Arrays<double> stable = program.run({vec({test.x})});
  EXPECT_TRUE(isRight(stable[0].reals[0], test.value)) << "value " << stable[0].reals[0] << ", naively " << naive[0].reals[0];
  EXPECT_TRUE(isRight(stable[1].reals[0], test.derivative)) << "derivative " << stable[1].reals[0] << ", naively " << naive[1].reals[0];
}

INSTANTIATE_TEST_SUITE_P(All, Stability, testing::ValuesIn(cases), [](const auto &info) { return std::string(info.param.name); });

} // namespace
