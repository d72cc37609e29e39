//===- loss_gradient_test.cpp - Compiled gradients against dual numbers, in f64 --===//

#include "codegen/reference/Evaluator.h"
#include "test/rules/Compiled.h"

#include <cmath>
#include <random>

using namespace gradus;

namespace {

struct Case {
  const char *file, *loss;
};
void PrintTo(const Case &c, std::ostream *os) { *os << c.loss; }

class LossGradient : public testing::TestWithParam<Case> {};

const std::map<std::string, int64_t> sizes = {{"n", 37}, {"d", 5}, {"h", 19}, {"c", 4}};

} // namespace

TEST_P(LossGradient, EqualsTheReference) {
  std::string name = GetParam().loss;
  Compiled spec(std::string("losses/") + GetParam().file, "f64");
  ASSERT_TRUE(spec.isReady());
  std::unique_ptr<JitEntry> entry = spec.getEntry(name + ".grad");
  ASSERT_TRUE(entry->isThere());
  FuncOp func = spec.getReference(name);
  ASSERT_TRUE(func);

  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  std::vector<std::vector<double>> reals(entry->getLayout().tensors.size());
  std::vector<std::vector<int64_t>> ints(reals.size()), dims(reals.size());
  std::vector<gradus_tensor> slot;
  std::map<std::string, size_t> where;
  for (auto [i, tensor] : llvm::enumerate(entry->getLayout().tensors)) {
    int64_t count = 1;
    for (mlir::Attribute dim : tensor.dims) {
      dims[i].push_back(sizes.at(llvm::cast<mlir::StringAttr>(dim).getValue().str()));
      count *= dims[i].back();
    }
    where[tensor.name] = i;
    bool isInt = tensor.dtype == GRADUS_I64;
    for (int64_t k = 0; k < count; ++k)
      if (isInt)
        ints[i].push_back(static_cast<int64_t>(random() % sizes.at("c")));
      else
        reals[i].push_back(normal(random));
    void *data = isInt ? static_cast<void *>(ints[i].data()) : reals[i].data();
    slot.push_back({data, dims[i].data(), nullptr, static_cast<int32_t>(dims[i].size()), tensor.dtype, GRADUS_CPU, 0});
  }
  reference::Arrays<double> arguments;
  std::vector<unsigned> wrt;
  std::vector<size_t> gradients;
  std::vector<double> hypers;
  for (unsigned i = 0; i < func.getNumArguments(); ++i) {
    std::string argument = func.getArgName(i).str();
    if (func.getArgRole(i) == Role::Hyper) {
      hypers.push_back(func.getArgAttrOfType<mlir::FloatAttr>(i, "gradus.default").getValueAsDouble());
      arguments.push_back(reference::Array<double>::scalar(hypers.back()));
      continue;
    }
    size_t at = where.at(argument);
    arguments.push_back(ints[at].empty() ? reference::Array<double>::real(dims[at], reals[at]) : reference::Array<double>::integer(dims[at], ints[at]));
    if (where.contains("grad_" + argument)) {
      wrt.push_back(i);
      gradients.push_back(where.at("grad_" + argument));
    }
  }
  ASSERT_FALSE(wrt.empty());
  std::string error;
  auto expected = reference::evaluateGradients<double>(func, arguments, wrt, error);
  ASSERT_TRUE(succeeded(expected)) << error;
  gradus_report report{};
  ASSERT_EQ(entry->call(hypers.data(), 0, 0, slot, &report, error), GRADUS_OK) << error;
  EXPECT_NEAR(report.value, expected->value, 1e-12 * std::fabs(expected->value));
  for (auto [k, at] : llvm::enumerate(gradients)) {
    double largest = 0;
    for (double x : expected->gradients[k].reals)
      largest = std::max(largest, std::fabs(x));
    for (size_t i = 0; i < reals[at].size(); ++i)
      EXPECT_NEAR(reals[at][i], expected->gradients[k].reals[i], 1e-12 * largest) << entry->getLayout().tensors[at].name << " element " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Shelf, LossGradient,
                         testing::Values(Case{"hinge.grad", "hinge"}, Case{"huber.grad", "huber"}, Case{"logistic.grad", "logistic"},
                                         Case{"perceptron.grad", "perceptron"}, Case{"softmax_regression.grad", "softmax_regression"},
                                         Case{"squared_error.grad", "squared_error"}),
                         [](const auto &info) { return std::string(info.param.loss); });
