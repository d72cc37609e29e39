//===- rule_accuracy_test.cpp - 1,000 steps in f32 against the f64 reference ----===//
//
// 2^16 parameters p0 = 0.02 N(0, 1), gradients g = 0.3 b_i + N(0, 1); both sides get the same f32 numbers. The rms error after
// 1,000 steps is at most 2e-5 of the rms distance travelled; for rules that take a sign, 2e-4.
//
//===----------------------------------------------------------------------===//

#include "codegen/reference/Evaluator.h"
#include "test/rules/Compiled.h"

#include <cmath>
#include <random>

using namespace gradus;

namespace {

struct Case {
  const char *file, *rule;
  double limit;
};

void PrintTo(const Case &c, std::ostream *os) { *os << c.rule; }

constexpr int64_t size = 1 << 16;
constexpr uint64_t steps = 1000;

/// The default of a hyper-parameter as a double.
double defaultOf(const EntryHyper &hyper) {
  if (auto real = llvm::dyn_cast_or_null<mlir::FloatAttr>(hyper.initial))
    return real.getValueAsDouble();
  auto whole = llvm::cast<mlir::IntegerAttr>(hyper.initial);
  return whole.getType().isInteger(1) ? whole.getValue().getBoolValue() : static_cast<double>(whole.getInt());
}

class RuleAccuracy : public testing::TestWithParam<Case> {
protected:
  void SetUp() override {
    std::normal_distribution<float> normal;
    for (int64_t i = 0; i < size; ++i) {
      start.push_back(0.02f * normal(random));
      bias.push_back(0.3f * normal(random));
    }
  }
  std::vector<float> nextGradient() {
    std::normal_distribution<float> normal;
    std::vector<float> g(size);
    for (int64_t i = 0; i < size; ++i)
      g[i] = bias[i] + normal(random);
    return g;
  }
  std::mt19937 random{7};
  std::vector<float> start, bias;
};

/// One run in f32 by compiled code and in f64 by the evaluator, step by step on the same gradients.
struct Runs {
  std::unique_ptr<JitEntry> entry;
  FuncOp func;
  std::vector<double> hypers;
  std::vector<std::vector<float>> tensors;        // of the slot
  std::map<std::string, std::vector<double>> f64; // param and states by name

  void step(uint64_t t, const std::vector<float> &gradient) {
    const EntryLayout &layout = entry->getLayout();
    std::vector<gradus_tensor> slot;
    static const int64_t dims[] = {size};
    for (size_t i = 0; i < layout.tensors.size(); ++i) {
      if (layout.tensors[i].role == GRADUS_GRAD)
        tensors[i] = gradient;
      slot.push_back({tensors[i].data(), dims, nullptr, 1, GRADUS_F32, GRADUS_CPU, 0});
    }
    std::string error;
    ASSERT_EQ(entry->call(hypers.data(), t, 0, slot, nullptr, error), GRADUS_OK) << error;

    reference::Arrays<double> arguments;
    size_t hyper = 0;
    for (unsigned i = 0; i < func.getNumArguments(); ++i) {
      auto type = llvm::cast<ArrayType>(func.getArgumentTypes()[i]);
      std::string name = func.getArgName(i).str();
      switch (func.getArgRole(i)) {
      case Role::Hyper: {
        double x = hypers[hyper++];
        arguments.push_back(type.isFloat()  ? reference::Array<double>::scalar(x)
                            : type.isBool() ? reference::Array<double>::scalarBool(x != 0)
                                            : reference::Array<double>::scalarInt(static_cast<int64_t>(x)));
        break;
      }
      case Role::Time: arguments.push_back(reference::Array<double>::scalarInt(static_cast<int64_t>(t))); break;
      case Role::Grad: arguments.push_back(reference::Array<double>::real({size}, {gradient.begin(), gradient.end()})); break;
      default: arguments.push_back(reference::Array<double>::real({size}, f64[name])); break;
      }
    }
    auto results = reference::evaluateOpen<double>(func, {arguments}, error);
    ASSERT_TRUE(succeeded(results)) << error;
    for (unsigned i = 0; i < func.getNumResults(); ++i)
      f64[func.getResultName(i).str()] = (*results)[0][i].reals;
  }
};

} // namespace

TEST_P(RuleAccuracy, AfterAThousandSteps) {
  Compiled spec(std::string("rules/") + GetParam().file, "f32");
  ASSERT_TRUE(spec.isReady());
  Runs runs;
  std::string symbol = std::string(GetParam().rule) + ".step";
  runs.entry = spec.getEntry(symbol);
  runs.func = spec.getReference(symbol);
  ASSERT_TRUE(runs.entry->isThere());
  for (const EntryHyper &hyper : runs.entry->getLayout().hypers)
    runs.hypers.push_back(defaultOf(hyper));
  size_t param = 0;
  for (auto [i, tensor] : llvm::enumerate(runs.entry->getLayout().tensors)) {
    bool isParam = tensor.role == GRADUS_PARAM;
    runs.tensors.push_back(isParam ? start : std::vector<float>(size));
    runs.f64[tensor.name] = isParam ? std::vector<double>(start.begin(), start.end()) : std::vector<double>(size);
    if (isParam)
      param = i;
  }
  for (uint64_t t = 1; t <= steps && !HasFatalFailure(); ++t)
    runs.step(t, nextGradient());
  double error = 0, travelled = 0;
  const std::vector<double> &exact = runs.f64[runs.entry->getLayout().tensors[param].name];
  for (int64_t i = 0; i < size; ++i) {
    error += std::pow(runs.tensors[param][i] - exact[i], 2);
    travelled += std::pow(exact[i] - start[i], 2);
  }
  double ratio = std::sqrt(error / travelled);
  RecordProperty("rms_error", std::to_string(ratio));
  std::printf("%s: rms error %.2g x rms |p_T - p_0|\n", GetParam().rule, ratio);
  EXPECT_GT(travelled, 0);
  EXPECT_LE(ratio, GetParam().limit);
}

INSTANTIATE_TEST_SUITE_P(Shelf, RuleAccuracy,
                         testing::Values(Case{"adagrad.grad", "adagrad", 2e-5}, Case{"adam.grad", "adam", 2e-5}, Case{"adamw.grad", "adamw", 2e-5},
                                         Case{"diffgrad.grad", "diffgrad", 2e-5}, Case{"lion.grad", "lion", 2e-4},
                                         Case{"momentum.grad", "momentum", 2e-5}, Case{"rmsprop.grad", "rmsprop", 2e-5},
                                         Case{"sgd.grad", "plain_sgd", 2e-5}, Case{"sgd.grad", "sgd", 2e-5}),
                         [](const auto &info) { return std::string(info.param.rule); });
