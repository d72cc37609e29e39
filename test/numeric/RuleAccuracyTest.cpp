//===- RuleAccuracyTest.cpp - A thousand steps in f32 against the f64 reference ---===//
//
// Every rule of the shelf, with the hyper-parameters that it declares: 2^16 elements, p0 = 0.02 N(0, 1),
// g = 0.3 b_i + N(0, 1). The machine code and the evaluator get the same stored f32 numbers; the evaluator computes in f64.
//
//===----------------------------------------------------------------------===//

#include "Compiled.h"

#include "lang/Frontend.h"

#include "gtest/gtest.h"

#include <random>

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

namespace {

constexpr int64_t numElements = 1 << 16;
constexpr int numSteps = 1000;

struct RuleCase {
  std::string rule;      ///< file and unit
  double bound = 2e-5;   ///< of rms error by rms distance
};

/// N(0, 1) as stored by the caller.
class Normal {
public:
  double next() { return static_cast<float>(std::sqrt(-2 * std::log(uniform())) * std::cos(2 * M_PI * uniform())); }

private:
  double uniform() { return (static_cast<double>(bits() >> 11) + 0.5) * 0x1p-53; }
  std::mt19937_64 bits{7};
};

class RuleAccuracy : public testing::TestWithParam<RuleCase> {};

} // namespace

static double rms(const std::vector<double> &a, const std::vector<double> &b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i)
    sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum / a.size());
}

/// Zeros and defaults for the first step.
static Arrays<double> firstArguments(FuncOp step, Normal &normal) {
  Arrays<double> args;
  for (unsigned i = 0; i < step.getNumArguments(); ++i) {
    auto type = llvm::cast<ArrayType>(step.getArgumentTypes()[i]);
    Shape shape;
    for ([[maybe_unused]] Attribute dim : type.getShape())
      shape.push_back(numElements);
    args.push_back(Array<double>::zeros(type.isFloat() ? Kind::Real : type.isBool() ? Kind::Bool : Kind::Integer, shape));
    if (auto real = step.getArgAttrOfType<FloatAttr>(i, "gradus.default"))
      args.back().reals[0] = real.getValueAsDouble();
    if (step.getArgRole(i) == Role::Param)
      for (double &p : args.back().reals)
        p = static_cast<float>(0.02 * normal.next());
  }
  return args;
}

/// The next parameters and states take the place of the old ones.
static void commit(FuncOp step, const Arrays<double> &results, Arrays<double> &args) {
  for (unsigned r = 0; r < step.getNumResults(); ++r)
    if (step.getResultOf(r) >= 0)
      args[step.getResultOf(r)] = results[r];
}

TEST_P(RuleAccuracy, StaysNearTheReference) {
  const RuleCase &test = GetParam();
  MLIRContext context;
  context.loadDialect<GradusDialect>();
  SourceManager sources;
  Diagnostics diagnostics(sources);
  EmitOptions options;
  options.standardLibrary = GRADUS_TEST_STD;
  auto module = emitFile(context, sources, std::string(GRADUS_TEST_STD "/rules/") + test.rule + ".grad", diagnostics, options);
  ASSERT_TRUE(module) << diagnostics.render();
  auto step = module->lookupSymbol<FuncOp>(test.rule + ".step");
  ASSERT_TRUE(step);
  std::string error;
  auto compiled = Compiled::create(*module, error);
  ASSERT_TRUE(compiled) << error;

  Normal normal;
  std::vector<double> drift(numElements);
  for (double &b : drift)
    b = normal.next();
  Arrays<double> wide = firstArguments(step, normal), narrow = wide;
  unsigned param = 0;
  for (unsigned i = 0; i < step.getNumArguments(); ++i)
    if (step.getArgRole(i) == Role::Param)
      param = i;
  std::vector<double> start = wide[param].reals;
  for (int t = 1; t <= numSteps; ++t) {
    for (unsigned i = 0; i < step.getNumArguments(); ++i) {
      if (step.getArgRole(i) == Role::Time)
        wide[i].ints[0] = narrow[i].ints[0] = t;
      if (step.getArgRole(i) != Role::Grad)
        continue;
      for (int64_t k = 0; k < numElements; ++k)
        wide[i].reals[k] = static_cast<float>(0.3 * drift[k] + normal.next());
      narrow[i].reals = wide[i].reals;
    }
    auto expected = evaluate<double>(step, wide, error);
    auto got = compiled->call(step.getSymName(), narrow, error);
    ASSERT_TRUE(succeeded(expected) && succeeded(got)) << error;
    commit(step, *expected, wide);
    commit(step, got->front(), narrow);
  }
  double ratio = rms(narrow[param].reals, wide[param].reals) / rms(wide[param].reals, start);
  RecordProperty("ratio", std::to_string(ratio));
  printf("%s: rms error %.3g of the distance\n", test.rule.c_str(), ratio);
  EXPECT_LE(ratio, test.bound);
}

INSTANTIATE_TEST_SUITE_P(Shelf, RuleAccuracy,
                         testing::Values(RuleCase{"adagrad"}, RuleCase{"adam"}, RuleCase{"adamw"}, RuleCase{"diffgrad"}, RuleCase{"lion", 2e-4},
                                         RuleCase{"momentum"}, RuleCase{"rmsprop"}, RuleCase{"sgd"}),
                         [](const auto &info) { return info.param.rule; });
